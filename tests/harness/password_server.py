"""An SSH server that takes one password and runs what it is told as this account, in a process."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh


@contextmanager
def serving(password: str) -> Iterator[tuple[int, str]]:
    """Port and host key, until the block is left."""
    process = subprocess.Popen(
        [sys.executable, __file__, password], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            port, key = process.stdout.readline().strip().split(" ", 1)
            yield int(port), key
        finally:
            process.kill()


class _Door(asyncssh.SSHServer):
    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == self._password


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    assert process.command is not None
    child = await asyncio.create_subprocess_shell(
        process.command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    await process.redirect(child.stdin, child.stdout, child.stderr)
    process.exit(await child.wait())


async def _serve(password: str) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Door(password),
        server_host_keys=[key],
        process_factory=_run,
        encoding=None,
    )
    public = " ".join(key.export_public_key("openssh").decode().split()[:2])
    print(server.get_port(), public, flush=True)
    await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
