"""Whose the outputs are that a run before has left: what one that goes on from it may replace."""

from __future__ import annotations

import json
import os
from array import array
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.errors import CollisionError, OptionError
from fastdcm.manifest.reading import hash_of, rows_of
from fastdcm.manifest.rows import output_name

#: Clocks of a machine and of a disk or a store may be so far apart.
_SECONDS_APART = 5.0
#: Rows that are sent to each worker; more are in a file that all of them read.
_MANY = 65_536


class Owners(NamedTuple):
    """The outputs of a manifest in ``folder``, whose run began at ``since`` (seconds since 1970).

    ``told`` are (2, n) uint64, numbers that stand for outputs, in order, and for the sources they are of;
    or the path of a file of these.
    """

    folder: str
    since: float
    told: NDArray[np.uint64] | str

    def elsewhere(self) -> Owners:
        """The same for processes that do not see this machine's files."""
        return self._replace(told=np.array(self._all()))

    def may_replace(self, source: str, path: str, modified: float) -> bool:
        """Whether an image of a source may replace what is at its path since then: what the run has left.

        That is what the manifest tells of the same source, and what it does not tell of, if it came after
        the run had begun: a run that is cut off has not told of its last images. Raises `CollisionError`
        where it tells of another source.
        """
        outputs, sources = self._all()
        number = np.uint64(hash_of(output_name(path, self.folder)))
        first, end = np.searchsorted(outputs, number, "left"), np.searchsorted(outputs, number, "right")
        if first == end:
            return modified >= self.since
        if not (sources[first:end] == np.uint64(hash_of(source))).all():
            raise CollisionError(
                f"its image would be {path}, which another input has, in the run that this one goes on from; "
                "--name with {name}, {path}, {sop_instance_uid} or {frame} tells them apart"
            )
        return True

    def _all(self) -> NDArray[np.uint64]:
        return _loaded(self.told) if isinstance(self.told, str) else self.told


@lru_cache(maxsize=1)
def _loaded(path: str) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = np.load(path, mmap_mode="r")
    return found


def owners_of(path: str, room: str) -> Owners:
    """Those of a manifest; ``room`` is a folder for a file. Raises `OptionError` where it is no manifest."""
    outputs, sources = array("Q"), array("Q")
    for _, row in rows_of(path):
        if row.get("status") == "written":
            outputs.append(hash_of(row["output"]))
            sources.append(hash_of(row["source"]))
    told = np.array((outputs, sources), np.uint64)
    told = told[:, np.argsort(told[0], kind="stable")]
    folder = os.path.dirname(os.path.abspath(path))
    if told.shape[1] <= _MANY:
        return Owners(folder, _begun(path), told)
    file = os.path.join(room, "owners.npy")
    np.save(file, told)
    return Owners(folder, _begun(path), file)


def _begun(path: str) -> float:
    """When the first run of a manifest began, of those that it is joined of. Raises `OptionError`."""
    begun = float("inf")
    with open(path, "rb") as file:
        for line in file:
            if line.startswith(b'{"run":') and line.endswith(b"\n"):
                try:
                    head: dict[str, Any] = json.loads(line)
                    begun = min(begun, datetime.fromisoformat(head["run"]).timestamp())
                except (ValueError, TypeError) as error:
                    raise OptionError(f"{path}: no line of a run: {line[:40]!r}") from error
    return begun - _SECONDS_APART
