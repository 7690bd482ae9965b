"""Nothing goes round the scrubber: who may keep text byte for byte, and who may say or seal."""

import ast
from collections.abc import Iterator

from tests.tidy.tree import ROOT

AGENT = ROOT / "src" / "wardline" / "agent"
# What Central signed, what this appliance signed, and JSON that was scrubbed as a value.
EXACT = {
    ("store/alarms.py", "detail"),
    ("store/database.py", "canonical.dumps(self.scrubber.value(value)).decode()"),
    ("store/mandates.py", "new.envelope.to_json().decode()"),
    ("store/orders.py", "envelope.to_json().decode()"),
    ("store/outbox.py", "sealed.envelope"),
    ("store/witness.py", "update.checkpoint"),
    ("store/witness.py", "line"),
    ("store/witness.py", "body.decode()"),
}
# Who seals a bundle, who makes a row through the connection itself, who writes to a terminal.
SEALS = {"store/outbox.py"}
CONNECTS = {"store/database.py"}
ECHOES = {"__main__.py", "freeze_commands.py", "hold_commands.py", "host_commands.py"}
ECHOES |= {"name_commands.py", "run_commands.py"}


def _nodes(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of anything whose last name is this, with the file they stand in."""
    for path in AGENT.rglob("*.py"):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)) if f"{name}(" in source else ():
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            own = called.attr if isinstance(called, ast.Attribute) else None
            if name in (own, called.id if isinstance(called, ast.Name) else None):
                yield str(path.relative_to(AGENT)), node


def _calls(name: str) -> set[tuple[str, str]]:
    return {(path, ast.unparse(node.args[0])) for path, node in _nodes(name) if node.args}


def _callers(dotted: str) -> set[str]:
    name = dotted.rpartition(".")[2]
    return {path for path, node in _nodes(name) if ast.unparse(node.func) == dotted}


def test_only_what_is_signed_or_scrubbed_already_passes_the_gate_of_the_store() -> None:
    assert _calls("Exact") == EXACT


def test_evidence_is_sealed_and_the_database_is_reached_in_one_place() -> None:
    assert _callers("bundle.seal") == SEALS
    assert _callers("sqlite3.connect") == CONNECTS
    assert {path for path, _ in _calls("Transaction")} == CONNECTS


def test_only_commands_write_to_the_terminal_past_the_scrubber() -> None:
    told = _callers("print") | _callers("typer.echo") | _callers("sys.stdout.write")
    assert told <= ECHOES
    assert not _callers("logging.getLogger") | _callers("structlog.get_logger")
