"""Names of the outputs of a whole tree that share one folder (``--flat``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import chain, count

from fastdcm.batch.naming import frame_base, name_listing, strip_extension


def name_tree(paths: Sequence[str]) -> list[str]:
    """The stem of the outputs of each file, given by its path below the root of the tree.

    The first file of a name gets what `name_listing` gives that name among all names of the tree. What has
    the same name, or would have the same output where case is ignored, gets its path with ``-`` for the
    separators. What comes out depends on the paths alone, and on their order.
    """
    first: dict[str, str] = {}
    for path in paths:
        first.setdefault(os.path.basename(path), path)
    stems: dict[str, str] = {}
    taken = Taken()
    for name, stem in name_listing(first):
        if taken.add(stem):
            stems[first[name]] = stem
    for path in paths:
        if path not in stems:
            stems[path] = taken.stem_of(path.replace(os.sep, "-"))
    return [stems[path] for path in paths]


def _candidates(name: str) -> Iterator[str]:
    return chain((strip_extension(name), name), (f"{name}-{number}" for number in count(2)))


class Taken:
    """Stems that are given away, without case; and those whose numbered frames they look like."""

    def __init__(self) -> None:
        self._stems: set[str] = set()
        self._bases: set[str] = set()

    def add(self, stem: str) -> bool:
        """Take a stem, unless another file has it."""
        folded = stem.casefold()
        if folded in self._stems:
            return False
        self._stems.add(folded)
        if base := frame_base(folded):
            self._bases.add(base)
        return True

    def stem_of(self, name: str) -> str:
        """A stem for a file of that name, which comes after those that have theirs."""
        return next(stem for stem in _candidates(name) if self.add_apart(stem))

    def add_apart(self, stem: str) -> bool:
        """`add`, unless a frame of one of the two would have the other's name."""
        folded = stem.casefold()
        return folded not in self._bases and frame_base(folded) not in self._stems and self.add(stem)
