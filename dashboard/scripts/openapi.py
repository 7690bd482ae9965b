"""Prints Central's OpenAPI document; its app is built on an engine that never connects."""

import json
import sys
from pathlib import Path

from wardline.central import app
from wardline.central.database import engine
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.settings import Transport, WebSettings
from wardline.core.evidence.signing import SigningKey

SEED = bytes(32)


def main() -> None:
    settings = WebSettings(
        app_dsn="postgresql://nobody@localhost/none",
        backups=Path("none"),
        listen_fd=-1,
        tally_fd=-1,
        url="http://localhost",
        transport=Transport.LOOPBACK,
        installation_id="none",
        uplink_key="",
        policy_key="",
        order_key="",
        log_public="",
    )
    log_public = SigningKey.from_seed(SEED).verify_key.public
    keys = ServerKeys.of(settings.installation_id, SEED, SEED, SEED, log_public, None)
    web = app.create(settings, engine.create(settings.app_dsn), keys)
    json.dump(web.openapi(), sys.stdout)


if __name__ == "__main__":
    main()
