"""The state of an appliance, as its own machine sees it: what a person looks at first."""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass

from wardline import __version__
from wardline.agent import agent
from wardline.agent.settings import Layout, Settings
from wardline.agent.standing import Standings
from wardline.agent.store import (
    alarms,
    backoff,
    facts,
    holds,
    incidents,
    orders,
    outbox,
    policies,
    witness,
)
from wardline.agent.store.database import Transaction
from wardline.agent.store.holds import Hold
from wardline.agent.store.keys import Keyring, KeyUnusable
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.mandates import Recipient
from wardline.agent.store.policies import PolicyRefused
from wardline.agent.uplink import Uplink
from wardline.core import clock
from wardline.core.deviation import Deviation
from wardline.core.errors import WardlineError
from wardline.core.evidence import trust
from wardline.core.evidence.checkpoint import Checkpoint

CLOCK_OFFSET_MS_MAX = 5000
NONCE = "00" * 16


@dataclass(frozen=True, slots=True)
class Line:
    """One examined thing; `ok` None means that it is neither good nor bad."""

    topic: str
    name: str
    value: str
    ok: bool | None = None


def examine(
    layout: Layout, settings: Settings, connect: Callable[[Layout, Settings], Uplink]
) -> list[Line]:
    """Everything worth knowing, read only; what cannot be read is a line that says so."""
    lines = [
        Line("appliance", "id", settings.appliance.id),
        Line("appliance", "site", f"{settings.site.name} ({settings.site.id})"),
        Line("appliance", "version", __version__),
        Line("appliance", "data directory", str(layout.root), _is_private(layout)),
    ]
    lines += [_host(one.name, one.kind, observed=one.observed) for one in settings.hosts]
    lines += _keys(layout, settings)
    lines += _inside(layout, settings)
    return [*lines, _central(layout, settings, connect)]


def wire(lines: list[Line]) -> dict[str, object]:
    """As JSON: `ok` is whether nothing was found wrong."""
    return {"ok": is_well(lines), "lines": [asdict(line) for line in lines]}


def is_well(lines: list[Line]) -> bool:
    return all(line.ok is not False for line in lines)


def trusted(layout: Layout, settings: Settings) -> str:
    """keys.txt: what an auditor takes from this machine and not from Central."""
    keyring, appliance_id = Keyring(layout.keys), settings.appliance.id
    ledger = agent.open_ledger(layout, settings)
    try:
        with ledger.reading() as tx:
            held = witness.kept(tx, settings.central.log_origin)
    finally:
        ledger.database.close()
    log_key = policies.public_key(settings.central.log_key).public
    lines = [
        f"# Keys of appliance {appliance_id}, site {settings.site.name}; made on the appliance.\n",
        trust.line("log", settings.central.log_origin, log_key),
        trust.line("appliance", appliance_id, keyring.evidence().public),
        trust.line("witness", appliance_id, keyring.witness().public),
    ]
    if held.size:
        lines.append(trust.checkpoint_line(Checkpoint(held.origin, held.size, held.root)))
    return "".join(lines)


def _inside(layout: Layout, settings: Settings) -> list[Line]:
    """What the database says, or why it says nothing."""
    try:
        ledger = agent.open_ledger(layout, settings)
    except WardlineError as error:
        return [Line("store", "agent.db", str(error), ok=False)]
    try:
        return [*_store(ledger), *_state(ledger, settings)]
    finally:
        ledger.database.close()


def _is_private(layout: Layout) -> bool:
    found = layout.root.stat()
    return not found.st_mode & 0o077 and found.st_uid == os.geteuid()


def _host(name: str, kind: str, *, observed: bool) -> Line:
    return Line("hosts", name, f"{kind}, {'observed only' if observed else 'may be repaired'}")


def _keys(layout: Layout, settings: Settings) -> list[Line]:
    keyring = Keyring(layout.keys)
    lines = [
        Line("keys", name, policies.public_key(text).key_id)
        for name, text in (
            ("Central's uplink key", settings.central.uplink_key),
            ("Central's log key", settings.central.log_key),
            ("Central's policy key", settings.central.policy_key),
            ("Central's order key", settings.central.order_key),
        )
    ]
    try:
        lines += [
            Line("keys", "evidence key", keyring.evidence().key_id, ok=True),
            Line("keys", "witness key", keyring.witness().key_id, ok=True),
        ]
    except KeyUnusable as error:
        lines.append(Line("keys", "own keys", str(error), ok=False))
    return lines


def _store(ledger: Ledger) -> list[Line]:
    database = ledger.database
    mode, synchronous = database.journal_mode(), database.pragma("synchronous")
    foreign_keys = database.pragma("foreign_keys")
    used = f"{database.bytes_used()} of {database.bytes_max} bytes"
    return [
        Line("store", "journal_mode", mode, mode == "wal"),
        Line("store", "synchronous", str(synchronous), synchronous == 2),
        Line("store", "foreign_keys", str(foreign_keys), foreign_keys == 1),
        Line("store", "room", used, database.has_room()),
    ]


def _state(ledger: Ledger, settings: Settings) -> list[Line]:
    with ledger.reading() as tx:
        own, counts = outbox.head(tx), outbox.counts(tx)
        held = witness.kept(tx, settings.central.log_origin)
        verified_at = witness.verified_at(tx, settings.central.log_origin)
        offset = facts.get(tx, facts.Name.CLOCK_OFFSET_MS)
        seen = facts.get(tx, facts.Name.LAST_CHECKIN_AT)
        rest_s = backoff.remaining_ms(tx, ledger.moment()) / 1000
        why = backoff.reason(tx) if rest_s else None
        open_ones = incidents.count_by_state(tx)
        open_hosts = incidents.count_by_host(tx)
        active = holds.active(tx)
        order_counts, untold = orders.count_by_state(tx), orders.count_untold(tx)
        sounding = alarms.sounding(tx)
        policy, standing = _policy(tx, settings), _standing(tx, settings)
    queue = f"{counts.pending} to send, {counts.unproved} to prove, {counts.quarantined} refused"
    resting = f"rests {rest_s:.0f} s: {why}" if rest_s else "no"
    by_state = ", ".join(f"{n} {state}" for state, n in sorted(open_ones.items())) or "none"
    log_line = f"{held.size} entries, verified {verified_at}" if held.size else "no checkpoint yet"
    return [
        Line("clock", "now", clock.wire(ledger.now())),
        _offset(offset),
        Line("queue", "bundles", queue, counts.quarantined == 0),
        Line("queue", "stream", f"epoch {own.epoch}, next {own.next_seq}"),
        Line("queue", "resting", resting, not rest_s),
        Line("witness", "log", log_line),
        policy,
        *standing,
        Line("incidents", "open", by_state),
        *_orphans(open_hosts, settings),
        Line("incidents", "holds", str(len(active)), not active),
        *_holds(active, settings),
        _orders(order_counts, untold),
        Line("central", "last check-in", seen or "never"),
        *(Line("alarm", f"{one.code} {one.subject}", one.detail, ok=False) for one in sounding),
    ]


def _holds(active: list[Hold], settings: Settings) -> list[Line]:
    """Each hold with what ends it."""
    names = {host.id: host.name for host in settings.hosts}
    return [
        Line(
            "holds",
            f"hold {one.id}",
            f"{names.get(one.host_id, one.host_id)}, {one.runbook_id}, since"
            f" {clock.wire(one.suppressed_at)}: {one.reason}; end it with"
            f" `wardline agent holds clear {one.id} --reason …`",
        )
        for one in active
    ]


def _orders(counts: dict[str, int], untold: int) -> Line:
    waiting = f"{counts.get('received', 0)} waiting, {counts.get('running', 0)} running"
    return Line("orders", "here", f"{waiting}, {untold} to be told to Central")


def _orphans(open_hosts: dict[str, int], settings: Settings) -> list[Line]:
    """Incidents of hosts that nobody measures any more: they stay open, and are said."""
    declared = {host.id for host in settings.hosts}
    text = "open on a host that agent.toml no longer names: nothing measures them any more"
    return [
        Line("incidents", host_id, f"{count} {text}")
        for host_id, count in sorted(open_hosts.items())
        if host_id not in declared
    ]


def _offset(offset: str | None) -> Line:
    if offset is None:
        return Line("clock", "against Central", "not known yet")
    ok = abs(int(offset)) <= CLOCK_OFFSET_MS_MAX
    return Line("clock", "against Central", f"{int(offset)} ms", ok)


def _policy(tx: Transaction, settings: Settings) -> Line:
    key = policies.public_key(settings.central.policy_key)
    try:
        active = policies.load(tx, key, settings.site.id)
    except PolicyRefused as error:
        return Line("policy", "in force", str(error), ok=False)
    if active is None:
        return Line("policy", "in force", "none yet: this appliance observes and repairs nothing")
    epoch, revision, settings_revision = active.version
    text = (
        f"revision {epoch}.{revision}.{settings_revision}, {len(active.rules)} rules,"
        f" {active.snapshot.healing}, received {clock.wire(active.received_at)}"
    )
    return Line("policy", "in force", text, ok=True)


def _standing(tx: Transaction, settings: Settings) -> list[Line]:
    """Who stopped everything, which part of the site's limits is this appliance's, and what people
    live with here."""
    key = policies.public_key(settings.central.policy_key)
    recipient = Recipient(key, settings.site.id, settings.appliance.id)
    found = Standings(recipient).now(tx)
    return [
        Line("mandate", "frozen", found.frozen_by or "no", ok=found.problem is None),
        Line("mandate", "limits of the site", found.share.words),
        *(Line("accepted", _accepted(one, settings), one.words) for one in found.deviations),
    ]


def _accepted(one: Deviation, settings: Settings) -> str:
    """The check, and the hosts by name."""
    names = {host.id: host.name for host in settings.hosts}
    hosts = [names.get(state.host_id, state.host_id) for state in one.states]
    return f"{one.check} on {', '.join(hosts)} ({one.id})"


def _central(
    layout: Layout, settings: Settings, connect: Callable[[Layout, Settings], Uplink]
) -> Line:
    try:
        uplink = connect(layout, settings)
    except WardlineError as error:
        return Line("central", settings.central.url, str(error), ok=False)
    try:
        found = uplink.keys(NONCE)
    except WardlineError as error:
        return Line("central", settings.central.url, str(error), ok=False)
    finally:
        uplink.close()
    if found.installation_id != settings.central.installation_id:
        return Line("central", settings.central.url, "another installation answers", ok=False)
    return Line("central", settings.central.url, "reachable", ok=True)
