"""What a run before has done, by its manifest: found again input by input, 16 bytes a row in memory."""

from __future__ import annotations

import json
import os
from typing import NamedTuple

import numpy as np

from fastdcm.errors import SourceError
from fastdcm.manifest.reading import THERE, Row, hash_of, rows_of
from fastdcm.manifest.rows import stat_of
from fastdcm.sources import absolute
from fastdcm.sources.addresses import is_remote, shown
from fastdcm.sources.listing import sizes_in
from fastdcm.sources.reading import size_of

#: Errors of the disk or the network, which another run may not meet: a full disk, a source out of reach.
_PASSING = ("OutputError", "TargetError", "SourceError")
#: Outputs below one address that are listed rather than asked for one by one.
_MANY = 100_000


class Before(NamedTuple):
    """What is done of an input: which ``frames`` have their images, and whether nothing is ``left`` to do.

    ``failed`` tells that it failed, or some of its frames did; ``skipped`` is why it is no image.
    """

    frames: frozenset[int] = frozenset()
    left: bool = True
    failed: bool = False
    skipped: str | None = None


class Done:
    """The rows of a manifest, which may be larger than memory. Raises `OptionError` where it is none."""

    def __init__(self, path: str, *, retry_failed: bool) -> None:
        self._path, self._retry_failed = path, retry_failed
        self._folder = os.path.dirname(os.path.abspath(path))
        keys, offsets = [], []
        for offset, row in rows_of(path):
            keys.append(hash_of(row["source"]))
            offsets.append(offset)
        order = np.argsort(np.array(keys, np.uint64), kind="stable")
        self._keys = np.array(keys, np.uint64)[order]
        self._offsets = np.array(offsets, np.int64)[order]
        #: The address that was listed last, and what is there; None where that is too much.
        self._listed = ""
        self._sizes: dict[str, int] | None = None
        self._file = open(path, "rb")  # noqa: SIM115  # as long as the run asks

    def close(self) -> None:
        """Nothing more will be asked."""
        self._file.close()

    def before(self, source: str) -> Before:
        """What is done of an input, and still true: the source has not changed, and the outputs are there."""
        rows = self._rows(shown(absolute(source)))
        if not rows:
            return Before()
        whole = rows.pop(None, None)
        now = stat_of(source)
        known = [row for row in (whole, *rows.values()) if row is not None]
        if not now or any(row.get(name) != value for row in known for name, value in now.items()):
            return Before()
        if whole is not None:
            if whole["status"] == "skipped":
                return Before(left=False, skipped=str(whole.get("message")))
            failed_for_good = self._has_failed(whole)
            return Before(left=not failed_for_good, failed=failed_for_good)
        failed = [number for number, row in rows.items() if self._has_failed(row)]
        there = frozenset(
            number for number, row in rows.items() if number is not None and self._is_there(row)
        )
        expected = max((int(row.get("frames", 0)) for row in rows.values()), default=0)
        return Before(there, len(there) + len(failed) < max(expected, 1), bool(failed))

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
            if row.get("frame") is None:
                rows.clear()
            else:
                rows.pop(None, None)
            rows[row.get("frame")] = row
        return rows

    def _has_failed(self, row: Row) -> bool:
        """Whether a row is of something that failed and would fail again."""
        return row["status"] == "failed" and not self._retry_failed and row.get("error") not in _PASSING

    def _is_there(self, row: Row) -> bool:
        """Whether the image of a row is there, of the size that it had."""
        if row["status"] not in THERE:
            return False
        try:
            size = self._size(row["output"])
        except (OSError, SourceError):
            return False
        return bool(size == row["bytes"])

    def _size(self, output: str) -> int | None:
        """Bytes of an output, None where it is not there. Raises `OSError`, `SourceError`."""
        if not is_remote(output):
            return os.lstat(os.path.join(self._folder, output)).st_size
        above, _, name = output.rpartition("/")
        if above != self._listed:
            self._sizes, self._listed = sizes_in(above, _MANY), above
        return size_of(output) if self._sizes is None else self._sizes.get(name)
