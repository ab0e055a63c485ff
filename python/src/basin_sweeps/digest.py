"""BLAKE3 digests: whether bytes are those that were committed."""

import re

from blake3 import blake3

from .errors import DamagedError

# How a document of JSON carries the digest of all bytes before it (shared/storage/src/self_digest.rs).
_TRAILER = re.compile(rb',\n  "digest": "(.{64})"\n\}\n', re.DOTALL)
_TRAILER_LENGTH = len(b',\n  "digest": "') + 64 + len(b'"\n}\n')


def digest_of(data: bytes) -> str:
    """The digest in 64 hexadecimal digits, as commits and manifests have it."""
    return blake3(data).hexdigest()


def check(path: str, data: bytes, expected: str) -> None:
    """Raises DamagedError unless the bytes of the file at `path` have this digest."""
    found = digest_of(data)
    if found != expected:
        raise DamagedError(path, f"its digest is {found[:10]}…, not {expected[:10]}…")


def carries_digest(path: str, data: bytes) -> bool:
    """Whether a document carries the digest of its bytes. Raises DamagedError if it carries another."""
    trailer = _TRAILER.fullmatch(data[-_TRAILER_LENGTH:])
    if trailer is None:
        return False
    if digest_of(data[:-_TRAILER_LENGTH]).encode() != trailer[1]:
        raise DamagedError(path, "its bytes don't have the digest that it carries")
    return True
