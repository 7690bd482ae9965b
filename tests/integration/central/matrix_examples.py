"""For each route of the API a request that succeeds for who may make it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from tests.integration.central.conftest import PASSWORD
from tests.integration.central.matrix_scene import (
    ALERT,
    INCIDENT_DEEDS,
    NO_POLICY,
    RULE,
    SITE,
    Scene,
    checkin,
    fresh_name,
    report,
)
from wardline.core import clock


@dataclass(frozen=True)
class Example:
    """A request that succeeds for who may make it; `body` is made anew for each request."""

    body: Callable[[Scene], object] | None = None
    query: str = ""
    ok: int = 200
    # Whether the body names a thing of the partner's: to another one it is not there.
    names_own: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def in_days(days: int) -> str:
    return clock.wire(clock.system() + timedelta(days=days))


FIXED = Example(lambda scene: {"reason": "it is found and fixed"})
NOT_NOW = Example(lambda scene: {"reason": "not now"})
EXAMPLES: dict[tuple[str, str], Example] = {
    ("get", "/healthz"): Example(),
    ("get", "/api/v1/openapi.json"): Example(),
    ("get", "/api/v1/session"): Example(),
    ("post", "/api/v1/session"): Example(
        lambda scene: {"email": "nobody@example.com", "password": "x"}, ok=401
    ),
    ("delete", "/api/v1/session"): Example(ok=204),
    ("post", "/api/v1/session/password"): Example(
        lambda scene: {"current": PASSWORD, "new": "another long password"}
    ),
    ("post", "/api/v1/ws-ticket"): Example(ok=201),
    ("get", "/api/v1/fleet"): Example(),
    ("get", "/api/v1/status"): Example(),
    ("post", "/api/v1/sites"): Example(lambda scene: {"name": fresh_name(), **SITE}, ok=201),
    ("get", "/api/v1/sites/{site_id}"): Example(),
    ("put", "/api/v1/sites/{site_id}/settings"): Example(
        lambda scene: {"name": fresh_name(), **SITE}
    ),
    ("post", "/api/v1/sites/{site_id}/healing"): Example(
        lambda scene: {"healing": "heal", "reason": "reviewed", "incidents": [scene.incident_id]}
    ),
    ("post", "/api/v1/sites/{site_id}/enrolment-tokens"): Example(lambda scene: {}, ok=201),
    ("get", "/api/v1/sites/{site_id}/enrolment-tokens"): Example(),
    ("get", "/api/v1/sites/{site_id}/results"): Example(),
    ("get", "/api/v1/sites/{site_id}/posture"): Example(),
    ("get", "/api/v1/sites/{site_id}/trend"): Example(),
    ("get", "/api/v1/incidents"): Example(),
    ("get", "/api/v1/incidents/summary"): Example(),
    ("get", "/api/v1/sites/{site_id}/incidents"): Example(),
    ("get", "/api/v1/sites/{site_id}/incidents/{incident_id}"): Example(),
    ("get", "/api/v1/sites/{site_id}/would-run"): Example(),
    ("get", "/api/v1/heals"): Example(),
    ("get", "/api/v1/sites/{site_id}/heals"): Example(),
    **{
        ("post", f"/api/v1/sites/{{site_id}}/incidents/{{incident_id}}/{deed}"): Example(
            body, ok=201
        )
        for deed, body in INCIDENT_DEEDS.items()
    },
    ("post", "/api/v1/sites/{site_id}/incidents/{incident_id}/undo"): Example(
        lambda scene: {"reason": "it broke the scanner"}, ok=409
    ),
    ("get", "/api/v1/people"): Example(),
    ("get", "/api/v1/runbooks"): Example(),
    ("get", "/api/v1/approvals"): Example(),
    ("get", "/api/v1/sites/{site_id}/approvals/{approval_id}"): Example(),
    ("post", "/api/v1/sites/{site_id}/approvals/{approval_id}/approve"): Example(lambda scene: {}),
    ("post", "/api/v1/sites/{site_id}/approvals/{approval_id}/reject"): NOT_NOW,
    ("get", "/api/v1/orders"): Example(),
    ("get", "/api/v1/sites/{site_id}/orders/{order_id}"): Example(),
    ("post", "/api/v1/sites/{site_id}/orders/{order_id}/cancel"): NOT_NOW,
    ("get", "/api/v1/holds"): Example(query="?state=all"),
    ("post", "/api/v1/sites/{site_id}/holds/{hold_id}/clear"): Example(
        lambda scene: {"reason": "the template is fixed"}
    ),
    ("get", "/api/v1/freezes"): Example(query="?state=all"),
    ("get", "/api/v1/freezes/{freeze_id}"): Example(),
    ("get", "/api/v1/freezes/{freeze_id}/appliances"): Example(),
    ("post", "/api/v1/freeze"): Example(lambda scene: {"reason": "it misbehaves"}, ok=201),
    ("post", "/api/v1/sites/{site_id}/freeze"): Example(
        lambda scene: {"reason": "it misbehaves"}, ok=201
    ),
    ("post", "/api/v1/freezes/{freeze_id}/lift"): FIXED,
    ("get", "/api/v1/patterns"): Example(),
    ("get", "/api/v1/promotions"): Example(query="?ended_too=true"),
    ("get", "/api/v1/promotions/waiting"): Example(),
    ("get", "/api/v1/promotions/{promotion_id}"): Example(),
    ("get", "/api/v1/promotions/{promotion_id}/shadow"): Example(),
    # Nothing speaks for it: who may approve it is told so.
    ("post", "/api/v1/promotions/{promotion_id}/approve"): Example(
        lambda scene: {"reason": "it helps", "site_id": scene.tenant.site_id}, ok=409
    ),
    ("post", "/api/v1/promotions/{promotion_id}/reject"): NOT_NOW,
    ("post", "/api/v1/promotions/{promotion_id}/demote"): NOT_NOW,
    ("get", "/api/v1/brakes"): Example(query="?state=all"),
    ("get", "/api/v1/brakes/{stop_id}"): Example(),
    ("post", "/api/v1/brakes/{stop_id}/release"): FIXED,
    ("get", "/api/v1/deviations"): Example(query="?state=all"),
    ("get", "/api/v1/deviations/{deviation_id}"): Example(),
    ("get", "/api/v1/sites/{site_id}/observed/{check}"): Example(),
    ("post", "/api/v1/sites/{site_id}/deviations"): Example(
        lambda scene: {
            "check": "ssh_config",
            "hosts": {scene.appliance.hosts[0]: scene.failing},
            "until": in_days(30),
            "owner": "Mia",
            "reason": "an old scanner",
            "control": "its network is closed",
        },
        ok=201,
    ),
    ("post", "/api/v1/deviations/{deviation_id}/renew"): Example(
        lambda scene: {"until": in_days(60), "reason": "the new one is late"}
    ),
    ("post", "/api/v1/deviations/{deviation_id}/revoke"): NOT_NOW,
    ("get", "/api/v1/sites/{site_id}/evidence"): Example(),
    ("get", "/api/v1/sites/{site_id}/evidence/{log_index}"): Example(),
    ("get", "/api/v1/sites/{site_id}/evidence/export"): Example(),
    ("get", "/api/v1/audit"): Example(),
    ("get", "/api/v1/audit/{seq}"): Example(),
    ("get", "/api/v1/audit/export"): Example(),
    ("get", "/api/mcp/policy/list"): Example(),
    ("post", "/api/mcp/policy/create"): Example(lambda scene: RULE),
    ("post", "/api/mcp/policy/update"): Example(lambda scene: RULE),
    ("post", "/api/mcp/policy/delete"): Example(lambda scene: {"id": "matrix"}),
    ("get", "/api/mcp/policy/export"): Example(),
    ("post", "/api/mcp/policy/test"): Example(lambda scene: {"alert": ALERT}),
    ("post", "/api/v1/policies/decide"): Example(lambda scene: {"alert": ALERT}),
    ("post", "/api/v1/policies/decisions/{decision_id}/started"): Example(),
    ("post", "/api/v1/policies/decisions/{decision_id}/ended"): Example(),
    ("post", "/api/v1/policies/decisions/{decision_id}/released"): Example(),
    ("get", "/api/v1/policies/uses"): Example(),
    ("get", "/api/mcp/policy/backup"): Example(),
    ("post", "/api/mcp/policy/backup"): Example(),
    ("get", "/api/mcp/policy/backups"): Example(),
    ("post", "/api/mcp/policy/restore"): Example(
        lambda scene: {"file": f"backups/{scene.backup}"}, names_own=True
    ),
    ("post", "/api/v1/policies/backups/{name}/verify"): Example(),
    ("post", "/api/v1/policies/backups/{name}/replay"): Example(),
    ("get", "/api/v1/policies/backups/{name}/download"): Example(),
    ("delete", "/api/v1/policies/backups/{name}"): Example(ok=204),
    ("get", "/api/v1/policies/revisions"): Example(),
    ("get", "/api/v1/policies/revisions/{revision}"): Example(),
    ("post", "/api/v1/policies/revisions/{revision}/replay"): Example(),
    ("get", "/api/v1/policies/diff"): Example(query="?from=0&to=0"),
    ("get", "/api/v1/policies/rules/{rule_id}/versions"): Example(),
    ("post", "/api/v1/policies/rollback"): Example(
        lambda scene: {"revision": scene.revision, "reason": "it was better"},
        names_own=True,
        headers={"if-match": "*"},
    ),
    ("post", "/api/v1/policies/rules/{rule_id}/rollback"): Example(
        lambda scene: {"revision": scene.revision + 1, "reason": "it was better"},
        headers={"if-match": "*"},
    ),
    ("get", "/api/v1/policies/epoch"): Example(),
    ("post", "/api/v1/policies/epoch"): Example(lambda scene: {"reason": "Central was restored"}),
    ("post", "/api/agent/v1/policy/report"): Example(lambda scene: NO_POLICY),
    ("post", "/api/v1/policies/analyse"): Example(lambda scene: {"rules": [RULE]}),
    ("post", "/api/v1/policies/preview"): Example(lambda scene: {"rule": RULE}),
    ("post", "/api/v1/policies/standing"): Example(lambda scene: {"ids": ["matrix"]}),
    ("get", "/api/v1/policies/vocabulary"): Example(),
    ("post", "/api/v1/policies/replay"): Example(lambda scene: {"put": [RULE]}),
    ("get", "/api/agent/v1/keys"): Example(query="?nonce=" + "0" * 32),
    ("post", "/api/agent/v1/enrol"): Example(lambda scene: {}, ok=422),
    ("post", "/api/agent/v1/checkin"): Example(lambda scene: checkin(scene.appliance)),
    ("get", "/api/agent/v1/policy"): Example(),
    ("post", "/api/agent/v1/orders/lease"): Example(lambda scene: {"v": 1, "count": 1}),
    ("post", "/api/agent/v1/orders/report"): Example(lambda scene: report(scene.order_id)),
    ("post", "/api/agent/v1/proofs"): Example(lambda scene: {"v": 1, "size": 2, "indexes": [0]}),
    ("post", "/api/agent/v1/evidence"): Example(
        lambda scene: {
            "v": 1,
            "envelopes": [scene.appliance.seal().to_wire()],
            "witnessed_size": 0,
            "cosignatures": [],
        }
    ),
}
