"""The jobs process's wiring: signer, snapshots, announcer, upkeep, each a loop with a heartbeat."""

import asyncio
import base64
import signal
from collections.abc import Callable

from wardline.central.database import engine
from wardline.central.jobs import decisions, deviations, expiry, loops, sequencer, upkeep
from wardline.central.jobs.announce import Announcer
from wardline.central.jobs.brakes import Brake
from wardline.central.jobs.checkpoints import Signer
from wardline.central.jobs.loops import Loop
from wardline.central.learning import rounds
from wardline.central.learning.rounds import Learner
from wardline.central.policies.folders import Folders
from wardline.central.posture import snapshots
from wardline.central.posture.snapshots import Snapshots
from wardline.central.settings import JobsSettings
from wardline.core import clock
from wardline.core.evidence.signing import SigningKey

AUDIT_INTERVAL_S = 1.0
CHECKPOINT_INTERVAL_S = 1.0
ANNOUNCE_INTERVAL_S = 0.1
EXPIRY_INTERVAL_S = 5.0
DEVIATIONS_INTERVAL_S = 10.0
QUIET_INTERVAL_S = 30.0
BRAKES_INTERVAL_S = 5.0
DECISIONS_INTERVAL_S = 60.0
PARTITIONS_INTERVAL_S = 6 * 3600.0
BACKUPS_INTERVAL_S = 3600.0
LAST_SIGNED = "last-signed.json"


async def run(settings: JobsSettings, say_ready: Callable[[], None]) -> None:
    """Runs until the supervisor ends it."""
    pool = engine.create(settings.jobs_dsn)
    signer = Signer(
        pool,
        SigningKey.from_seed(base64.b64decode(settings.log_key)),
        settings.installation_id,
        settings.data / "keys" / LAST_SIGNED,
        clock.system,
    )
    announcer = Announcer(pool, clock.system)
    posture = Snapshots(pool, clock.system)
    brake = Brake(pool, clock.system)
    learner = Learner(pool, clock.system)
    backups = Folders(settings.backups, clock.system)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    say_ready()
    await loops.run_all(
        [
            Loop("audit", AUDIT_INTERVAL_S, lambda: sequencer.append_waiting(pool, clock.system)),
            Loop("checkpoints", CHECKPOINT_INTERVAL_S, signer.sign_grown),
            Loop("changes", ANNOUNCE_INTERVAL_S, announcer.announce),
            Loop("posture", snapshots.LOOK_INTERVAL_S, posture.take),
            Loop("learning", rounds.INTERVAL_S, learner.learn),
            Loop("expiry", EXPIRY_INTERVAL_S, lambda: expiry.end_overdue(pool, clock.system)),
            Loop(
                *("deviations", DEVIATIONS_INTERVAL_S),
                lambda: deviations.follow(pool, clock.system),
            ),
            Loop(
                "quiet-appliances", QUIET_INTERVAL_S, lambda: upkeep.mark_quiet(pool, clock.system)
            ),
            Loop("brakes", BRAKES_INTERVAL_S, brake.look),
            Loop("decisions", DECISIONS_INTERVAL_S, lambda: decisions.tidy(pool, clock.system)),
            Loop("policy-backups", BACKUPS_INTERVAL_S, backups.retain),
            Loop(
                "results-partitions",
                PARTITIONS_INTERVAL_S,
                lambda: upkeep.make_partitions(pool, clock.system),
            ),
        ],
        pool,
        clock.system,
        stop,
    )
    await pool.dispose()
