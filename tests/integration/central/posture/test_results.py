"""GET /sites/{id}/results: every host, and only what was measured."""

from tests.harness.appliance import result
from wardline.core.evidence.bundle import Outcome


async def test_results_show_every_host_and_only_what_was_measured(appliance, signed_in):
    results = (
        result(),
        result(check="patching", outcome=Outcome.PASS),
        result(check="kernel_sysctl", outcome=Outcome.UNKNOWN),
    )
    await appliance.send(appliance.seal(results=results))
    said = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}/results")).json()
    assert [check["id"] for check in said["checks"]] == [
        "kernel_sysctl",
        "patching",
        "ssh_config",
    ]
    (host,) = said["hosts"]
    assert {check: cell["outcome"] for check, cell in host["cells"].items()} == {
        "kernel_sysctl": "unknown",
        "patching": "pass",
        "ssh_config": "fail",
    }
