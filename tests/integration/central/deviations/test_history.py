"""What has ended stays as history, and costs nothing where it is not asked for."""

from sqlalchemy import text

from tests.integration.central.deviations.test_deviations import (
    OTHERWISE,
    accepted,
    listed,
    measured,
)
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.deviations import repository

HISTORY = 300


async def test_what_has_ended_costs_a_page_of_what_has_not_nothing(
    appliance, signed_in, owner, app_engine, tenant
):
    await measured(appliance)
    made = await accepted(signed_in, appliance)
    await measured(appliance, 1, facts=OTHERWISE)
    await owner.execute(
        "INSERT INTO deviations (site_id, partner_id, id, check_id, accepted_at, accepted_by,"
        " accepted_by_name, until, owner, reason, control, ended_at, ended_why)"
        " SELECT site_id, partner_id, 'dev_' || n, check_id, accepted_at, accepted_by,"
        " accepted_by_name, until, owner, reason, control, now(), 'revoked'"
        " FROM deviations, generate_series(1, $2::int) n WHERE site_id = $1",
        *(appliance.site_id, HISTORY),
    )
    await owner.execute(
        "INSERT INTO deviation_hosts (site_id, partner_id, deviation_id, host_id, check_id,"
        " facts_digest, severity, summary, facts, log_index, ended_at)"
        " SELECT site_id, partner_id, 'dev_' || n, host_id, check_id, facts_digest, severity,"
        " summary, facts, log_index, now() FROM deviation_hosts, generate_series(1, $2::int) n"
        " WHERE site_id = $1",
        *(appliance.site_id, HISTORY),
    )
    await owner.execute("ANALYZE deviations, deviation_hosts, latest_results")
    for state in ("changed", "in_force"):
        assert [one["id"] for one in await listed(signed_in, state)] == [made["id"]]
        explained = text(f"EXPLAIN (ANALYZE, FORMAT JSON) {repository._PAGES[state].text}")
        given = {"site_id": None, "after_at": None, "after_id": None, "limit": 51}
        scope = Scope.partner(tenant.partner_id)
        async with open_session(app_engine, scope, Actor(ActorKind.SYSTEM, "test")) as session:
            row = await session.row(explained, partner_id=tenant.partner_id, **given)
        assert read(row["QUERY PLAN"][0]["Plan"], "deviation") < 20
    ended = await signed_in.get("/api/v1/deviations?state=ended&limit=200")
    assert len(ended.json()["items"]) == 200


def read(plan, relation):
    """How many rows a plan took out of relations whose name begins so, filtered or not."""
    rows = 0
    if plan.get("Relation Name", "").startswith(relation):
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return rows * plan["Actual Loops"] + sum(
        read(inner, relation) for inner in plan.get("Plans", ())
    )
