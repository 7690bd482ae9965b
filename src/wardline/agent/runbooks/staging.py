"""New content of a file beside it, for its own program to judge, and what may be left of that."""

import re
import secrets

from wardline.agent.hosts.host import FileKind, Host, HostError

MODE = 0o600
_WORD_BYTES = 8
_GROUP_OR_OTHERS_WRITE = 0o022


def put(host: Host, path: str, content: bytes) -> str:
    """The path under which the content lies, for its own account alone, until it is removed."""
    folder, _, name = path.rpartition("/")
    staged = f"{folder}/.{name}.{secrets.token_hex(_WORD_BYTES)}"
    host.replace_file(staged, content, MODE)
    return staged


def clear_away(host: Host, path: str, staged: str) -> None:
    """Remove what an agent that died has left of earlier contents of this file: known by name,
    owner and mode, and only in a folder into which nobody else can put anything."""
    folder, _, name = path.rpartition("/")
    ours = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{{2 * _WORD_BYTES}}}")
    try:
        ground, own = host.stat(folder or "/"), host.lstat(staged)
        if ground.mode & _GROUP_OR_OTHERS_WRITE or ground.uid != own.uid:
            return
        for one in host.listdir(folder or "/"):
            stale = f"{folder}/{one}"
            if stale == staged or not ours.fullmatch(one):
                continue
            found = host.lstat(stale)
            known = (found.kind, found.mode, found.uid, found.links)
            if known == (FileKind.FILE, MODE, own.uid, 1):
                host.remove(stale)
    except HostError:
        # What lies there hurts nobody, and may go the next time.
        return
