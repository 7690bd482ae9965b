"""Any ledger of promotions: every path keeps to the table, and an appliance knows what Central does."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.core.errors import Conflict
from wardline.core.incidents import merit, promotion
from wardline.core.incidents.merit import Runs
from wardline.core.incidents.promotion import ENDS, TRANSITIONS, Entry, Ledger, Promotion, Step
from wardline.core.incidents.promotion import Subject as _Subject
from wardline.core.incidents.trial import End

EXAMPLES = 200
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
SUBJECT = _Subject("auditd", "ab" * 8, "auditd.enable", "cd" * 32, {})
SITES = [f"site_{letter * 26}" for letter in "ab"]
# Two of each site.
APPLIANCES = {f"appl_{letter * 26}": SITES[at // 2] for at, letter in enumerate("cdef")}
STEPS = st.tuples(
    st.sampled_from(list(Step)), st.sampled_from(SITES), st.sampled_from(sorted(APPLIANCES))
)
ENDINGS = st.lists(st.tuples(st.sampled_from(list(End)), st.booleans()), max_size=12)


@settings(max_examples=EXAMPLES)
@given(st.lists(STEPS, max_size=14))
def test_what_is_refused_changes_nothing_and_both_sides_fold_the_same(drawn) -> None:
    ledger, now = Ledger(f"prom_{'0' * 26}", SUBJECT, ()), None
    for step, site, appliance in drawn:
        number = now.number + 1 if now else 1
        entry = Entry(
            *(number, step, AT + timedelta(minutes=number), "Mia"),
            site if step is Step.APPROVED else None,
            appliance if step is Step.STOPPED else None,
        )
        before = now.stage if now else None
        try:
            now = promotion.moved(now, entry, ledger)
        except Conflict:
            assert step not in TRANSITIONS[before]
            continue
        assert before not in ENDS, "nothing comes back"
        assert now.stage is TRANSITIONS[before][step]
        ledger = Ledger(ledger.id, SUBJECT, (*ledger.entries, entry))
        if now.approved_at is not None:
            assert any(one.step is Step.EVALUATED for one in ledger.entries)
        assert promotion.folded(ledger) == now
        _agree(ledger, now)


def _agree(ledger: Ledger, now: Promotion) -> None:
    """What Central thinks is in force on an appliance, that knows from its mandate."""
    for appliance, site in APPLIANCES.items():
        told = promotion.for_appliance([ledger], site, appliance)
        known = [promotion.folded(promotion.parse(promotion.to_wire(one))) for one in told]
        assert any(one.holds(site, appliance) for one in known) is now.holds(site, appliance)
        assert all(one.stage is now.stage for one in known)


@settings(max_examples=EXAMPLES)
@given(ENDINGS)
def test_the_first_end_stays_the_end(trials) -> None:
    found = merit.ended_at(trials)
    for longer in range(len(trials)):
        shorter = merit.ended_at(trials[: longer + 1])
        assert shorter == (None if found is None or longer < found[0] else found)


@settings(max_examples=EXAMPLES)
@given(
    st.integers(0, 2), st.integers(0, 60), st.integers(0, 60),
    st.lists(st.sampled_from([End.STABLE, End.STABLE, End.STABLE, End.RECURRED]), max_size=70),
)  # fmt: skip
def test_who_sees_only_the_last_runs_ends_nothing_that_goes_on(bad, good, more, rest) -> None:
    history = [*[(End.STABLE, False)] * good, *[(End.FAILED, False)] * bad]
    history += [(End.STABLE, False)] * (more + 5 * bad)
    if merit.ended_at(history) is not None:
        history = history[:0]
    newest = [(end, False) for end in rest]
    whole = merit.ended_at([*history, *newest])
    before = Runs(len(history), sum(end.bad for end, _ in history))
    seen = merit.ended_at(newest, before)
    if seen is not None:
        assert whole is not None
        assert whole[0] <= len(history) + seen[0]
    if whole is not None and whole[0] >= len(history) + merit.RECENT_RUNS:
        assert seen == (whole[0] - len(history), whole[1])


@settings(max_examples=EXAMPLES)
@given(st.integers(1, 60), st.integers(0, 60))
def test_every_threshold_can_be_reached_and_none_can_be_passed_by(good: int, bad: int) -> None:
    """From any history on a runbook can earn its promotion, and lose it again."""
    whole = merit.WEIGHT_WHOLE

    def of(more: int) -> merit.Merit:
        count = good + more
        return merit.Merit(count + bad, count, count * whole, (count + bad) * whole)

    needed = max(5, 9 * bad - good)
    assert merit.lacking(of(needed)) == ()
    runs = merit.Runs()
    for _ in range(good):
        runs = runs.and_one(End.STABLE, canary=False)
    failures = 0
    while merit.ending(runs) is None:
        runs, failures = runs.and_one(End.FAILED, canary=False), failures + 1
        assert failures <= merit.RECENT_RUNS // 5 + 1, "it would hardly ever be demoted"
    assert runs.decided >= merit.DEMOTION_RUNS_LEAST
