"""What a person says yes to stays what it is on its way through the scrubber."""

from hypothesis import given
from hypothesis import strategies as st

from wardline.agent.scrub.scrubber import Scrubber
from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.policy import params

WORDS = st.one_of(
    st.text(max_size=30), st.just("password=hunter2hunter2"), st.integers(0, 2**53 - 1)
)


@given(st.dictionaries(st.text("abcdef_", min_size=1, max_size=9), st.lists(WORDS), max_size=4))
def test_digests_survive_the_scrubbing_of_the_decision_that_names_them(
    inputs: dict[str, list[str | int]],
) -> None:
    try:
        digest = canonical.digest(inputs)
    except Malformed:
        return
    pins = {
        "ruleRevision": 3,
        "paramsDigest": params.digest({"n": 1}),
        "inputsDigest": digest,
        "inputs": inputs,
    }
    scrubber = Scrubber.ephemeral()
    kept = scrubber.value({"verdict": "ask", "pins": pins})["pins"]
    assert {**kept, "inputs": None} == {**pins, "inputs": None}
    assert kept["inputs"] == scrubber.value(inputs)
