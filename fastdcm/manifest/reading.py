"""Rows of a manifest, read again: all of them in turn, or the last one of each frame."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import OptionError
from fastdcm.options.manifest import ManifestOptions

Row = dict[str, Any]
#: Statuses of rows whose image is there.
THERE = ("written", "existing")
#: How the line of a run begins, and every line, as `fastdcm.manifest.journal` writes them.
_HEAD = b'{"run":'
_BEGINNING = b'{"'
_NUMBER = (int, float)
#: What a row of a status has at least.
_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "written": {"source": str, "frame": int, "output": str, "bytes": int, "finished": _NUMBER},
    "existing": {"source": str, "frame": int, "output": str},
    "failed": {"source": str},
    "skipped": {"source": str},
}


def rows_of(path: str) -> Iterator[tuple[int, Row]]:
    """Each row, with the place where its line begins; lines of runs are left out, and torn ones: the last
    one, and, where manifests were joined, the one in front of the line of a run.

    Of a manifest in Parquet these are those of the lines beside it. Raises `OptionError` where it is none.
    """
    journal = journal_of(path)
    try:
        with open(journal, "rb") as file:
            offset = torn = 0
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                row = _object(line)
                if row is None and (at := line.rfind(_HEAD)) > 0:
                    row = _object(line[at:])  # what is in front of it was torn, and has no end of its own
                is_head = row is not None and "made_of" in row
                if (torn and not is_head) or (row is None and not line.startswith(_BEGINNING)):
                    raise OptionError(f"{journal}, line {torn or number}: no row of a manifest")
                torn = 0 if row is not None else number
                if row is not None and not is_head:
                    _check(journal, number, row)
                    yield offset, row
                offset += len(line)
            if torn:
                raise OptionError(f"{journal}, line {torn}: no row of a manifest")
    except OSError as error:
        of = "" if journal == path else f", of which {path} is made"
        raise OptionError(f"cannot read {journal}{of}: {error.strerror or error}") from error


def journal_of(path: str) -> str:
    """Where the lines of a manifest are."""
    return ManifestOptions(path).journal if path.endswith(".parquet") else path


def _object(line: bytes) -> Row | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _check(path: str, number: int, row: Row) -> None:
    """Raises `OptionError` where a row lacks what all of its status have."""
    if number == 1:
        raise OptionError(f"{path} is no manifest of fastdcm")
    status = row.get("status")
    needed = _NEEDED.get(status) if isinstance(status, str) else None
    if needed is None:
        raise OptionError(f"{path}, line {number}: no row of a manifest: its status is {status!r}")
    for name, kind in needed.items():
        if not isinstance(row.get(name), kind):
            what = "nothing" if row.get(name) is None else f"{row[name]!r:.40}"
            raise OptionError(f"{path}, line {number}: no row of a manifest: its {name} is {what}")


def latest(path: str) -> Iterator[Row]:
    """The last row of each frame, in the order of the lines.

    A row of a whole file counts where no later one tells of it; of a source that has changed in the meantime
    those count that are of what it was last. Takes a byte a row in memory, and 66 while they are compared.
    """
    frames, sources, versions, wholes = array("Q"), array("Q"), array("I"), bytearray()
    for _, row in rows_of(path):
        source = hash_of(row["source"])
        sources.append(source)
        wholes.append(row.get("frame") is None)
        frames.append(hash((source, row.get("frame"))) & 0xFFFFFFFFFFFFFFFF)
        versions.append(_version(row))
    last = _is_last(np.asarray(frames, np.uint64))
    del frames
    last &= (np.frombuffer(bytes(wholes), np.uint8) == 0) | _is_last(np.asarray(sources, np.uint64))
    last &= _is_current(np.asarray(sources, np.uint64), np.asarray(versions, np.uint32))
    del sources, versions, wholes
    for counts, (_, row) in zip(last, rows_of(path), strict=False):
        if counts:
            yield row


def _version(row: Row) -> int:
    """A number of 32 bits for what the source of a row was, by its size and time; 0 where nobody knows."""
    stamp = row.get("source_bytes"), row.get("source_modified")
    return 0 if stamp == (None, None) else hash(repr(stamp)) & 0xFFFFFFFF | 1


def _is_last(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which keys do not come again."""
    last = np.zeros(len(keys), bool)
    if len(keys):
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        last[order[np.append(ordered[1:] != ordered[:-1], True)]] = True
    return last


def _is_current(sources: NDArray[np.uint64], versions: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which rows are of the version that the last row of their source tells, or tell none."""
    current = np.ones(len(sources), bool)
    if len(sources):
        order = np.argsort(sources, kind="stable")
        ordered, told = sources[order], versions[order]
        begins = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        del ordered
        # The place of the last row of each source that tells a version; -1 where none does.
        lasts = np.maximum.reduceat(np.where(told != 0, np.arange(len(told)), -1), begins)
        now = np.where(lasts < 0, 0, told[lasts]).astype(np.uint32)
        current[order] = (told == 0) | (told == np.repeat(now, np.diff(begins, append=len(told))))
    return current


def hash_of(source: str) -> int:
    """A number of 64 bits that stands for a path."""
    return int.from_bytes(blake2b(source.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
