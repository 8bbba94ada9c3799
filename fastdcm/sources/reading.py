"""What is at a name, file or object: its size, and the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import os

from fastdcm.sources.addresses import is_remote

_PIECE = 1 << 20
_REMOTE_PIECE = 8 << 20


def size_of(name: str) -> int:
    """Bytes of a file or an object. Raises `OSError`, `SourceError`."""
    if not is_remote(name):
        return os.path.getsize(name)
    from fastdcm.sources.stores import store_of

    store, key = store_of(name)
    return store.stat(key).size


def bytes_of(name: str) -> bytes:
    """All of an object. Raises `SourceError`."""
    from fastdcm.sources.stores import store_of

    store, key = store_of(name)
    return store.whole(key)[0]


def sha256_of(name: str) -> str:
    """The SHA-256 of a file or an object. Raises `OSError`, `SourceError`."""
    digest = hashlib.sha256()
    if not is_remote(name):
        with open(name, "rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
        return digest.hexdigest()
    from fastdcm.sources.stores import store_of

    store, key = store_of(name)
    data, stat = store.begin(key, _REMOTE_PIECE)
    digest.update(data)
    for start in range(len(data), stat.size, _REMOTE_PIECE):
        digest.update(store.range(key, start, min(start + _REMOTE_PIECE, stat.size), stat.tag))
    return digest.hexdigest()
