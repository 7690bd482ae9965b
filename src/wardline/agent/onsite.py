"""A person at the appliance itself: their name there, and the store, opened for them."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

from wardline.agent import agent
from wardline.agent.settings import Layout, Settings
from wardline.agent.store.ledger import Ledger


def account() -> str:
    """`appliance:` and the person's account on this machine; behind sudo the one who called it."""
    return f"appliance:{_account()}"


@contextmanager
def opened(layout: Layout) -> Iterator[tuple[Settings, Ledger]]:
    """The settings and the store, beside an agent that may be running; raises what both raise."""
    settings = agent.load_settings(layout)
    ledger = agent.open_ledger(layout, settings)
    try:
        yield settings, ledger
    finally:
        ledger.database.close()


def _account() -> str:
    if os.geteuid() == 0 and (named := os.environ.get("SUDO_USER")):
        return named
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
