"""`wardline policy serve`: the policy manager on one policy file."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from wardline.cli.commands.policy_seed import Db
from wardline.policy.backups import retention
from wardline.policy.backups.retention import Retention
from wardline.policy.standalone import server, settings
from wardline.policy.standalone.server import Listening
from wardline.policy.standalone.settings import Settings

PORT_DEFAULT = 8000
HOST_DEFAULT = "127.0.0.1"


def serve(
    db: Db = None,
    port: Annotated[int, typer.Option(help="port to listen on; 0 takes a free one")] = PORT_DEFAULT,
    host: Annotated[
        str, typer.Option(help="address to listen on; any but loopback needs --token-file")
    ] = HOST_DEFAULT,
    token_file: Annotated[
        Path | None, typer.Option(help="who may ask: a line each of name, role and SHA-256")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="pages of this origin may ask, too; more than once")
    ] = None,
    actions: Annotated[
        Path | None, typer.Option(help="the actions that there are, a line each; default: any")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="zone of windows that name none; default: POLICY_TIMEZONE, or UTC"),
    ] = None,
    backup_dir: Annotated[
        Path | None,
        typer.Option(help="folder of backups; default: POLICY_BACKUP_DIR, or beside the file"),
    ] = None,
    keep_backups: Annotated[
        int, typer.Option(help="how many backups of each kind are kept")
    ] = retention.KEEP_DEFAULT,
    keep_backup_days: Annotated[
        int, typer.Option(help="for how long a backup is kept")
    ] = retention.DAYS_DEFAULT,
) -> None:
    """Serve the policy manager; Ctrl-C ends it. Without tokens it answers this machine alone."""
    told = Settings(
        db=settings.db(db),
        backups=settings.backups(backup_dir),
        token_file=token_file,
        origins=frozenset(allow_origin or ()),
        actions=actions,
        zone=settings.zone(timezone),
        retention=Retention(keep_backups, keep_backup_days),
    )
    # The server takes Ctrl-C over as soon as it runs; before, nothing is held that needs an end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server.serve(told, Listening(host, port), print)
