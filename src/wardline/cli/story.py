"""An incident as lines of plain text: the same for what Central knows and for the appliance's own.

Each line is made safe for a terminal; what a host or an appliance wrote is shown and never obeyed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from wardline.core import plain

Json = Mapping[str, Any]

_UNDONE = {
    "nothing": "nothing was changed, so there was nothing to undo",
    "stands": "the run got through; what it changed stands",
    "verified": "all that it had changed was put back, and found back",
    "part": "NOT everything could be put back; by hand:",
    "unknown": "the agent was stopped during the run: look at the host",
}
_ENDS = {
    "stable": "passed once more after the watch",
    "recurred": "failed again before it had lasted: a false heal",
    "undone": "was undone on a person's word",
    "unproved": "failed long after the watch, or another run was undone: nothing shows if it held",
}


def row(one: Json) -> list[str]:
    """One incident of a list, in two lines, so that nothing is cut short on a narrow terminal."""
    site = f"{one['site_name']}, " if "site_name" in one else ""
    where = f"{site}{one['host_name'] or one['host_id']}"
    first = f"{one['id']}  {one['state']}, {one['severity']}  {where}, since {one['opened_at']}"
    return _safe([first, f"  {one['sentence']}"])


def lines(one: Json) -> list[str]:
    """The whole story, from the state now to what it rests on."""
    return _safe([str(one["sentence"]), "", *_head(one), *_chapters(one)])


def _head(one: Json) -> Iterator[str]:
    level = f", {one['resolution_level']}" if one["resolution_level"] else ""
    yield f"{one['id']}: {one['state']}, {one['severity']}{level}"
    where = f"{one['host_name'] or one['host_id']} ({one['host_id']})"
    if "site_name" in one:
        where = f"{where} at {one['site_name']} ({one['site_id']})"
    yield f"host      {where}"
    yield f"opened    {one['opened_at']}"
    latest = one["latest"]
    if latest is not None:
        yield f"measured  {latest['measured_at']}: {latest['outcome']}"
    if one.get("silent"):
        yield f"its appliance was last heard of at {one['heard_at'] or 'no time at all'}"
    if one["closed_at"]:
        yield f"closed    {one['closed_at']}"
    if one["watched_until"]:
        yield f"watched   until {one['watched_until']}"
    for handed in one.get("handovers", [])[:1]:
        yield f"handed    to {handed['to_name']} by {handed['by_name']}, {handed['at']}"
        yield f"          {handed['note']}"
    for hold in one.get("holds", []):
        yield f"on hold   {hold['runbook_id']} since {hold['suppressed_at']}: {hold['reason']}"


def _chapters(one: Json) -> Iterator[str]:
    yield from _measured("What was measured", one["before"])
    yield from _decided(one["decision"])
    yield from _choices(one)
    yield from _run(one)
    if one["after"] is not None:
        yield from _measured("What the second measurement said", one["after"])
    if one["heals"]:
        yield from ("", "Whether it lasted")
        for heal in one["heals"]:
            end = _ENDS.get(heal["ended"] or "", "is watched still")
            yield f"  {heal['number']}. {heal['runbook_id']} healed it {heal['healed_at']}; {end}"


def _measured(title: str, result: Json) -> Iterator[str]:
    yield from ("", f"{title}, {result['measured_at']}")
    yield f"  {result['outcome']}: {result['summary']}"


def _decided(decision: Json | None) -> Iterator[str]:
    yield from ("", "The decision")
    if decision is None:
        yield "  Not decided yet."
        return
    reason = decision.get("reason") or decision.get("code")
    yield f"  {decision.get('verdict')} ({decision.get('code')}): {reason}"
    trace = decision.get("trace")
    for step in trace if isinstance(trace, list) else []:
        if isinstance(step, dict) and step.get("outcome") not in ("pass", "skipped"):
            yield f"    {step.get('check')}: {step.get('outcome')}, {step.get('detail')}"


def _choices(one: Json) -> Iterator[str]:
    choices = one.get("choices", [])
    if choices:
        yield from ("", "Which is right? `wardline incidents choose` has one of these run:")
    for number, each in enumerate(choices, 1):
        leave = ", after an approval" if each["verdict"] == "ask" else ""
        yield f"  {number}. {each['words']} ({each['runbook_id']}{leave})"


def _run(one: Json) -> Iterator[str]:
    actions = one["actions"]
    ran = [action for action in actions if not action["dry_run"]]
    if not ran:
        yield from ("", "Nothing was run, nothing was changed.")
    if actions:
        book = one["runbook"] or {}
        named = f"{book.get('id', 'the repair')} v{book.get('version', '?')}"
        yield from ("", f"What was run: {named}" if ran else f"What would be run: {named}")
    for number, action in enumerate(actions, 1):
        yield from _step(number, action)
    if ran:
        yield from ("", f"Undo: {_UNDONE[one['undo']]}")
        if one["undo"] in ("part", "unknown"):
            yield from (f"  {left}" for left in one["left"] or _said_of_undo(one))


def _said_of_undo(one: Json) -> list[str]:
    """What the last look after an undo found that none of its steps had failed at."""
    told = (one["decision"] or {}).get("undo")
    detail = told.get("detail") if isinstance(told, dict) else None
    return [] if detail is None else [str(detail)]


def _step(number: int, action: Json) -> Iterator[str]:
    yield f"  {number}. {action['step']}: {action['target']}"
    exit_code = action["exit_code"]
    parts = [_became(action)]
    if exit_code is not None:
        parts.append(f"exit code {exit_code}")
    if not action["dry_run"]:
        parts.append(f"{action['duration_ms']} ms")
    yield f"     {', '.join(parts)}"
    if action["error"]:
        yield f"     error: {action['error']}"
    for name in ("diff", "output"):
        yield from (f"     | {line}" for line in str(action[name]).splitlines())


def _became(action: Json) -> str:
    if action["undone"]:
        return "changed and undone"
    if action["error"]:
        return "failed, its change is left" if action["changed"] else "failed"
    if action["dry_run"]:
        return "would change" if action["changed"] else "would change nothing"
    return "changed" if action["changed"] else "nothing to change"


def _safe(told: list[str]) -> list[str]:
    return [plain.shown(line.replace("\t", "    ").replace("\n", " ")) for line in told]
