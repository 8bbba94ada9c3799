"""Rows of a manifest, read again: all of them in turn, or the last one of each frame."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import OptionError

Row = dict[str, Any]
#: Statuses of rows whose image is there.
THERE = ("written", "existing")


def rows_of(path: str) -> Iterator[tuple[int, Row]]:
    """Each row, with the place where its line begins; lines of runs are left out, and a torn last one.

    Raises `OptionError` where it is no manifest.
    """
    try:
        with open(path, "rb") as file:
            offset = 0
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    return
                row = _parsed(path, number, line)
                if "made_of" not in row:
                    if not number:
                        raise OptionError(f"{path} is no manifest of fastdcm")
                    yield offset, row
                offset += len(line)
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror or error}") from error


def _parsed(path: str, number: int, line: bytes) -> Row:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise OptionError(f"{path}, line {number + 1}: no row of a manifest")
    return row


def latest(path: str) -> Iterator[Row]:
    """The last row of each frame, in the order of the lines.

    A row of a whole file counts where no later one tells of it. Takes 24 bytes a row in memory.
    """
    frames, sources, wholes = [], [], []
    for _, row in rows_of(path):
        source = hash_of(row["source"])
        sources.append(source)
        wholes.append(row.get("frame") is None)
        frames.append(hash(f"{source} {row.get('frame')}") & 0xFFFFFFFFFFFFFFFF)
    last = _is_last(np.array(frames, np.uint64))
    last &= ~np.array(wholes, bool) | _is_last(np.array(sources, np.uint64))
    for counts, (_, row) in zip(last, rows_of(path), strict=False):
        if counts:
            yield row


def _is_last(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys do not come again."""
    last = np.zeros(len(keys), bool)
    if len(keys):
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        last[order[np.append(ordered[1:] != ordered[:-1], True)]] = True
    return last


def hash_of(source: str) -> int:
    """A number of 64 bits that stands for a path."""
    return int.from_bytes(
        blake2b(source.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "little"
    )
