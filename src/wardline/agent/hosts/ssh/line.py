"""The line to a host: one connection for everything, its key pinned, opened anew with backoff."""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncssh

from wardline.agent.hosts.host import HostKeyChanged, LoginRefused, Unreachable
from wardline.agent.hosts.ssh import login as logins
from wardline.agent.hosts.ssh import shell
from wardline.agent.hosts.ssh.login import Login
from wardline.agent.hosts.ssh.sftp import Garbled, Sftp
from wardline.core.errors import WardlineError
from wardline.core.sealed import Credential, SecretType

CONNECT_S = 10.0
KEEPALIVE_S = 15.0
KEEPALIVES_MISSED_MAX = 3
# sshd allows ten sessions per connection by default (MaxSessions); SFTP takes one of them.
SESSIONS_MAX = 6
REST_S = 2.0
REST_S_MAX = 300.0
# What a person has to see to, and what could lock an account, is not tried again soon.
REST_REFUSED_S = 600.0
REST_SHARE = 0.2
# A line that has lived for so long was a good one: the next failure begins a new count.
GOOD_S = 60.0
WORDS_CHARS_MAX = 200
# In the order of what they cost here: the library does ChaCha20 in several steps of Python.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)

_SFTP_SERVER = """
for server in /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server \\
  /usr/lib/ssh/sftp-server /usr/libexec/sftp-server /usr/libexec/ssh/sftp-server \\
  /usr/lib/sftp-server
do
  if [ -x "$server" ]; then echo found; exec "$server" -R; fi
done
echo missing
"""

# What the library would tell of keys and accounts belongs into no log of ours.
asyncssh.set_log_level(logging.CRITICAL)

OpenCredential = Callable[[], Credential]


@dataclass(frozen=True, slots=True)
class Opened:
    """An open connection with its reader of files; `sessions` bounds the programs at one time."""

    connection: asyncssh.SSHClientConnection
    sftp: Sftp
    sessions: asyncio.Semaphore
    serving: asyncio.Task[None]
    since: float


class _Client(asyncssh.SSHClient):
    """Lets in only the pinned key, and remembers which one was shown."""

    def __init__(self, login: Login, lost: Callable[[Exception | None], None]) -> None:
        self._pinned = login.host_key
        self._lost = lost
        self.shown: str | None = None

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        self.shown = logins.parse_key(key.export_public_key("openssh").decode("ascii"))
        return self.shown == self._pinned

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost(exc)


class Line:
    """All of it but `settled` belongs to the loop of `engine`."""

    def __init__(self, login: Login, credential: OpenCredential, draw: random.Random) -> None:
        self.login = login
        self._credential = credential
        self._draw = draw
        self._opened: Opened | None = None
        self._connecting: asyncio.Task[Opened] | None = None
        self._failure: Unreachable | None = None
        self._failures = 0
        self._rest_until = 0.0

    @property
    def settled(self) -> bool:
        """Whether a question would be answered, or refused, without waiting for a connection."""
        return self._opened is not None or self._is_resting()

    def begin(self) -> None:
        """Start connecting unless it is under way, done, or to be left alone for now."""
        if not self.settled and self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            # Whoever asks next hears of a failure; nobody has to.
            self._connecting.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def open(self) -> Opened:
        """The open line; raises Unreachable, at once while it rests after a failure."""
        if self._opened is not None:
            return self._opened
        if self._failure is not None and self._is_resting():
            left_s = max(1, round(self._rest_until - time.monotonic()))
            again = f"{self._failure.why}; tried again in {left_s} s"
            raise type(self._failure)(self.login.text, again)
        self.begin()
        assert self._connecting is not None
        return await asyncio.shield(self._connecting)

    def drop(self, why: str) -> None:
        """Give the line up: what is under way fails, the next attempt comes after a rest."""
        opened, self._opened = self._opened, None
        if opened is None:
            return
        self._rest(Unreachable(self.login.text, why), opened)
        opened.serving.cancel()
        opened.connection.abort()

    async def fresh(self) -> asyncssh.SSHClientConnection:
        """A second connection of its own, which the caller closes; raises Unreachable."""
        client = _Client(self.login, lambda error: None)
        async with _told(self.login, client):
            connection = await asyncio.wait_for(self._dial(client), CONNECT_S)
            # Who is let in anew has nothing to rest from, whatever was refused before.
            self._failure, self._rest_until = None, 0.0
            return connection
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Let go without waiting for the host; the next question opens the line again."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.serving.cancel()
            await asyncio.gather(opened.serving, return_exceptions=True)
            opened.connection.abort()
            await opened.connection.wait_closed()

    def _is_resting(self) -> bool:
        return time.monotonic() < self._rest_until

    async def _connect(self) -> Opened:
        client = _Client(self.login, self._lost)
        try:
            async with _told(self.login, client):
                self._opened = await asyncio.wait_for(self._enter(client), CONNECT_S)
            return self._opened
        except Unreachable as error:
            self._rest(error, None)
            raise
        finally:
            self._connecting = None

    async def _enter(self, client: _Client) -> Opened:
        """Log in and start the reader of files, which proves that the account may do its work."""
        connection = await self._dial(client)
        try:
            session = await shell.begin(
                connection, sudo=self.login.sudo, script=_SFTP_SERVER, arguments=[]
            )
            if await session.stdout.readline() != b"found\n":
                why = "logged in, but the host has no sftp-server: install openssh-sftp-server"
                raise LoginRefused(self.login.text, why)
            sftp = Sftp(session.stdout, session.writer.write)
            await sftp.greet()
        except BaseException:
            connection.abort()
            raise
        serving = asyncio.create_task(sftp.serve())
        return Opened(connection, sftp, asyncio.Semaphore(SESSIONS_MAX), serving, time.monotonic())

    async def _dial(self, client: _Client) -> asyncssh.SSHClientConnection:
        """Nothing of this machine's own SSH settings, agents or keys takes part."""
        credential = self._credential()
        is_key = credential.type is SecretType.PRIVATE_KEY
        keys = [asyncssh.import_private_key(credential.secret)] if is_key else None
        algorithms = logins.algorithms(self.login.host_key.split()[0])
        return await asyncssh.connect(
            self.login.address,
            self.login.port,
            config=None,
            client_factory=lambda: client,
            known_hosts=([], [], []),
            server_host_key_algs=algorithms,
            x509_trusted_certs=None,
            username=self.login.user,
            password=None if is_key else credential.secret,
            client_keys=keys,
            preferred_auth="publickey" if is_key else "password,keyboard-interactive",
            gss_host=None,
            agent_path=None,
            agent_forwarding=False,
            disable_trivial_auth=True,
            encryption_algs=list(CIPHERS),
            compression_algs=None,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES_MISSED_MAX,
            connect_timeout=CONNECT_S,
            login_timeout=CONNECT_S,
        )

    def _lost(self, error: Exception | None) -> None:
        """The connection ended by itself; one that was closed on purpose is not here any more."""
        opened, self._opened = self._opened, None
        if opened is not None:
            said = _words(str(error)) if error else "the host closed it"
            self._rest(Unreachable(self.login.text, f"the connection broke: {said}"), opened)
            opened.serving.cancel()

    def _rest(self, failure: Unreachable, was: Opened | None) -> None:
        if was is not None and time.monotonic() - was.since >= GOOD_S:
            self._failures = 0
        refused = isinstance(failure, HostKeyChanged | LoginRefused)
        seconds = REST_REFUSED_S if refused else min(REST_S * 2**self._failures, REST_S_MAX)
        self._failures = min(self._failures + 1, 30)
        self._failure = failure
        share = self._draw.uniform(1 - REST_SHARE, 1 + REST_SHARE)
        self._rest_until = time.monotonic() + seconds * share


class _told:  # noqa: N801 (reads as a clause: `async with _told(login, client)`)
    """Turns what the library raises into an Unreachable that says what to do next."""

    def __init__(self, login: Login, client: _Client) -> None:
        self._login = login
        self._client = client

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        told = None if error is None else self._tell(error)
        if told is not None:
            raise told from None

    def _tell(self, error: BaseException) -> Unreachable | None:
        where = self._login.text
        match error:
            case Unreachable():
                return None
            case asyncssh.HostKeyNotVerifiable():
                return changed(self._login, self._client.shown)
            case asyncssh.PermissionDenied() | asyncssh.IllegalUserName():
                why = "the host refuses the account's credential: give a valid one with"
                return LoginRefused(where, f"{why} `wardline agent hosts credential`")
            case asyncssh.KeyImportError():
                return LoginRefused(where, "the stored key is no private key of OpenSSH")
            case shell.NoShell():
                return shell.refused(where, str(error), sudo=self._login.sudo)
            case Garbled():
                return Unreachable(where, f"its SFTP server is none: {error}")
            case TimeoutError():
                return Unreachable(where, f"no answer within {CONNECT_S:g} s")
            case asyncio.IncompleteReadError():
                return Unreachable(where, "the session ended before it had begun")
            case asyncssh.Error() | OSError():
                return Unreachable(where, f"cannot be reached: {_words(str(error))}")
            case WardlineError():
                # The credential cannot be opened: its own words say why.
                return LoginRefused(where, str(error))
        return None


def changed(login: Login, shown: str | None) -> HostKeyChanged:
    """The error of a host that is not the one that was pinned."""
    pinned = f"{login.host_key.split()[0]} {logins.fingerprint(login.host_key)}"
    now = (
        "no key of that type"
        if shown is None
        else f"{shown.split()[0]} {logins.fingerprint(shown)}"
    )
    return HostKeyChanged(
        login.text,
        f"the host key changed: pinned is {pinned}, shown was {now}. If the host got new keys,"
        " compare at its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then"
        " `wardline agent hosts trust`; if not, somebody else answers at its address",
    )


async def shown_key(address: str, port: int) -> str:
    """The host key that answers now, not judged yet: for a person to compare."""
    login = Login(address, port, "nobody", sudo=False, host_key="ssh-ed25519 AAAA")
    client = _Client(login, lambda error: None)
    async with _told(login, client):
        key = await asyncio.wait_for(
            asyncssh.get_server_host_key(
                address, port, config=None, server_host_key_algs=logins.algorithms()
            ),
            CONNECT_S,
        )
        if key is not None:
            return logins.parse_key(key.export_public_key("openssh").decode("ascii"))
    raise Unreachable(f"{address}:{port}", "showed no host key")


def _words(said: str) -> str:
    """Words of the other side, short and printable."""
    shown = "".join(char if char.isprintable() else " " for char in said)
    return shown[:WORDS_CHARS_MAX] or "no reason given"
