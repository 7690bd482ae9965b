"""The page of a check in docs/checks: its head, written from the manifest, and the index of all."""

from collections.abc import Iterable

from wardline.agent.checks.protocol import Manifest

FOLDER = "docs/checks"
INDEX = "README.md"
# Below this line a page is its author's; what stands above is written again by `make reference`.
END = "Written from the manifest by `make reference`; below this line, by hand."
UNWRITTEN = "to be written"


def head(manifest: Manifest, runbooks: Iterable[str] = ()) -> str:
    """What every page begins with, down to the line that ends it; `runbooks` answer the check."""
    seconds = f"every {manifest.interval_s} s, at most {manifest.timeout_s:g} s"
    rows = (
        ("check", f"`{manifest.id}`"),
        ("severity", manifest.severity.value),
        ("platforms", ", ".join(manifest.platforms)),
        ("measured", f"{seconds} and {manifest.cpu_ms_max} ms of processor time"),
        ("evidence kept", manifest.evidence),
        ("controls", ", ".join(manifest.controls)),
        ("what to do", manifest.remediation),
        (
            "repaired by",
            ", ".join(f"[`{one}`](../runbooks/{one}.md)" for one in runbooks) or "a person",
        ),
    )
    table = [f"| {name} | {_cell(text)} |" for name, text in rows]
    return "\n".join([f"# {manifest.title}", "", "| | |", "|-|-|", *table, "", END, ""])


def with_head(manifest: Manifest, page: str, runbooks: Iterable[str]) -> str:
    """The page with a fresh head; what its author wrote stays."""
    _, _, written = page.partition(f"{END}\n")
    return f"{head(manifest, runbooks)}{written}"


def body(page: str) -> str:
    """What the author of a page wrote."""
    return page.partition(f"{END}\n")[2].strip()


def index(manifests: Iterable[Manifest]) -> str:
    """The page that lists every check."""
    rows = [
        f"| [`{one.id}`]({one.id}.md) | {_cell(one.title)} | {one.severity.value} |"
        for one in sorted(manifests, key=lambda one: one.id)
    ]
    intro = (
        "`wardline checks list` and `wardline checks explain ID` say the same on an appliance;"
        " `wardline checks run` measures once, without an enrolment and without a trace."
    )
    head_rows = ["| check | what it is about | severity |", "|-|-|-|"]
    return "\n".join([f"# The {len(rows)} built-in checks", "", intro, "", *head_rows, *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
