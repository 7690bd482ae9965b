"""A site at a real Central under siege: both sides and the database are killed, the line is cut.

What must happen is a schedule: it goes on until each trouble that it is for has been seen, and the
seed decides the details.
"""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psutil

from tests.fault.flow import mortal
from tests.fault.flow.mortal import RULE, Mortal
from tests.harness import ordering, outbox, person, product
from tests.harness.person import Person, Row
from tests.harness.wire import HttpRelay, Trap, When
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE
from wardline.agent.settings import Flap
from wardline.cli.client import Rejected, Unreachable
from wardline.core import orders
from wardline.core.orders import Status

# More heals of one drift than a test sees: what flaps is another test's.
PATIENT = Flap(heals=100)
QUICK = mortal.QUICK.model_copy(update={"scale": 1.0})
# What the policy of the seeds keeps about a rule, and takes from nobody.
READ_ONLY = frozenset({"revision", "createdBy", "createdAt", "updatedBy", "updatedAt"})
TICK_S, LOOK_S = 0.05, 0.4
# A tree that is as it should be drifts after so long, an agent's few looks at it.
DRIFT_S = (1.0, 3.0)
TROUBLE_S = (0.5, 2.0)
CENTRAL_NAMES = ("web", "postgres", "jobs")
AGENT_DEATHS = 3
START_S_USUAL = 1.0
SLOWNESS_MAX = 4.0
# For so many orders the agent is once away too long.
AWAY_EVERY, AWAY_ORDERS = 250, 2
SETTLE_S = 180.0
LIVES_IN_PEACE_MAX = 5
LEASED = "answer POST /api/agent/v1/orders/lease"
REPORTED = "answer POST /api/agent/v1/orders/report"

Way = tuple[str, When, bool]
# An order is handed out, and nobody hears of it.
UNHEARD: Way = (LEASED, When.BEFORE, False)


@dataclass(frozen=True, slots=True)
class Form:
    """How much of it. `between` are the orders between two deaths at Central: the supervisor waits
    longer after every death of a young child; on a clock, a slow machine would do nothing else.
    `lifetime_s` is an order's, short, so that one expires while somebody watches, on a machine that
    starts an agent in START_S_USUAL, and longer on a slower one."""

    orders: int
    hosts: int
    between: tuple[int, int]
    lifetime_s: int
    taken_back_every: int
    seconds_max: float


def slowness() -> float:
    """How much longer than usual this machine takes to start an agent just now, 1 to a limit."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import wardline.agent.agent"], check=True, timeout=120)
    return min(max(1.0, (time.monotonic() - began) / START_S_USUAL), SLOWNESS_MAX)


@dataclass(slots=True)
class Siege:
    """A site at a real Central behind a relay that cuts, its agent, and its person; `pace` is the
    `slowness` of the machine."""

    form: Form
    pace: float
    central: product.Central
    person: Person
    relay: HttpRelay
    agent: Mortal
    draw: random.Random
    drift_at: dict[str, float] = field(default_factory=dict)
    away: int = 0
    troubles: Counter[str] = field(default_factory=Counter)

    def open(self) -> None:
        """The rule asks, the site heals, the agent is enrolled through the relay."""
        owner, site = self.person.owner, self.person.site
        (rule,) = [one for one in owner.policy("list")["data"] if one["id"] == RULE]
        asks = {"approval": {**ordering.APPROVAL, "selfApprove": True}, "autoExecute": False}
        kept = {key: value for key, value in rule.items() if key not in READ_ONLY}
        owner.policy("update", {**kept, **asks})
        owner.post(f"/sites/{site}/healing", {"healing": "heal", "reason": "a test"})
        token = str(owner.post(f"/sites/{site}/enrolment-tokens", {})["token"])
        self.agent.enrol(self.relay.url, token, self.form.hosts, flap=PATIENT, intervals=QUICK)

    def run(self) -> None:
        """Until nothing is missing, with trouble until only orders that go well are."""
        deadline = time.monotonic() + self.form.seconds_max
        look_at = trouble_at = 0.0
        central_at = self.draw.randint(*self.form.between)
        ways = self._ways()
        while self.missing():
            now = self._in_time(deadline)
            self.drift(now)
            if now >= look_at:
                self.attend()
                look_at = now + LOOK_S
            time.sleep(TICK_S)
            if not self._untroubled():
                self.relay.watch()
                self.agent.live(in_peace=True)
                continue
            self.agent.live()
            if now >= trouble_at:
                self.cut(UNHEARD if self._leases_max() < 2 else next(ways))
                trouble_at = now + self.draw.uniform(*TROUBLE_S) * self.pace
            if len(self.person.known) >= central_at:
                self.kill_central()
                central_at = len(self.person.known) + self.draw.randint(*self.form.between)
            if len(self.person.known) >= self.form.orders // 3 + self.away * AWAY_EVERY:
                self.stay_away(deadline)

    def missing(self) -> list[str]:
        """What the run is for and has not shown yet. What was seen once stays: an end is final, a
        count grows."""
        return self._untroubled() + self._undone()

    def _undone(self) -> list[str]:
        """Which successes there are too few of."""
        rows, wanted = self.person.known.values(), self.form.orders
        succeeded = sum(row["status"] == Status.SUCCEEDED for row in rows)
        healed = sum(row.get("code") == "healed" for row in rows)
        shown = {
            f"{wanted // 3} orders that succeeded": succeeded >= wanted // 3,
            f"{wanted // 4} orders that healed": healed >= wanted // 4,
        }
        return [what for what, seen in shown.items() if not seen]

    def _untroubled(self) -> list[str]:
        """Which orders and which troubles there are too few of."""
        rows, wanted = self.person.known.values(), self.form.orders
        ends = Counter(row["status"] for row in rows)
        shown = {
            f"{wanted} orders": len(rows) >= wanted,
            "an order taken back": ends[Status.CANCELLED] > 0,
            "an order that expired": ends[Status.EXPIRED] > 0,
            "an order handed out twice": self._leases_max() > 1,
            f"{AGENT_DEATHS} deaths of the agent": self.agent.killed["agent"] >= AGENT_DEATHS,
            "an agent away too long": self.away > 0,
            "a cut of the line": self.troubles["line"] > 0,
        }
        shown |= {f"a death of {name}": self.troubles[name] > 0 for name in CENTRAL_NAMES}
        return [what for what, seen in shown.items() if not seen]

    def drift(self, now: float) -> None:
        """What has been as it should be for a while is given away again."""
        for tree in self.agent.trees:
            if tree.mode != GOOD_MODE:
                self.drift_at.pop(tree.host_id, None)
            elif now >= self.drift_at.setdefault(tree.host_id, now + self.draw.uniform(*DRIFT_S)):
                tree.set_mode(BAD_MODE)

    def attend(self) -> None:
        """A person's round: what became theirs they mend by hand."""
        if not self.person.look():
            return
        self.person.act()
        self.person.ask_again()
        theirs = self.person.escalated(mortal.CHECK)
        for tree in self.agent.trees:
            if tree.host_id in theirs:
                tree.set_mode(GOOD_MODE)

    def cut(self, way: Way) -> None:
        """The line ends within an answer, and the agent with it, or not."""
        trap = self.relay.trap
        if trap is not None and not trap.sprung.is_set():
            return
        about, when, kills = way
        at = 0 if about else self.draw.randrange(12)
        self.relay.watch(Trap(at, when, self._die_there if kills else self._count_cut, about))

    def kill_central(self) -> None:
        """The process of Central that died least, or the database with everything of its own."""
        name = min(CENTRAL_NAMES, key=lambda one: self.troubles[one])
        found = self.central.children(name)
        if not found:
            return
        victim = self.draw.choice(found)
        try:
            if name == "postgres":
                product.kill_whole(victim)
            else:
                victim.kill()
        except psutil.NoSuchProcess:
            return
        self.troubles[name] += 1

    def stay_away(self, deadline: float) -> None:
        """The agent is dead, orders are given, and nobody fetches them while they count."""
        self.person.holds_back = True
        self._pass(deadline)
        while len(self.person.pending) < AWAY_ORDERS:
            self.agent.live()
            self.drift(time.monotonic())
            self._pass(deadline)
        self.agent.kill("to stay away")
        self.agent.bury()
        self.person.holds_back, self.person.is_patient = False, True
        before = set(self.person.known)
        while not (given := self.person.known.keys() - before):
            self._pass(deadline)
        self.kill_central()
        while given & self.person.waiting():
            self._pass(deadline)
        self.person.is_patient = False
        self.away += 1

    def settle(self) -> dict[str, Row]:
        """Lives in peace, until every order has ended and everything sealed is proved; gives the
        orders. One that rests may find the drift that came last and seal that: the next life's."""
        self.relay.watch()
        self.agent.kill("in the end")
        self.agent.bury()
        for _ in range(LIVES_IN_PEACE_MAX):
            self.agent.start()
            product.wait_for(self._rests, "all orders end, all evidence is proved", SETTLE_S)
            found = self.person.all_orders()
            self.agent.stop()
            if outbox.waiting(self.agent.store) == 0:
                return found
        raise AssertionError(f"{LIVES_IN_PEACE_MAX} times it rested, and then sealed more")

    def told(self) -> str:
        states = Counter(str(row["status"]) for row in self.person.known.values())
        return f"{dict(states)}; {dict(self.agent.killed)}; {dict(self.troubles)}"

    def _in_time(self, deadline: float) -> float:
        """Now, in monotonic seconds; what is missing is told at the deadline."""
        now = time.monotonic()
        assert now < deadline, (
            f"not within {self.form.seconds_max:.0f} s: {', '.join(self.missing())};"
            f" {len(self.person.known)} orders given; {self.told()}"
        )
        return now

    def _pass(self, deadline: float) -> None:
        self._in_time(deadline)
        self.attend()
        time.sleep(LOOK_S)

    def _leases_max(self) -> int:
        return max((row.get("leases", 0) for row in self.person.known.values()), default=0)

    def _ways(self) -> Iterator[Way]:
        """Every way to cut, in an order of its own each time."""
        ways = [
            (about, when, kills)
            for about in ("", LEASED, REPORTED)
            for when in (When.BEFORE, When.HALF)
            for kills in (False, True)
        ]
        while True:
            yield from self.draw.sample(ways, len(ways))

    def _count_cut(self) -> None:
        self.troubles["line"] += 1

    def _die_there(self) -> None:
        self.troubles["line"] += 1
        self.agent.kill("on the wire")

    def _rests(self) -> bool:
        assert self.agent.is_alive(), "the last life ended by itself"
        if not self.agent.is_at_work() or not self.person.look():
            return False
        try:
            found = self.person.all_orders().values()
            log = self.person.owner.get(f"/sites/{self.person.site}")["log"]
        except (Unreachable, Rejected) as error:
            return person.is_later(error)
        if any(row["status"] not in orders.FINAL for row in found):
            return False
        whole = log["size"] == log["checkpoint_size"] == log["witnessed_size"]
        store = self.agent.store
        return whole and outbox.waiting(store) == outbox.orders_untold(store) == 0
