"""One measurement as it may be recorded: scrubbed, and within what a bundle holds."""

from dataclasses import replace

from wardline.agent.checks import check
from wardline.agent.checks.protocol import Check
from wardline.agent.hosts.host import Reader
from wardline.agent.scrub.scrubber import Scrubber
from wardline.core import canonical, clock
from wardline.core.evidence.bundle import Result

FACTS_BYTES_MAX = 32 * 1024
KEPT_FACTS: tuple[str, ...] = ("failing", "reason", "reason_code")


def measure(measured: Check, host: Reader, now: clock.Now, scrubber: Scrubber) -> Result:
    """Measure and scrub; the digest is that of the facts as they are recorded."""
    result = scrubber.result(check.measure(measured, host, now))
    facts = dict(result.facts)
    size = len(canonical.dumps(facts))
    if size > FACTS_BYTES_MAX:
        facts = {key: facts[key] for key in KEPT_FACTS if key in facts}
        facts["left_out_bytes"] = size
        result = replace(result, facts=facts, facts_digest=canonical.digest(facts))
    return result
