"""Whatever is sent to the policy API, every answer is one that its description tells of."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from tests.harness import fuzzing
from tests.harness.policy_contract import PREFIX, RULE, Served, done


async def test_every_answer_is_described(
    served: Served, tmp_path: Path, seed: int, pytestconfig: pytest.Config
) -> None:
    await done(served.admin, "/create", RULE)
    openapi = await _description(served)
    assert fuzzing.BODIES.keys() <= openapi["paths"].keys()
    full = pytestconfig.getoption("--full")
    code, said = await asyncio.to_thread(_run, tmp_path, served, openapi, seed, full)
    assert code == 0, said


async def test_an_answer_that_is_not_described_is_found(
    served: Served, tmp_path: Path, seed: int
) -> None:
    """The test above can fail: without its refusals, hardly an answer is described."""
    openapi = await _description(served)
    route = openapi["paths"][f"{PREFIX}/delete"]
    route["post"]["responses"] = {"418": {"description": "never"}}
    openapi["paths"] = {f"{PREFIX}/delete": route}
    code, said = await asyncio.to_thread(_run, tmp_path, served, openapi, seed, False)
    assert code == 1
    assert "Undocumented status code" in said, said


async def _description(served: Served) -> dict:
    async with httpx2.AsyncClient(base_url=_url(served), headers=_admin(served)) as client:
        answer = await client.get("/openapi.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _run(folder: Path, served: Served, openapi: dict, seed: int, full: bool) -> tuple[int, str]:
    return fuzzing.run(folder, _url(served), openapi, _admin(served), seed=seed, full=full)


def _url(served: Served) -> str:
    return f"http://127.0.0.1:{served.port}"


def _admin(served: Served) -> dict[str, str]:
    return dict(served.headers["admin"])
