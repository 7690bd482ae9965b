"""The policy snapshot of a Central that is not there."""

from typing import TYPE_CHECKING, Any

from wardline.core import canonical
from wardline.core.policy import compiled, covering, opening, parse
from wardline.core.policy.rule import Policy

if TYPE_CHECKING:
    from tests.harness.fake_central import FakeCentral


def snapshot(central: "FakeCentral", **changes: Any) -> bytes:
    """The payload as it stands, with `changes`, and with what is wrong with it on purpose."""
    if central.snapshot_schema > 1:
        changes = {"cases": central.cases(), **changes}
    return canonical.dumps(
        {
            "schema": f"policy.snapshot/{central.snapshot_schema}",
            "site_id": central.site,
            "site_name": "Test clinic",
            "partner_id": "partner_1",
            "epoch": central.policy_epoch,
            "revision": central.revision,
            "settings_revision": central.settings_revision,
            "issued_at": "2026-11-21T09:00:00.000Z",
            "healing": central.healing,
            "zone": "UTC",
            "opening_hours": central.opening_hours,
            "rules": central.rules,
            **changes,
            **central.odd_snapshot,
        }
    )


def cases(rules: list[dict[str, Any]], revision: int) -> dict[str, Any]:
    """What Central's own evaluator makes of the rules."""
    parsed = tuple(parse.rule(rule) for rule in rules)
    cover = covering.cover(parsed, compiled.build(Policy(parsed, revision)), "UTC")
    return {
        "zone": "UTC",
        "opening_hours": [opening.wire(span) for span in covering.OPENING_HOURS],
        "rows": list(cover.rows),
        "without": cover.without,
    }
