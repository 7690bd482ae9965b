"""Opaque secrets that a caller shows: made from 32 random bytes, stored as their SHA-256."""

import hashlib
import secrets

SECRET_BYTES = 32
SECRET_CHARS_MAX = 128


def make() -> str:
    """A new secret of 43 URL-safe characters."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What is stored; a secret of 256 random bits needs no slow hash and no salt."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
