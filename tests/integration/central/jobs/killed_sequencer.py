"""A sequencer that ends itself with SIGKILL once so many of its statements were answered."""

import asyncio
import os
import signal
import sys
from typing import Any

from sqlalchemy import event

from wardline.central.database import engine
from wardline.central.jobs import sequencer
from wardline.core import clock


async def run(dsn: str, statements_max: int) -> None:
    pool = engine.create(dsn)
    answered = 0

    def count(_: Any) -> None:
        nonlocal answered
        answered += 1
        if answered == statements_max:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(connection: Any, _: Any) -> None:
        connection.driver_connection.add_query_logger(count)

    event.listen(pool.sync_engine, "connect", watch)
    await sequencer.append_waiting(pool, clock.system)
    await pool.dispose()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
