"""Whatever is sent to Central's policy API, every answer is one that its description tells of."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from tests.harness import fuzzing
from tests.harness.policy_contract import RULE, Served, done
from tests.integration.central.policies.test_contract import served as served
from tests.integration.central.policies.test_contract import server as server
from tests.integration.central.policies.test_contract import shown as shown
from tests.integration.central.realtime.conftest import announcing as announcing
from tests.integration.central.realtime.conftest import person as person
from tests.integration.central.realtime.conftest import serve as serve


async def test_every_answer_is_described(
    served: Served, tmp_path: Path, seed: int, pytestconfig: pytest.Config
) -> None:
    await done(served.admin, "/create", RULE)
    url, headers = f"http://127.0.0.1:{served.port}", dict(served.headers["admin"])
    async with httpx2.AsyncClient(base_url=url, headers=headers) as client:
        answer = await client.get("/api/v1/openapi.json")
    assert answer.status_code == 200, answer.text
    about = (tmp_path, url, answer.json(), headers)
    full = pytestconfig.getoption("--full")
    code, said = await asyncio.to_thread(lambda: fuzzing.run(*about, seed=seed, full=full))
    assert code == 0, said
