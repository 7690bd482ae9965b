"""The page of a runbook in docs/runbooks: its head, written from its YAML, and the index of all."""

from collections.abc import Iterable, Iterator

from wardline.agent.runbooks import proofs, shadow_edit
from wardline.agent.runbooks.edit_steps import (
    AccountRule,
    EditAccounts,
    KeepLogs,
    MakeFolder,
    TakeWrite,
)
from wardline.agent.runbooks.runbook import (
    InstallFile,
    RemedyText,
    Risk,
    Runbook,
    RunCommand,
    SetConfigLine,
    SetMode,
    SetService,
    Step,
    UnitState,
)
from wardline.core.incidents.remedy import Condition

FOLDER = "docs/runbooks"
INDEX = "README.md"
# Below this line a page is its author's; what stands above is written again by `make reference`.
END = "Written from the runbook by `make reference`; below this line, by hand."

_RUNS = {
    Risk.LOW: "low: runs by itself where a site lets it",
    Risk.MEDIUM: "medium: asks for an approval first",
    Risk.HIGH: "high: is offered, and a person starts it",
}
_UNIT = {
    UnitState.ENABLED: "is enabled and started",
    UnitState.DISABLED: "is disabled and stopped",
    UnitState.RESTARTED: "is restarted, where it runs and something was changed",
}
_ACCOUNTS = {
    AccountRule.LOCK_OPEN: "locks each account without a password",
    AccountRule.LIMIT_AGE: "gives each password that works an end, and its account one after it",
}


def head(book: Runbook) -> str:
    """What every page begins with, down to the line that ends it."""
    rows = [
        ("runbook", f"`{book.id}`, version {book.version}"),
        ("answers", f"[`{book.check}`](../checks/{book.check}.md)"),
        ("risk", _RUNS[book.risk]),
        ("at work", _at_work(book)),
        ("platforms", ", ".join(book.platforms)),
        ("takes at most", f"{sum(step.timeout_s for step in book.steps)} s, and as much to undo"),
        ("controls", ", ".join(book.controls)),
        *((f"input `{name}`", one.description) for name, one in book.inputs.items()),
    ]
    table = [f"| {name} | {_cell(text)} |" for name, text in rows]
    steps = [f"| {step.name} | {_does(step)} | {_cell(_proved(step))} |" for step in book.steps]
    return "\n".join(
        [
            *(f"# {book.title}", "", book.description, "", "| | |", "|-|-|", *table, ""),
            *(*_when(book), ""),
            *("| step | what it does | proved by |", "|-|-|-|", *steps, "", END, ""),
        ]
    )


def with_head(book: Runbook, page: str) -> str:
    """The page with a fresh head; what its author wrote stays."""
    _, _, written = page.partition(f"{END}\n")
    return f"{head(book)}{written}"


def body(page: str) -> str:
    """What the author of a page wrote."""
    return page.partition(f"{END}\n")[2].strip()


def index(books: Iterable[Runbook]) -> str:
    """The page that lists every runbook."""
    rows = [
        f"| [`{one.id}`]({one.id}.md) | {_cell(one.title)} | {one.risk} | {one.version} |"
        for one in sorted(books, key=lambda one: one.id)
    ]
    intro = (
        "A step that fails, a proof that refuses, something that was up before a run and is down"
        " after it: each undoes the whole run. What a run has healed is only ever what its check"
        " showed afterwards. No value that is written comes from a host."
    )
    titles = ["| runbook | what it does | risk | version |", "|-|-|-|-|"]
    return "\n".join([f"# The {len(rows)} built-in runbooks", "", intro, "", *titles, *rows, ""])


def _at_work(book: Runbook) -> str:
    said = ["people notice it" if book.disruptive else "nobody is interrupted"]
    if book.requires_reboot:
        said.append("counts from the next start of the host on")
    return "; ".join(said)


def _when(book: Runbook) -> list[str]:
    """Where it may run at all, and what it takes where it has a choice."""
    chosen = [one for one in book.remedies if one.conditions and one.choice is None]
    picked = [one for one in book.remedies if one.choice is not None]
    told = ["It runs only where its check has failed."]
    if book.preconditions:
        told = ["It runs only where its check has failed, and:", ""]
        told.append(f"- {_conditions(book.preconditions)}")
    elif not chosen:
        told = ["It runs where its check has failed, whatever that finds."]
    if chosen:
        told += ["", "It takes what the first of these that holds says:", ""]
        told += [f"- {_conditions(one.conditions)}: {_inputs(one)}" for one in chosen]
    if picked:
        told += ["", "Of these a person picks one, until enough such picks have lasted:", ""]
        told += [
            f"- {one.choice}: {_inputs(one)}, where {_conditions(one.conditions)}" for one in picked
        ]
    return told


def _conditions(conditions: tuple[Condition, ...]) -> str:
    return ", ".join(f"`{one.fact}` {one.operator} `{_value(one.value)}`" for one in conditions)


def _inputs(one: RemedyText) -> str:
    taken = [f"{name} `{_value(value)}`" for name, value in one.inputs.items() if value]
    return ", ".join(taken)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _does(step: Step) -> str:
    match step:
        case SetConfigLine():
            return f"sets {_what(step.for_each, step.key)} in `{step.file}`"
        case InstallFile():
            return f"writes `{step.file}`, mode {step.mode}"
        case SetMode():
            what = _what(step.for_each, step.file)
            return f"sets mode, owner and group of {what}"
        case RunCommand():
            return f"runs `{' '.join(step.argv)}`; undone by `{' '.join(step.undo)}`"
        case SetService():
            return f"{_what(step.for_each, step.unit)} {_UNIT[step.state]}"
        case MakeFolder():
            return f"makes `{step.folder}` where it is missing"
        case TakeWrite():
            return f"takes write permission from group and others on `{step.for_each}`"
        case KeepLogs():
            return f"keeps {step.days} days of the logs that are judged, in `{step.for_each}`"
        case EditAccounts():
            return f"{_ACCOUNTS[step.rule]}, in `{shadow_edit.PATH}`"


def _what(for_each: str | None, otherwise: str) -> str:
    return f"`{otherwise}`" if for_each is None else f"each of `{for_each}`"


def _proved(step: Step) -> str:
    """The programs that judge a file, or why there is none; nothing for what is no file."""
    if isinstance(step, EditAccounts):
        return f"nothing: {(proofs.of(shadow_edit.PATH) or proofs.Proof()).unproven}"
    if isinstance(step, KeepLogs):
        return f"nothing: {(proofs.of('/etc/logrotate.conf') or proofs.Proof()).unproven}"
    if not isinstance(step, SetConfigLine | InstallFile):
        return ""
    proof = proofs.of(step.file) or proofs.Proof()
    programs = list(_programs(step.check_with or proof.staged, proof.whole))
    return ", then ".join(programs) or f"nothing: {step.unproven or proof.unproven}"


def _programs(*argvs: tuple[str, ...] | None) -> Iterator[str]:
    yield from (f"`{' '.join(argv)}`" for argv in argvs if argv is not None)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
