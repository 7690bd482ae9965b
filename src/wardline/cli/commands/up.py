"""`wardline up`: starts Central Command, and with --demo three clinics of its own beside it."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from wardline.central import settings
from wardline.central.children import Group
from wardline.central.listening import Listener
from wardline.central.settings import OrderTimes
from wardline.central.supervisor import (
    WEB_PROCESSES_DEFAULT,
    WEB_PROCESSES_MAX,
    Options,
    Started,
    Supervisor,
)
from wardline.cli import places
from wardline.cli.client import Client
from wardline.core import protocol
from wardline.demo import clinic

TEND_SECONDS = 0.2
OWNER_EMAIL = "owner@wardline.local"
DEMO_EMAIL = "demo@wardline.local"

OrderLifetime = Annotated[
    int,
    typer.Option(
        min=settings.ORDER_LIFETIME_S_LEAST,
        max=settings.ORDER_LIFETIME_S_MAX,
        help="seconds in which an appliance has to carry an order out",
    ),
]
OrderLease = Annotated[
    int,
    typer.Option(
        min=1,
        max=settings.ORDER_LEASE_S_MAX,
        help="seconds until an order that was fetched and not heard of is handed out again",
    ),
]
WebProcesses = Annotated[
    int,
    typer.Option(
        min=1,
        max=WEB_PROCESSES_MAX,
        help="processes that answer the dashboard and the appliances, about 100 MB each",
        show_default="two, one on a single core",
    ),
]

app = typer.Typer(add_completion=False, rich_markup_mode=None)
console = Console(highlight=False, soft_wrap=True)


@app.command()
def up(
    data: Annotated[Path | None, typer.Option(help="where Central keeps everything")] = None,
    port: Annotated[int, typer.Option(help="port to listen on")] = settings.PORT_DEFAULT,
    host: Annotated[
        str, typer.Option(help="address to listen on; any but loopback is HTTPS")
    ] = settings.HOST_DEFAULT,
    tls_cert: Annotated[
        Path | None, typer.Option(help="PEM certificate chain; without it Central makes its own CA")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM key of --tls-cert")] = None,
    behind_proxy: Annotated[
        str | None,
        typer.Option(help="address of a proxy that ends TLS; plain HTTP only from it and here"),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="public address, where it is not the one listened on")
    ] = None,
    owner_email: Annotated[
        str, typer.Option(help="who signs in first; counts at the first start only")
    ] = OWNER_EMAIL,
    reset_owner: Annotated[
        bool,
        typer.Option(
            "--reset-owner", help="a new one-time password for the owner; ends sessions and pauses"
        ),
    ] = False,
    order_lifetime_s: OrderLifetime = settings.ORDER_LIFETIME_S,
    order_lease_s: OrderLease = protocol.ORDER_LEASE_S,
    web_processes: WebProcesses = WEB_PROCESSES_DEFAULT,
    demo: Annotated[
        bool, typer.Option("--demo", help="with three invented clinics that heal")
    ] = False,
) -> None:
    """Start Central Command; Ctrl-C ends it. PostgreSQL is our own, or that of DATABASE_URL."""
    options = Options(
        data=places.central(data, demo=demo),
        listener=Listener(host, port, tls_cert, tls_key, behind_proxy, url),
        demo=demo,
        partner_name="Demo Partner" if demo else "My company",
        owner_email=DEMO_EMAIL if demo else owner_email,
        database_url=os.environ.get("DATABASE_URL") or None,
        web_processes=web_processes,
        reset_owner=reset_owner,
        order_times=OrderTimes(lifetime_s=order_lifetime_s, lease_s=order_lease_s),
    )
    with _interrupts() as interrupts:
        _serve(options, interrupts)
    _say("Stopped")


class _Interrupts:
    """Ctrl-C, SIGTERM, and a terminal that goes away: noted, or raised where that is asked for."""

    def __init__(self) -> None:
        self.told = threading.Event()
        self._raising = False

    def note(self, number: int, frame: FrameType | None) -> None:
        """The handler. A second Ctrl-C ends at once, whatever is being tidied up."""
        again = self.told.is_set() and number == signal.SIGINT
        self.told.set()
        if self._raising or again:
            self._raising = False
            raise KeyboardInterrupt

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Raises KeyboardInterrupt inside the block, which waits for much that knows of no event;
        swallowed here, once everything that the block began was ended on its way out."""
        self._raising = True
        try:
            if self.told.is_set():
                raise KeyboardInterrupt
            yield
        except KeyboardInterrupt:
            self._raising = False
        finally:
            self._raising = False


def _serve(options: Options, interrupts: _Interrupts) -> None:
    supervisor = Supervisor(options, _say)
    clinic_processes = Group()
    try:
        with interrupts.raised():
            started = supervisor.start()
            if options.demo:
                _start_clinics(options.data, started, clinic_processes)
            _welcome(started, demo=options.demo)
        if not interrupts.told.is_set():
            while not interrupts.told.wait(TEND_SECONDS):
                supervisor.tend()
                clinic_processes.tend(_say)
            _say("Stopping")
    finally:
        clinic_processes.stop()
        supervisor.stop()


@contextmanager
def _interrupts() -> Iterator[_Interrupts]:
    """From here to the end of the block the three signals are ours."""
    interrupts = _Interrupts()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupts.note) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start_clinics(data: Path, started: Started, processes: Group) -> None:
    password = started.owner.one_time_password
    assert password is not None
    central = Client(started.url, ca_file=started.ca_file)
    try:
        central.sign_in(started.owner.email, password)
        clinic.prepare(central, data, _say)
    finally:
        central.close()
    _say("Starting the clinics' agents")
    processes.children = clinic.processes(data)
    processes.start()


def _welcome(started: Started, *, demo: bool) -> None:
    owner = started.owner
    lines = ["", f"Central Command answers at {started.url}", f"  sign in as {owner.email}"]
    if demo:
        lines.append(f"  password   {owner.one_time_password}")
        lines += [
            "  Settings of three clinics break every few seconds, and their agents repair them.",
            "  Within two minutes one repair waits for your approval, one is blocked by opening",
            "  hours and one is on hold after a flap; `wardline status` says what happened so far.",
        ]
    elif owner.one_time_password is not None:
        lines.append(f"  one-time password   {owner.one_time_password}")
        lines.append(
            "  It is shown here and nowhere else; you choose your own at the first sign-in."
        )
    else:
        lines.append("  with the password that you chose")
    if started.ca_file is not None:
        lines.append(f"  its certificate authority: {started.ca_file} (browsers must trust it)")
    lines += ["  Ctrl-C ends it.", ""]
    console.print("\n".join(lines), markup=False)


def _say(text: str) -> None:
    # A log on the disk that is full, a terminal that was closed: the work goes on unheard.
    with contextlib.suppress(OSError):
        console.print(f"• {text}" if console.is_terminal else text, markup=False)
