"""The files of a DICOMDIR as tasks: like those of its folder, but for what it does not name."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fastdcm.batch.discovery import Task, failed
from fastdcm.batch.naming import name_listing, sort_key
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Tree
from fastdcm.errors import SourceError
from fastdcm.options import Limits
from fastdcm.sources.dicomdir import Medium, file_ids


def files_of(tree: Tree) -> Iterator[Task | Outcome]:
    """Tasks in the order in which the folder is walked; files that are not there are failures."""
    base = os.path.dirname(tree.source)
    root = os.path.join(base, "")
    medium = Medium(base)
    folders: dict[tuple[str, ...], dict[str, str]] = {}
    try:
        for file_id in file_ids(tree.source, Limits()):
            try:
                path = medium.find(file_id)
            except SourceError as error:
                yield failed(os.path.join(base, *file_id), error)
                continue
            *above, name = path[len(root) :].split(os.sep)
            folders.setdefault(tuple(above), {})[name] = path
    except SourceError as error:
        yield failed(tree.source, error)
    for place in sorted(folders, key=lambda parts: [sort_key(part) for part in parts]):
        listed = folders.pop(place)
        target = os.path.join(tree.folder, *place)
        for name, stem in name_listing(listed):
            yield Task(listed[name], target, stem, root=root, base=tree.folder)
