"""What a run before has done, by its manifest: found again input by input.

Takes 16 bytes a row in memory, and 32 while they are read.
"""

from __future__ import annotations

import json
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fastdcm.errors import SourceError
from fastdcm.manifest.reading import THERE, Row, hash_of, rows_of
from fastdcm.manifest.rows import as_line, output_path, sidecar_of, stat_of
from fastdcm.options import Existing
from fastdcm.options.manifest import ManifestOptions
from fastdcm.sources import absolute, known_stamp_of
from fastdcm.sources.addresses import is_remote, shown
from fastdcm.sources.listing import Folders
from fastdcm.sources.reading import sha256_of, size_of

T = TypeVar("T")

#: Errors that another run may not meet: a full disk, a source out of reach, an output of a run at the same
#: time. Where it is of another input of this manifest, `fastdcm.manifest.owners` says so again.
_PASSING = ("OutputError", "TargetError", "CollisionError", "SourceError", "AbsentError", "ChangedError")
#: Outputs below one address that are listed rather than asked for one by one.
_MANY = 100_000
#: Inputs that wait for what is asked of one in front of them.
_WAITING = 256


class Before(NamedTuple):
    """What is done of an input: which ``frames`` need nothing, and whether nothing is ``left`` to do.

    Of the frames so many have ``kept`` images; those of others are left ``alone``, as they were before: so
    many outputs. ``failed`` tells that the input failed, or some of its frames did; ``skipped`` is why it is
    no image. ``lines`` are rows of images that have a checksum now.
    """

    frames: frozenset[int] = frozenset()
    left: bool = True
    kept: int = 0
    alone: int = 0
    failed: bool = False
    skipped: str | None = None
    lines: tuple[bytes, ...] = ()


class Done:
    """The rows of a manifest, which may be larger than memory. Raises `OptionError` where it is none.

    ``existing`` says what becomes of outputs that were there before its runs.
    """

    def __init__(self, options: ManifestOptions, existing: Existing) -> None:
        self._options, self._existing = options, existing
        self._folder = os.path.dirname(os.path.abspath(options.journal))
        keys, offsets = array("Q"), array("q")
        for offset, row in rows_of(options.journal):
            keys.append(hash_of(row["source"]))
            offsets.append(offset)
        order = np.argsort(np.asarray(keys, np.uint64), kind="stable")
        self._keys = np.asarray(keys, np.uint64)[order]
        del keys
        self._offsets = np.asarray(offsets, np.int64)[order]
        self._folders = Folders(_MANY)
        self._digested = "", ""
        #: What remote inputs are now, on its way.
        self._coming: dict[str, Future[dict[str, Any]]] = {}
        self._file = open(options.journal, "rb")  # noqa: SIM115  # as long as the run asks

    def close(self) -> None:
        """Nothing more will be asked."""
        self._file.close()

    def ahead(self, items: Iterable[T], source_of: Callable[[T], str | None]) -> Iterator[T]:
        """The same inputs in their order; what remote ones are now is asked for of some at once."""
        waiting: deque[T] = deque()
        for item in items:
            waiting.append(item)
            source = source_of(item)
            if source is not None and self._asks(source):
                from fastdcm.sources.stores import in_background

                self._coming[source] = in_background(stat_of, source)
            while waiting and (source_of(waiting[0]) not in self._coming or self._is_enough(len(waiting))):
                yield waiting.popleft()
        yield from waiting

    def _asks(self, source: str) -> bool:
        """Whether a server will be asked what a source is now."""
        if not is_remote(source) or known_stamp_of(source) is not None:
            return False
        return bool(len(self._rows(shown(absolute(source)))))

    def _is_enough(self, waiting: int) -> bool:
        from fastdcm.sources.stores import MOST_REQUESTS

        return waiting >= _WAITING or len(self._coming) >= MOST_REQUESTS

    def before(self, source: str) -> Before:
        """What is done of an input, and still true: the source has not changed, and the outputs are there."""
        rows = self._rows(shown(absolute(source)))
        if not rows:
            return Before()
        coming = self._coming.pop(source, None)
        now = stat_of(source) if coming is None else coming.result()
        if not now:
            return Before()
        current = {frame: row for frame, row in rows.items() if _is_of(row, now)}
        whole = current.pop(None, None)
        if whole is not None and whole["status"] == "skipped":
            return Before(left=False, skipped=str(whole.get("message")))
        there = {frame: row for frame, row in current.items() if frame is not None and self._is_there(row)}
        alone = {row["output"] for row in there.values() if self._is_of_others(row)}
        failed = sum(map(self._has_failed, current.values()))
        fails = whole is not None and self._has_failed(whole)
        expected = max((int(row.get("frames", 0)) for row in current.values()), default=0)
        return Before(
            frames=frozenset(there),
            left=not fails and len(there) + failed < max(expected, 1),
            kept=sum(row["output"] not in alone for row in there.values()),
            alone=len(alone),
            failed=fails or failed > 0,
            lines=tuple(self._summed(there.values())) if self._options.checksum else (),
        )

    def _rows(self, source: str) -> dict[int | None, Row]:
        """The last row of each frame of a source; under None that of the whole, if it is later."""
        key = np.uint64(hash_of(source))
        begin, end = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        rows: dict[int | None, Row] = {}
        for offset in self._offsets[begin:end]:
            self._file.seek(int(offset))
            row = json.loads(self._file.readline())
            if row["source"] != source:
                continue
            if row.get("frame") is not None:
                rows.pop(None, None)
            rows[row.get("frame")] = row
        return rows

    def _has_failed(self, row: Row) -> bool:
        """Whether a row is of something that failed and would fail again."""
        return (
            row["status"] == "failed" and not self._options.retry_failed and row.get("error") not in _PASSING
        )

    def _is_of_others(self, row: Row) -> bool:
        """Whether the image of a row was there before its run, which was to be told of it."""
        return row["status"] == "existing" and self._existing == "keep"

    def _is_there(self, row: Row) -> bool:
        """Whether the image of a row needs nothing: it is there, as it was, with the JSON beside it."""
        if row["status"] not in THERE or (row["status"] == "existing" and self._existing == "overwrite"):
            return False
        output = row["output"]
        try:
            size = self._size(output)
            if size is None or self._is_of_others(row):
                return size is not None
            if size != row.get("bytes") or (row.get("sidecar") and self._size(sidecar_of(output)) is None):
                return False
            digest = row.get("sha256") if self._options.checksum else None
            return digest is None or self._digest(output) == digest
        except (OSError, SourceError):
            return False

    def _summed(self, rows: Iterable[Row]) -> Iterator[bytes]:
        """Rows anew of images that have no checksum, with one."""
        for row in rows:
            if "sha256" in row or self._is_of_others(row):
                continue
            try:
                digest = self._digest(row["output"])
            except (OSError, SourceError):
                continue  # it was there a moment ago; `fastdcm verify` tells what became of it
            yield as_line({**row, "sha256": digest})

    def _digest(self, output: str) -> str:
        """The SHA-256 of an output. Raises `OSError`, `SourceError`."""
        if output != self._digested[0]:  # the frames of a movie have one
            self._digested = output, sha256_of(output_path(output, self._folder))
        return self._digested[1]

    def _size(self, output: str) -> int | None:
        """Bytes of an output, None where it is not there. Raises `OSError`, `SourceError`."""
        if not is_remote(output):
            return os.lstat(os.path.join(self._folder, output)).st_size
        above, _, name = output.rpartition("/")
        sizes = self._folders.sizes_in(above)
        return size_of(output) if sizes is None else sizes.get(name)


def _is_of(row: Row, now: dict[str, Any]) -> bool:
    """Whether a row is of a source as it is now; one that failed before anybody knew may be."""
    if row["status"] == "failed" and "source_bytes" not in row:
        return True
    return all(row.get(name) == value for name, value in now.items())
