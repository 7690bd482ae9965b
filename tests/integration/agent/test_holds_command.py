"""`wardline holds --appliance`: the appliance's own holds, without a Central that answers."""

import json

from tests.harness import product
from tests.integration.agent.bench import Bench
from tests.integration.agent.test_holds import active, flap


def test_a_person_at_the_appliance_lists_and_clears_its_holds(bench: Bench) -> None:
    flap(bench)
    (held,) = active(bench)
    here = ("--appliance", "--data", bench.layout.root)
    (found,) = json.loads(product.run("holds", "list", "--json", *here).stdout)
    assert (found["id"], found["check"], found["cleared_at"]) == (held.id, held.check, None)
    assert held.check in product.run("holds", "list", *here).stdout
    for name in ("hold_x", "٣", "9" * 30):
        refused = product.run("holds", "clear", name, "--reason", "why", *here, expect=1)
        assert "an appliance numbers its holds" in refused.stderr
    nobody = product.run("holds", "clear", "1", "--reason", "why", expect=1)
    assert "--as: say who does it" in nobody.stderr
    clear = ("holds", "clear", str(held.id), "--reason", "the template is fixed", *here)
    assert "cleared by appliance:" in product.run(*clear).stdout
    assert active(bench) == []
    assert json.loads(product.run("holds", "list", "--json", *here).stdout) == []
    (ended,) = json.loads(product.run("holds", "list", "--all", "--json", *here).stdout)
    assert ended["clear_reason"] == "the template is fixed"
    assert "already" in product.run(*clear, expect=1).stderr
