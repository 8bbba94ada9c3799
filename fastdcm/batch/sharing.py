"""A share of the inputs, for array jobs: several runs, each with its part, that do not know of each other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b

from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome
from fastdcm.options.part import Part


def shared(
    items: Iterable[Task | Outcome], part: Part, release: Callable[[str, int], None] | None
) -> Iterator[Task | Outcome]:
    """The inputs of a part, and what there is to tell of others of it; ``release`` is told of all others.

    By a digest of their paths below what was named, not by their number: runs begin at different times, and
    one more file would give each that comes after it to another part. All parts together are the whole.
    """
    for item in items:
        path = item.below if isinstance(item, Task) else item.path
        if belongs(path, part):
            yield item
        elif release is not None and isinstance(item, Task):
            release(item.source, 1)


def belongs(path: str, part: Part) -> bool:
    """Whether an input with this path below what was named is of a part."""
    return part_of(path.replace(os.sep, "/"), part.count) == part.number


def part_of(path: str, count: int) -> int:
    """Which part, from 1, an input with this path belongs to."""
    digest = blake2b(path.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count + 1
