"""An SSH server that takes one password and runs what it is told as this account."""

import asyncio
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import asyncssh


@contextmanager
def serving(password: str) -> Iterator[tuple[int, str]]:
    """Port and host key, until the block is left."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_start(key, password), loop).result(10)
    try:
        public = " ".join(key.export_public_key("openssh").decode().split()[:2])
        yield server.get_port(), public
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Door(asyncssh.SSHServer):
    def __init__(self, password: str) -> None:
        self._password = password

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == self._password


async def _start(key: asyncssh.SSHKey, password: str) -> asyncssh.SSHAcceptor:
    return await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Door(password),
        server_host_keys=[key],
        process_factory=_run,
        encoding=None,
    )


async def _stop(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    await server.wait_closed()


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    assert process.command is not None
    child = subprocess.Popen(
        process.command,
        shell=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    await process.redirect(child.stdin, child.stdout, child.stderr)
    process.exit(await asyncio.to_thread(child.wait))
    await process.wait_closed()
