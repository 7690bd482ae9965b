"""A condition over HTTP: kept, asked by the simulator, refused with its place."""

from typing import Any

import httpx2

RULE: dict[str, Any] = {
    "id": "disk",
    "when": {"kpiId": "kernel_sysctl", "severity": ["medium", "high"]},
    "action": "kernel_sysctl.apply",
    "autoExecute": True,
}
ALERT = {
    "id": "test",
    "kpiId": "kernel_sysctl",
    "title": "Test",
    "message": "Test",
    "severity": "medium",
}


async def test_a_condition_is_kept_asked_and_refused_with_its_place(
    manager: httpx2.AsyncClient,
) -> None:
    condition = 'facts.value > 1.5 && "lab" != kpiId'
    when = RULE["when"] | {"condition": condition}
    assert (await manager.post("/create", json=RULE | {"when": when})).status_code == 200
    assert (await manager.get("/list")).json()["data"][0]["when"]["condition"] == condition
    verdicts = []
    for facts in ({"value": 2}, {"value": 1.5}, {}):
        asked = {"alert": ALERT | {"facts": facts}}
        decision = (await manager.post("/test", json=asked)).json()["decision"]
        verdicts.append((decision["verdict"], decision["code"]))
    assert verdicts == [("run", "allowed"), ("block", "no_match"), ("block", "no_match")]
    (match,) = [step for step in decision["trace"] if step["check"] == "match"]
    assert "disk, line 1, column 7: no such key: value" in match["detail"]

    when["condition"] = "facts.value > 1.5 &&\n kpiID == 'x'"
    refused = await manager.post("/create", json={"rules": [RULE | {"when": when}]})
    ((path, reason),) = [(each["path"], each["reason"]) for each in refused.json()["errors"]]
    assert (refused.status_code, path) == (422, "rules[0].when.condition")
    assert reason.startswith("line 2, column 2: there is no variable kpiID; there are delta")
