"""Runs every benchmark in turn, keeps the figures under results/, and names what misses its budget.

`.venv/bin/python bench [--quick] [NAME …]`. Each benchmark is a process of its own: `bench/NAME.py
--json` starts and stops what it needs, and its last line is one JSON object.
"""

import json
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
SECONDS_MAX = 1800
EXIT_BROKEN = 1
EXIT_SHORT = 2


@dataclass(frozen=True, slots=True)
class Budget:
    """The bar of one figure; exactly one of the two is given."""

    at_least: float | None = None
    at_most: float | None = None

    def miss(self, value: float) -> str | None:
        """What is wrong with `value`, or None when it is within the budget."""
        if self.at_least is not None and value < self.at_least:
            return f"{value:g} is below {self.at_least:g}"
        if self.at_most is not None and value > self.at_most:
            return f"{value:g} is above {self.at_most:g}"
        return None


def main(arguments: list[str]) -> int:
    """0: all within budget; 1: a benchmark broke; 2: a figure misses its budget."""
    flags = [argument for argument in arguments if argument.startswith("-")]
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    names = sorted(path.stem for path in BENCH.glob("*.py") if not path.stem.startswith("_"))
    if unknown := set(wanted) - set(names):
        print(f"bench: there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        return EXIT_BROKEN
    budgets = _budgets()
    results: list[dict[str, Any]] = []
    short: list[str] = []
    for name in wanted or names:
        result = _carry_out(name, flags)
        if result is None:
            return EXIT_BROKEN
        results.append(result)
        short += _judge(name, result["figures"], budgets.get(name, {}), complete=not flags)
    kept = BENCH / "results" / f"{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.json"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(results, indent=1) + "\n")
    print(f"bench: {len(results)} results in {kept.relative_to(ROOT)}")
    for line in short:
        print(f"bench: SHORT  {line}")
    return EXIT_SHORT if short else 0


def _carry_out(name: str, flags: list[str]) -> dict[str, Any] | None:
    print(f"bench: {name} …", flush=True)
    started = time.monotonic()
    command = [sys.executable, str(BENCH / f"{name}.py"), "--json", *flags]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=SECONDS_MAX, check=False
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        print(f"bench: {name} ended with {done.returncode}; run bench/{name}.py to see why")
        return None
    result: dict[str, Any] = json.loads(lines[-1])
    for key, value in result["figures"].items():
        print(f"  {key:<32} {value:g}")
    print(f"bench: {name} took {time.monotonic() - started:.1f} s")
    return result


def _judge(
    name: str, figures: dict[str, float], budgets: dict[str, Budget], *, complete: bool
) -> list[str]:
    short = []
    for key, budget in budgets.items():
        if key not in figures:
            if complete:
                short.append(f"{name}.{key} was not measured")
        elif miss := budget.miss(figures[key]):
            short.append(f"{name}.{key}: {miss}")
    return short


def _budgets() -> dict[str, dict[str, Budget]]:
    content = tomllib.loads((BENCH / "budgets.toml").read_text())
    return {
        name: {key: Budget(**bars) for key, bars in figures.items()}
        for name, figures in content.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
