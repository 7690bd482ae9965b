"""A real OpenSSH server on loopback, with keys, settings and accounts of its own in one folder.

Its sessions may be shut into a file tree (`root`): then that tree is the whole host, with a shell
and programs of this machine in it, and a test may change it as it likes.
"""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

SSHD = "/usr/sbin/sshd"
START_S_MAX = 15.0
# What the scripts of the product, and a login, need of a host.
PROGRAMS = """
sh cat chmod chown cmp cp cut dd env find head id kill ln ls mkdir mv nohup printf readlink rm rmdir
setsid sleep stat sync tail timeout touch true uname wc yes
"""
SFTP_SERVER = "/usr/lib/openssh/sftp-server"

_SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/sshd.pid
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitUserRC no
PrintMotd no
LogLevel VERBOSE
MaxStartups 50
{more}
"""

# The forced command of a session that is shut into a tree; nothing of its words is expanded here.
_SHUT_IN = """\
#!/bin/sh
exec {enter} /bin/sh -c "cd /; export HOME=/root; $SSH_ORIGINAL_COMMAND"
"""


class SshdMissing(AssertionError):
    """The machine has no OpenSSH server: `.ci/run` installs it; tests over SSH cannot do without."""


def require() -> None:
    """Fail with the words that help; a test over SSH is never left out silently."""
    if not Path(SSHD).exists():
        raise SshdMissing(f"{SSHD} is missing: install openssh-server, as .ci/run does")


@dataclass
class Server:
    """One sshd; `private_key` opens it for the account that runs the tests."""

    folder: Path
    port: int
    private_key: str
    host_key: str
    more: str = ""
    settings: Path | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def user(self) -> str:
        return getpass.getuser()

    def start(self) -> None:
        """Serve, on the same port as before; returns when it accepts connections."""
        if os.geteuid() == 0:
            # sshd as root shuts its unprivileged half in there and does not start without.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        settings = self.settings or self.folder / "sshd_config"
        settings.write_text(_SETTINGS.format(port=self.port, folder=self.folder, more=self.more))
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(settings)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait()

    def wait(self) -> None:
        """Until it accepts connections, also after it was told to read its settings again."""
        assert self.process is not None
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"sshd does not serve: {self.log()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End the listener and every session of it, as a crash would."""
        process = self.process
        if process is None:
            return
        self.cut()
        self.process = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def cut(self) -> None:
        """End every connection at once, the listener stays; what runs on the host goes on."""
        for child in self._descendants():
            if b"sshd" in _name(child):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)

    def pause(self) -> None:
        """Every process that serves a connection stops where it is."""
        self._signal_sessions(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_sessions(signal.SIGCONT)

    def pause_all(self) -> None:
        """As `pause`, and nobody new is heard either; what else runs on the host goes on."""
        self._signal_servers(signal.SIGSTOP)

    def resume_all(self) -> None:
        self._signal_servers(signal.SIGCONT)

    def change_host_key(self) -> None:
        """As on a host that was installed anew."""
        self.host_key = _make_key(self.folder / "host_key")

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def logins(self) -> int:
        """How many connections were let in so far."""
        return self.log().count("Accepted publickey")

    def _signal_sessions(self, number: int) -> None:
        for child in self._descendants():
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    def _signal_servers(self, number: int) -> None:
        assert self.process is not None
        children = [child for child in self._descendants() if b"sshd" in _name(child)]
        for process in (self.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _descendants(self) -> list[int]:
        """Processes below the listener, by the parents that the kernel names."""
        assert self.process is not None
        parents = {}
        for path in Path("/proc").iterdir():
            if path.name.isdecimal():
                with contextlib.suppress(OSError):
                    words = (path / "stat").read_text().rpartition(")")[2].split()
                    parents[int(path.name)] = int(words[1])
        found: list[int] = []
        wave = {self.process.pid}
        while wave := {child for child, parent in parents.items() if parent in wave}:
            found += wave
        return found

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.2) as line:
                return line.recv(4) == b"SSH-"
        except OSError:
            return False


@contextmanager
def serving(folder: Path, *, root: Path | None = None, more: str = "") -> Iterator[Server]:
    """A server in `folder` until the block is left; `root` is the tree that is the host.

    It reads `Server.settings` when it is started again with that set.
    """
    require()
    folder.mkdir(parents=True, exist_ok=True)
    client = asyncssh.generate_private_key("ssh-ed25519")
    (folder / "authorized_keys").write_bytes(client.export_public_key("openssh"))
    if root is not None:
        more += f"\nForceCommand {_shut_in(folder, root)}\n"
    server = Server(
        folder=folder,
        port=_free_port(),
        private_key=client.export_private_key("openssh").decode(),
        host_key=_make_key(folder / "host_key"),
        more=more,
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def furnish(root: Path) -> Path:
    """Give a tree a shell, the programs and the libraries that they need, as real files."""
    wanted = [shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") for name in PROGRAMS.split()]
    programs = [path for path in wanted if path is not None]
    for path in [*programs, SFTP_SERVER]:
        install(root, path)
    for folder in ("dev", "tmp", "root", "var/lib", "proc", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "dev/null").touch()
    # sftp-server does not serve an account without a name.
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return root


def install(root: Path, path: str) -> None:
    """One program of this machine, with its libraries, under its own name."""
    _copy(path, root, "/bin/sh" if path.endswith("/sh") else path)
    for library in _libraries(path):
        _copy(library, root, library)


def copy(toolbox: Path, root: Path) -> Path:
    """A furnished tree of one's own; what is in it already is shared and must not be written to."""
    shutil.copytree(toolbox, root, copy_function=os.link, symlinks=True)
    for path, mode in (("dev/null", 0o666), ("etc/passwd", 0o644)):
        content = (root / path).read_bytes()
        (root / path).unlink()
        (root / path).write_bytes(content)
        (root / path).chmod(mode)
    return root


def _copy(path: str, root: Path, at: str) -> None:
    place = root / at.lstrip("/")
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(os.path.realpath(path), place)
        place.chmod(0o755)


def _libraries(path: str) -> list[str]:
    told = subprocess.run(["ldd", path], capture_output=True, text=True).stdout
    words = [word for line in told.splitlines() for word in line.split()]
    return [word for word in words if word.startswith("/")]


def _shut_in(folder: Path, root: Path) -> Path:
    """A forced command that enters the tree; without root in a namespace where it is root."""
    enter = f"/usr/sbin/chroot {root}"
    if os.geteuid() != 0:
        enter = f"/usr/bin/unshare --user --map-root-user {enter}"
    script = folder / "enter"
    script.write_text(_SHUT_IN.format(enter=enter))
    script.chmod(0o755)
    return script


def _make_key(path: Path) -> str:
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key.export_private_key("openssh"))
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


def _name(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/comm").read_bytes()
    except OSError:
        return b""
