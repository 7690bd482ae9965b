"""One appliance with one host of a scenario, a tree or behind sshd, and eyes that are not its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.harness import openssh, ordering
from tests.harness.openssh import Server
from tests.integration.agent.bench import Bench
from tests.integration.healing import picture, programs, promoting
from tests.integration.healing.picture import Picture
from tests.integration.healing.trouble import Died, Trouble, Troubled
from tests.unit.agent import host_trees
from wardline.agent import clearing, freezing
from wardline.agent.checks import check
from wardline.agent.hosts.host import CannotRun, Host, Kind, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.levels import Levels
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.roster import Member
from wardline.agent.runbooks import runbook
from wardline.agent.settings import Flap, HostSettings, SshSettings, Watch
from wardline.agent.store import holds, incidents, results, undos
from wardline.agent.store.credentials import Credentials
from wardline.core import ids
from wardline.core.deviation import AcceptedState, Deviation
from wardline.core.evidence.bundle import IncidentRecord, Outcome, Result, RunbookRef
from wardline.core.incidents import choice
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Condition, Operator
from wardline.core.incidents.states import State
from wardline.core.orders import Body, Consent, Order, UndoRun
from wardline.core.sealed import Credential, SecretType

MINUTE = timedelta(minutes=1)
PERSON = "Ada"
NEWEST = 8
PLACES = ("usr/sbin", "usr/bin")
KEYS, KEPT_KEYS = "authorized_keys", "authorized_keys.kept"


@dataclass
class Box:
    """A real sshd whose sessions are in whatever tree `root` points to."""

    server: Server
    root: Path
    toolbox: Path

    def restore(self) -> None:
        """The line is as it was before a story, whatever that did to it."""
        kept, process = self.server.folder / KEPT_KEYS, self.server.process
        if kept.exists():
            kept.rename(kept.with_name(KEYS))
        runs = process is not None and process.poll() is None
        if runs and self.server.settings is None:
            self.server.resume_all()
            return
        self.server.stop()
        self.server.settings = None
        self.server.start()


@contextmanager
def standing(folder: Path, healthy: Path, box: Box | None = None, **how: Any) -> Iterator["Stage"]:
    """A stage until the block is left; then it is closed, and the line is as it was."""
    with ExitStack() as after:
        if box is not None:
            after.callback(box.restore)
        stage = Stage(folder, healthy, box, **how)
        after.callback(stage.close)
        yield stage


@dataclass
class Stage:
    """A healthy host and its appliance, whose site heals; `box` makes it a host over SSH, `live` is
    a host on the tree that takes the tree's own place.

    Every heal that the appliance books is compared at once with what an independent look finds:
    `false_heals` holds those of another opinion.
    """

    folder: Path
    healthy: Path
    box: Box | None = None
    flap: Flap = field(default_factory=Flap)
    watch: Watch = field(default_factory=Watch)
    troubles: list[Trouble] = field(default_factory=list)
    live: Host | None = None
    false_heals: list[str] = field(default_factory=list)
    seen: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.bench = Bench(self.folder, flap=self.flap)
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise

    def _furnish(self) -> None:
        self.bench.settings = self.bench.settings.model_copy(update={"watch": self.watch})
        self.root = self.bench.tree
        shutil.rmtree(self.root)
        if self.box is None:
            host_trees.copy(self.healthy, self.root)
        else:
            self._enter(self.box)
        self.restart()
        self.bench.central.healing = "heal"
        self.bench.check_in()
        self.base = self.picture()

    def _enter(self, box: Box) -> None:
        """Declare the host as one over SSH and seal what opens it to the appliance's key."""
        openssh.copy(box.toolbox, self.root)
        (self.root / "etc/passwd").unlink()
        shutil.copytree(self.healthy, self.root, symlinks=True, dirs_exist_ok=True)
        programs.install(self.root)
        box.root.unlink(missing_ok=True)
        box.root.symlink_to(self.root)
        place = SshSettings(
            address="127.0.0.1",
            port=box.server.port,
            user=box.server.user,
            host_key=box.server.host_key,
        )
        host = HostSettings(id=self.bench.host.id, name="far", kind="ssh", ssh=place)
        self.bench.host = host
        credentials = Credentials(self.bench.layout, self.bench.settings.appliance.id)
        credentials.keep(host, Credential(SecretType.PRIVATE_KEY, box.server.private_key))
        self.bench.settings = self.bench.settings.model_copy(update={"hosts": [host]})

    def close(self) -> None:
        self.bench.close()

    def take_over(self) -> None:
        """Put the troubles before the host of the agent that runs now."""
        members = self.bench.agent.roster._members
        for name, member in members.items():
            real = self.live or self._opened
            host = cast("Host", Troubled(real, self.root, self.troubles))
            members[name] = Member(member.declared, host, member.busy)

    # What people and the world do

    def change(self, what: dict[str, Any]) -> None:
        """Somebody changes the host."""
        host_trees.change(self.root, what)
        self.base = self.picture()

    def hard_link(self, path: str) -> None:
        """The file has another name outside of the host."""
        (self.folder / "outside").hardlink_to(self.root / path)

    def rule(self, runbook_id: str, changes: dict[str, Any]) -> None:
        ordering.change_rule(self.bench.central, f"runbook.{runbook_id}", **changes)
        self.bench.check_in()

    def site(self, healing: str) -> None:
        self.bench.central.healing = healing
        self.bench.central.settings_revision += 1
        self.bench.check_in()

    def freeze(self) -> None:
        freezing.freeze(self.bench.agent.ledger, PERSON, "a template breaks the scanners")

    def unfreeze(self) -> None:
        freezing.unfreeze(self.bench.agent.ledger, PERSON, "the template is gone")

    def observed(self) -> None:
        """The host is declared as one that is only looked at."""
        host = self.bench.host.model_copy(update={"observed": True})
        self.bench.settings = self.bench.settings.model_copy(update={"hosts": [host]})
        self.restart()

    def clear_hold(self) -> None:
        with self.bench.agent.ledger.reading() as tx:
            (hold,) = holds.active(tx)
        clearing.clear(self.bench.agent.ledger, hold.id, PERSON, "found the rival")

    def approve(self, checks: list[str], changes: dict[str, Any]) -> tuple[str, str]:
        """A person says yes to what waits, and the appliance gets the order; how that ended."""
        self.bench.report()
        record = self.records(checks)[-1]
        now = self.bench.clock()
        valid = Consent(ids.new("appr"), (ordering.ADA,), now - MINUTE, now + 60 * MINUTE)
        consent = valid if (record.decision or {})["verdict"] == "ask" else None
        given = {"consent": consent, **self._valid(), **changes}
        return self._obey(
            ordering.run_order(self.bench.central, record, self.bench.host.id, **given)
        )

    def pick(self, checks: list[str], words: str) -> tuple[str, str]:
        """A person picks one of the choices of the newest ticket, by its words; how that ended."""
        self.bench.report()
        record = self.records(checks)[-1]
        (entry,) = [one for one in choice.told(record.decision) if one["choice"]["words"] == words]
        picked = replace(record, decision=entry, runbook=RunbookRef(**entry["runbook"]))
        given = {"consent": None, **self._valid()}
        return self._obey(
            ordering.run_order(self.bench.central, picked, self.bench.host.id, **given)
        )

    def promote(self, runbook_id: str, words: str, failing: str) -> None:
        """A choice is L1's own from now on, as people at Central approved it for its pattern."""
        central = self.bench.central
        made = promoting.of_choice(runbook_id, words, failing, central.site, self.bench.clock())
        central.mandates.promote(made)
        self.bench.check_in()

    def undo(self, reason: str) -> tuple[str, str]:
        """A person has the newest run undone; how that ended."""
        with self.bench.agent.ledger.reading() as tx:
            kept = undos.newest(tx)[0]
        body = UndoRun(kept.run_id, kept.incident_id, kept.check, kept.runbook_id)
        return self._obey(self._order(body, reason))

    def accept(self, checks: list[str], reason: str) -> None:
        """A person accepts what was measured last, for a month."""
        now, states = self.bench.clock(), []
        with self.bench.agent.ledger.reading() as tx:
            for seen in filter(None, (results.latest(tx, self.bench.host.id, checks[0]),)):
                states.append(AcceptedState(self.bench.host.id, seen.facts_digest, seen.severity))
        times = now, now + timedelta(days=30)
        told = ("Mia", "Dr. Berg", reason, "the console's network is closed")
        made = Deviation(ids.new("dev"), checks[0], *times, *told, tuple(states))
        self.bench.central.mandates.accept(made)
        self.bench.check_in()

    def without_answers(self) -> None:
        """From now on no remedy of L1 answers any drift; what its runbooks can do, they can."""
        never = (Condition("nowhere", Operator.EXISTS, True),)
        unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
        self.bench.agent.healer._levels = Levels(unanswered, (Retrieval(),))

    def _order(self, body: Body, reason: str) -> Order:
        return ordering.order(
            self.bench.central, body, self.bench.host.id, reason=reason, **self._valid()
        )

    def _valid(self) -> dict[str, Any]:
        now = self.bench.clock()
        return {"issued_at": now - MINUTE, "expires_at": now + 30 * MINUTE}

    def _obey(self, order: Order) -> tuple[str, str]:
        ordering.issue(self.bench.central, order)
        self.bench.report()
        self.act()
        self.bench.report()
        return self.bench.central.orders.last(order.id)

    def own_firewall(self) -> None:
        """The host's ufw filters the way by which the appliance comes: who is in stays in, and
        nobody enters anew while it is on, for it knows nothing of that port."""
        assert self.box is not None
        assert self.box.server.process is not None
        (self.root / programs.STATE / "listener").write_text(f"{self.box.server.process.pid}\n")

    def wait(self, minutes: float) -> None:
        self.bench.clock.sleep(minutes * MINUTE)

    def restart(self) -> None:
        self.bench.restart()
        self._opened = next(iter(self.bench.agent.roster)).host
        self.take_over()

    def boot(self) -> None:
        """The machine was switched off: another boot, whose own clock begins anew."""
        self.restart()
        self.bench.agent.ledger._boot_id = ids.new("boot")

    def own_sshd(self) -> None:
        """The host's own sshd_config is what the sshd reads that lets the appliance in."""
        assert self.box is not None
        server, key = self.box.server, self.box.server.folder / "host_key"
        server.stop()
        (self.root / "usr/sbin/sshd").unlink()
        openssh.install(self.root, openssh.SSHD)
        place = self.root / str(key).lstrip("/")
        for folder in (place.parent, self.root / "run/sshd"):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(key, place)
        with (self.root / "etc/passwd").open("a") as accounts:
            accounts.write("sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n")
        server.settings = self.root / "etc/ssh/sshd_config"
        self.line("up")
        assert server.process is not None
        # A SIGHUP makes it begin anew as the same process.
        (self.root / "run/sshd.pid").write_text(f"{server.process.pid}\n")
        self.base = self.picture()

    def line(self, state: str) -> None:
        """The host is `down`, or `up` again and may be called at once; `other key`: up as one that
        was installed anew; `shut`: it lets nobody in; `open`: it does again."""
        assert self.box is not None
        server, keys = self.box.server, self.box.server.folder / KEYS
        match state:
            case "down":
                server.stop()
            case "up":
                server.start()
            case "other key":
                server.stop()
                server.change_host_key()
                server.start()
            case "shut":
                keys.rename(keys.with_name(KEPT_KEYS))
                server.cut()
            case "open":
                keys.with_name(KEPT_KEYS).rename(keys)
        (member,) = self.bench.agent.roster
        cast("Any", member.host)._line._rest_until = 0.0

    # What the appliance does

    def look(self, checks: list[str]) -> list[Result]:
        found = self.bench.observe(*checks)
        self._compare()
        return found

    def act(self) -> None:
        try:
            self.bench.act()
        except Died:
            self.restart()
        self._compare()

    # What can be seen of it

    def records(self, checks: list[str]) -> list[IncidentRecord]:
        told = self.bench.central.stored
        return [one for kept in told for one in kept.bundle.incidents if one.check in checks]

    def incidents(self) -> list[Incident]:
        """The newest first, as many as one story has at most."""
        with self.bench.agent.ledger.reading() as tx:
            rows = tx.rows("SELECT id FROM incidents ORDER BY rowid DESC LIMIT ?", (NEWEST,))
            return [one for row in rows if (one := incidents.get(tx, row["id"]))]

    def holds(self) -> int:
        with self.bench.agent.ledger.reading() as tx:
            return len(holds.active(tx))

    def truth(self, name: str) -> Result:
        """The same check through other eyes: no agent, no sshd, no trouble between."""
        eyes = (Eyes if self.box else TreeHost)("eyes", "eyes", str(self.root))
        return check.measure(check.registry()[name], eyes, self.bench.clock)

    def picture(self) -> Picture:
        return picture.take(self.root)

    def changed(self) -> list[str]:
        """The paths that are other than somebody left them last."""
        return picture.differing(self.picture(), self.base)

    def _compare(self) -> None:
        """Heals that were booked since the last look, beside what is true at this moment."""
        for one in self.incidents():
            if one.state not in (State.HEALED, State.STABLE) or one.watch is None:
                continue
            key = (f"{one.id} {one.state}", one.watch.number)
            if key not in self.seen:
                self.seen.add(key)
                if (found := self.truth(one.check)).outcome is not Outcome.PASS:
                    self.false_heals.append(f"{one.check} {one.state}: {found.summary}")


class Eyes(TreeHost):
    """The host of a box from beside its line: its files, and its programs in a chroot of ours."""

    kind = Kind.LOCAL

    def ask(self, query: Query) -> Output:
        if not any(Path(self._root, one, query.argv[0]).exists() for one in PLACES):
            raise CannotRun(query.argv[0], "there is no such program")
        inside = ["/usr/sbin/chroot", self._root]
        if os.geteuid() != 0:
            inside = ["/usr/bin/unshare", "--user", "--map-root-user", *inside]
        done = subprocess.run([*inside, *query.argv], capture_output=True, timeout=30)
        return Output(done.returncode, done.stdout, done.stderr, False, 1)


def told(records: list[IncidentRecord]) -> list[str]:
    """The way up the ladder, as `healed L1`: each state that evidence tells, and its level."""
    return [
        f"{one.state.value} {one.resolution_level.value}"
        if one.resolution_level
        else one.state.value
        for one in records
    ]
