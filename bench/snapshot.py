"""Conformance cases of a snapshot: what they cost Central to make and an appliance to decide."""

import argparse
import json
import sys
import time

from _central import machine
from _policies import ZONE, Draw

from wardline.core import canonical
from wardline.core.policy import compiled, conformance, covering
from wardline.core.policy.conformance import Place

SEED = 7
RULES, RULES_QUICK = 10_000, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rules")
    options = parser.parse_args()
    size = RULES_QUICK if options.quick else RULES
    draw = Draw(SEED)
    policy = draw.conditioned(draw.policy(size))
    index = compiled.build(policy)
    began = time.process_time()
    cover = covering.cover(policy.rules, index, ZONE)
    made = time.process_time()
    rows = canonical.loads(canonical.dumps(list(cover.rows)), bytes_max=2 * covering.BYTES_MAX)
    place = Place(ZONE, covering.OPENING_HOURS)
    parsed = time.process_time()
    cases = [conformance.case(row, place, policy.rules, at) for at, row in enumerate(rows)]
    assert conformance.difference(index, cases) is None
    decided = time.process_time()
    able = sum(rule.enabled and rule.mode.value == "enforce" for rule in policy.rules)
    figures = {
        f"make_cpu_s_{size}": made - began,
        f"decide_cpu_s_{size}": decided - parsed,
        f"bytes_{size}": float(len(canonical.dumps(rows))),
        f"cases_{size}": float(len(cases)),
        f"deciding_share_{size}": (size - cover.without) / able,
    }
    if not options.json:
        for key, value in figures.items():
            print(f"{key:<28} {value:.3f}")
    print(json.dumps({"bench": "snapshot", "figures": figures, "machine": machine()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
