"""The objects below an address as tasks: like the files of a folder, as they are listed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from fastdcm.batch.discovery import TEMPORARY, Task, failed
from fastdcm.batch.naming import name_listing, shorten
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Tree
from fastdcm.errors import FastdcmError
from fastdcm.sources.addresses import joined
from fastdcm.sources.listing import objects_below, prefix_of
from fastdcm.sources.names import parts_of
from fastdcm.sources.place import Place

#: Objects of a folder that are named together. A larger one is handed out in several lots, so that work
#: begins before all of it is listed; two of different lots that would share a name are an error of the later
#: one.
_TOGETHER = 5000
_LONGEST = 255


def objects_of(tree: Tree, outputs: Iterable[str]) -> Iterator[Task | Outcome]:
    """Tasks in the order of the listing, and what cannot be listed; ``outputs`` are passed over."""
    root = prefix_of(tree.source)
    passed = [below for output in outputs if (below := _below(root, output))]
    folder: list[str] = []
    waiting: dict[str, Place] = {}
    try:
        for key, place in objects_below(tree.source):
            if any(key.startswith(below) for below in passed):
                continue
            *above, name = parts_of(key)
            if name.startswith(TEMPORARY):
                continue
            if above != folder or len(waiting) >= _TOGETHER or name in waiting:
                yield from _named(tree, root, folder, waiting)
                folder, waiting = above, {}
            waiting[name] = place
    except FastdcmError as error:
        yield from _named(tree, root, folder, waiting)
        yield failed(tree.source, error)
        return
    yield from _named(tree, root, folder, waiting)


def _named(tree: Tree, root: str, folder: list[str], found: dict[str, Place]) -> Iterator[Task]:
    target = tree.folder
    for part in folder:
        target = os.path.join(target, part if len(os.fsencode(part)) <= _LONGEST else shorten(part))
    for name, stem in name_listing(found):
        place = found[name]
        yield Task(place.path, target, stem, root=root, base=tree.folder, place=place)


def _below(root: str, output: str) -> str:
    """Where an output lies below the root, with a slash; empty where it does not."""
    place = joined(output, "")
    return place[len(root) :] if place.startswith(root) else ""
