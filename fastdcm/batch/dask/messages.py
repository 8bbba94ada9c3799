"""What goes to a Dask worker, and what comes back.

All of it goes pickled by us, as bytes: Dask looks into what it is given for tasks, and copies it; bytes it
leaves alone. Both ends are started by the same user with the same version of this program.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fastdcm.batch.executor import Work
from fastdcm.batch.feed import Entry

#: Dask's events by which a run learns that a chunk was begun: [run, number of the chunk,
#: address of the Dask worker].
BEGUN = "fastdcm-begun"


class Setup(NamedTuple):
    """What a Dask worker must know of a run, once: the version of this program, in which folder it was
    started, and what is to be done."""

    version: str
    folder: str
    work: Work


class Chunk(NamedTuple):
    """Items to be done, each with whether it was begun before; so many more are ``to_come`` to each
    worker."""

    number: int
    entries: list[Entry]
    to_come: int


class Done(NamedTuple):
    """What came of a chunk: results, items that take the place of some of its own, the ``seconds`` that its
    items took, and those that a process ``waited`` for it."""

    results: list[Any]
    parts: list[Any]
    seconds: float
    waited: float
