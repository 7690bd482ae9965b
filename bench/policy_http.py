"""The policy manager over HTTP: decisions in batches, as a program that has many would ask."""

import argparse
import json
import sys

import _decides
from _central import machine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    say = (lambda text: None) if options.json else print
    figures = _decides.figures(quick=options.quick, say=say)
    if not options.json:
        for key, value in figures.items():
            print(f"{key:<32} {value:g}")
    print(json.dumps({"bench": "policy_http", "figures": figures, "machine": machine()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
