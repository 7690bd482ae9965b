"""One decision of the compiled policy, at four sizes, beside the plain loop and other engines."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from _central import machine
from _policies import Draw
from peers import casbin_rules, cedar_rules, question, zen_rules
from peers.question import Ask, Question

from wardline.core.policy import compiled, evaluate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy

SEED = 20261125
SIZES = (100, 1_000, 10_000, 100_000)
SIZE_OF_LOOP = 10_000
REQUESTS = 4_000
ROUNDS, ROUNDS_QUICK = 9, 3
LOOP_REQUESTS = 60
COMPARED = {100: 1_000, 1_000: 1_000, 10_000: 300, 100_000: 40}
CHANGED_RULES = 50
# Engine, requests compared before anything is timed, requests timed in each round.
PEERS = (
    ("casbin", casbin_rules.ask, 8, 3),
    ("cedarpy", cedar_rules.ask, 40, 8),
    ("zen", zen_rules.ask, 60, 12),
)

Answer = Callable[[Decision], object]


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy with its index, and what is asked of it."""

    policy: Policy
    index: Compiled
    aimed: list[Request]
    anywhere: list[Request]
    state: State
    compile_ms: float


@dataclass(frozen=True, slots=True)
class Round:
    """Microseconds of every request, by size and by what was measured."""

    aimed: dict[int, list[float]]
    anywhere: dict[int, list[float]]
    traced: list[float]
    loop: list[float]
    conditioned: list[float]
    met: list[float]
    peers: dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another engine on the same rules, with the questions that its rounds take turns with."""

    name: str
    ask: Ask
    questions: list[Question]
    per_round: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    subjects = {size: _subject(size) for size in SIZES}
    for size, subject in subjects.items():
        _compare(subject, COMPARED[size])
    conditioned = _conditioned(SIZE_OF_LOOP)
    _compare(conditioned, COMPARED[SIZE_OF_LOOP])
    peers = [_peer(*each, subjects[SIZE_OF_LOOP]) for each in PEERS]
    count = ROUNDS_QUICK if options.quick else ROUNDS
    rounds = [_round(subjects, conditioned, peers, number) for number in range(count)]
    figures = _figures(subjects, rounds)
    if not options.json:
        for key, value in figures.items():
            print(f"{key:<28} {value:g}")
    print(json.dumps({"bench": "decide", "figures": figures, "machine": machine()}))
    return 0


def _subject(size: int) -> Subject:
    draw = Draw(SEED + size)
    policy = draw.policy(size)
    began = time.thread_time()
    index = compiled.build(policy)
    compile_ms = (time.thread_time() - began) * 1000
    return Subject(
        policy,
        index,
        [draw.aimed(policy) for _ in range(REQUESTS)],
        [draw.anywhere(policy) for _ in range(REQUESTS)],
        draw.state(),
        compile_ms,
    )


def _conditioned(size: int) -> Subject:
    """One rule in twenty has a condition; `anywhere` holds the requests that meet such a rule."""
    draw = Draw(SEED + size + 1)
    policy = draw.conditioned(draw.policy(size))
    began = time.thread_time()
    index = compiled.build(policy)
    compile_ms = (time.thread_time() - began) * 1000
    with_one = Policy(tuple(rule for rule in policy.rules if rule.when.condition), 1)
    aimed = [draw.measured(draw.aimed(policy)) for _ in range(REQUESTS)]
    met = [draw.measured(draw.aimed(with_one)) for _ in range(REQUESTS)]
    return Subject(policy, index, aimed, met, draw.state(), compile_ms)


def _peer(
    name: str, make: Callable[[list[question.Row]], Ask], compared: int, timed: int, one: Subject
) -> Peer:
    """The engine, once it has given our answers."""
    ask = make(question.rows(one.policy))
    for request in one.aimed[: compared // 2] + one.anywhere[: compared // 2]:
        wanted = question.ours(one.index.evaluate(request, one.state))
        found = ask(question.question(request))
        if found.allowed != wanted.allowed or found.rule_id not in (None, wanted.rule_id):
            raise SystemExit(f"{name} answers {found}\nand the index {wanted}")
    return Peer(name, ask, [question.question(each) for each in one.aimed], timed)


def _compare(subject: Subject, count: int) -> None:
    """A wrong index must not be a fast one: whole decisions, against the loop's."""
    for request in subject.aimed[: count // 2] + subject.anywhere[: count // 2]:
        found = subject.index.evaluate(request, subject.state)
        wanted = evaluate.evaluate(subject.policy, request, subject.state)
        if found != wanted:
            raise SystemExit(f"the index decides {found}\nand the loop {wanted}")


def _round(
    subjects: dict[int, Subject], conditioned: Subject, peers: list[Peer], number: int
) -> Round:
    large = subjects[SIZE_OF_LOOP]

    def loop(request: Request, state: State) -> Decision:
        return evaluate.evaluate(large.policy, request, state)

    aimed, anywhere = {}, {}
    for size, one in subjects.items():
        aimed[size] = _timed(one.index.evaluate, one.aimed, one.state, _outcome)
        anywhere[size] = _timed(one.index.evaluate, one.anywhere, one.state, _outcome)
    return Round(
        aimed,
        anywhere,
        _timed(large.index.evaluate, large.aimed, large.state, _trace),
        _timed(loop, large.aimed[:LOOP_REQUESTS], large.state, _outcome),
        _timed(conditioned.index.evaluate, conditioned.aimed, conditioned.state, _outcome),
        _timed(conditioned.index.evaluate, conditioned.anywhere, conditioned.state, _outcome),
        {peer.name: _asked(peer, number) for peer in peers},
    )


def _asked(peer: Peer, number: int) -> list[float]:
    """Microseconds of processor time of each of this round's questions: they take so long that
    by the clock a busy machine would count against the peers."""
    taken = []
    for asked in peer.questions[number * peer.per_round : (number + 1) * peer.per_round]:
        began = time.process_time_ns()
        peer.ask(asked)
        taken.append((time.process_time_ns() - began) / 1000)
    return taken


def _timed(
    decide: Callable[[Request, State], Decision],
    requests: list[Request],
    state: State,
    read: Answer,
) -> list[float]:
    """Microseconds from the request to what is read of its decision, one by one."""
    taken = []
    clock = time.perf_counter_ns
    for request in requests:
        began = clock()
        read(decide(request, state))
        taken.append((clock() - began) / 1000)
    return taken


def _outcome(decision: Decision) -> object:
    return decision.verdict, decision.rule_id, decision.code


def _trace(decision: Decision) -> object:
    return decision.verdict, decision.rule_id, decision.code, decision.trace


def _figures(subjects: dict[int, Subject], rounds: list[Round]) -> dict[str, float]:
    """Medians over the rounds; what compares is compared within a round."""
    figures = {f"p50_us_{size}": _median(_p50(one.aimed[size]) for one in rounds) for size in SIZES}
    figures |= {
        f"anywhere_p50_us_{size}": _median(_p50(one.anywhere[size]) for one in rounds)
        for size in SIZES
    }
    size = SIZE_OF_LOOP
    figures[f"trace_p50_us_{size}"] = _median(_p50(one.traced) for one in rounds)
    figures[f"p99_us_{size}"] = _median(_p99(one.aimed[size]) for one in rounds)
    figures["growth_1k_100k"] = _median(_growth(one.aimed) for one in rounds)
    figures["anywhere_growth_1k_100k"] = _median(_growth(one.anywhere) for one in rounds)
    figures[f"times_loop_{size}"] = _median(
        _p50(one.loop) / _p50(one.aimed[size]) for one in rounds
    )
    for name, *_ in PEERS:
        figures[f"times_{name}_{size}"] = _median(
            _p50(one.peers[name]) / _p50(one.aimed[size]) for one in rounds
        )
    figures[f"cel5pct_p50_us_{size}"] = _median(_p50(one.conditioned) for one in rounds)
    figures[f"cel5pct_met_p50_us_{size}"] = _median(_p50(one.met) for one in rounds)
    figures[f"compile_ms_{size}"] = subjects[size].compile_ms
    figures["compile_ms_100000"] = subjects[100_000].compile_ms
    figures["change_ms_100000"] = _change_ms(subjects[100_000])
    return {key: round(value, 3) for key, value in figures.items()}


def _growth(taken: dict[int, list[float]]) -> float:
    return _p50(taken[100_000]) / _p50(taken[1_000])


def _change_ms(subject: Subject) -> float:
    """Processor time to put one changed rule into an index."""
    taken = []
    for rule in subject.policy.rules[:CHANGED_RULES]:
        changed = replace(rule, priority=rule.priority + 1)
        began = time.thread_time()
        subject.index.with_rules([changed], [], revision=2, epoch=1)
        taken.append((time.thread_time() - began) * 1000)
    return statistics.median(taken)


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _p50(taken: list[float]) -> float:
    return statistics.median(taken)


def _p99(taken: list[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.99)]


if __name__ == "__main__":
    sys.exit(main())
