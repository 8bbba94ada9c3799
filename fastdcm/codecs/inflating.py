"""gzip files and deflated bytes, unpacked: by ISA-L where it is, which takes half the time, else by zlib."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

_PIECE = 1 << 20


def open_gzip(file: BinaryIO) -> tuple[Any, tuple[type[Exception], ...]]:
    """What comes out of an open file, to be read, and the errors that reading it raises where it is damaged.

    A file that is cut raises `EOFError`.
    """
    try:
        from isal import igzip, isal_zlib
    except ImportError:
        return gzip.GzipFile(fileobj=file), (OSError, zlib.error)
    damaged: Any = isal_zlib.error
    return igzip.IGzipFile(fileobj=file), (OSError, damaged)  # type: ignore[no-untyped-call]


def gzip_from(file: BinaryIO, position: int) -> Callable[[int], bytes]:
    """What reads on from a position of what comes out, up to where an error is: `open_gzip` keeps back what
    it has before that."""
    file.seek(0)
    stream = gzip.GzipFile(fileobj=file)
    while position > 0:
        position -= len(stream.read1(min(position, _PIECE)))
    return stream.read1


def inflate(data: bytes, size: int) -> tuple[bytes, bool, int]:
    """What a raw deflate stream holds, ``size`` bytes of it at most; whether it has its end; their CRC-32.

    Raises `ValueError` where it is damaged.
    """
    module: Any
    try:
        from isal import isal_zlib as module
    except ImportError:
        module = zlib
    inflater = module.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated: bytes = inflater.decompress(data, size)
    except module.error as error:
        raise ValueError(str(error)) from error
    return inflated, inflater.eof, module.crc32(inflated)
