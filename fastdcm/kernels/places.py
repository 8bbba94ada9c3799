"""Where the machine code of kernels is kept: beside their source, or in a private temporary folder.

Packages of containers and clusters are often read-only. Nothing here imports numba or llvmlite, so that a
process can tell beforehand what its kernels will cost.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache

_SOURCES = os.path.dirname(__file__)


def folders(*, make: bool = False) -> Iterator[str]:
    """Where kernels are looked for, and kept, in this order; with ``make`` these are made.

    One after the other, because few need the second, for which much is imported.
    """
    beside = os.path.join(_SOURCES, "__pycache__")
    if make:
        try:
            os.makedirs(beside, exist_ok=True)
        except OSError:
            beside = ""
    if beside:
        yield beside
    if private := private_cache(make=make):
        yield private


def in_words() -> str:
    """Where machine code is kept, for people."""
    for folder in folders(make=True):
        if os.access(folder, os.W_OK):
            return folder
    return "nowhere (compiled anew in each process)"


def private_cache(*, make: bool = True) -> str | None:
    """A folder in the temporary directory that only this user can write; None where there is none.

    What lies there is executed, so a folder that somebody else made is not used.
    """
    import tempfile

    user = getattr(os, "getuid", lambda: os.environ.get("USERNAME", "user"))()
    folder = os.path.join(tempfile.gettempdir(), f"fastdcm-kernels-{user}")
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700)
        status = os.lstat(folder)
    except OSError:
        return None
    if os.name == "posix":
        foreign = status.st_uid != user or stat.S_IMODE(status.st_mode) & 0o077
        if foreign or not stat.S_ISDIR(status.st_mode):
            return None
    return folder


@cache
def source_digest() -> str:
    """A digest of all kernels' sources: one may call another of them."""
    from hashlib import blake2b

    digest = blake2b(digest_size=6)
    for name in sorted(os.listdir(_SOURCES)):
        if name.endswith(".py"):
            with open(os.path.join(_SOURCES, name), "rb") as source:
                digest.update(source.read())
    return digest.hexdigest()


def file_name(module: str, name: str, signature: str, machine: str) -> str:
    """The name of the file with the machine code of one signature of a kernel."""
    from hashlib import blake2b

    types = blake2b(signature.encode(), digest_size=4).hexdigest()
    return f"{module}.{name}-{source_digest()}-{types}-{machine}.kernel"


def are_cached(modules: Collection[str]) -> bool:
    """Whether there is machine code of all these modules, made from their present source.

    It may be another processor's: then it is compiled anew.
    """
    try:
        digest = source_digest()
    except OSError:
        return False
    cached: set[str] = set()
    for folder in folders():
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            module, _, rest = name.partition(".")
            if module in modules and rest.endswith(".kernel") and f"-{digest}-" in rest:
                cached.add(module)
        if cached == set(modules):
            return True
    return False
