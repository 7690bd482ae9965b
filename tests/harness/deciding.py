"""Starts `deciders` in processes of their own, and kills one."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process


async def reserved_by(told: list[dict]) -> list[str]:
    """What processes reserve that decide at the same time, each as it is told."""
    processes = [await _started(each) for each in told]
    outputs = await asyncio.gather(*(each.communicate() for each in processes))
    assert all(each.returncode == 0 for each in processes)
    return [one for output, _ in outputs for one in json.loads(output)]


async def killed_after_deciding(told: dict) -> list[str]:
    """What a process had reserved when it was killed, without a chance to say more."""
    process = await _started({**told, "hold": True})
    assert process.stdout is not None
    reserved: list[str] = json.loads(await process.stdout.readline())
    process.kill()
    await process.wait()
    return reserved


async def _started(told: dict) -> Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.harness.deciders", stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(told).encode())
    process.stdin.close()
    return process
