"""The sources that a list names, as tasks, one after another; nothing of it is held but names of one folder.

Below a folder for the images each file keeps its path as it is listed, as `tar` and ``rsync -R`` have it: its
place does not depend on the others of the list, nor on what they have in common.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fastdcm.batch.discovery import Task, failed, found_in, why_no_file
from fastdcm.batch.flat import Taken
from fastdcm.batch.lists import NameList
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import Tree, beside, tree_kind, tree_target
from fastdcm.errors import FastdcmError, SourceError, UnsupportedError
from fastdcm.options import Format
from fastdcm.sources import kind_of
from fastdcm.sources.addresses import as_path, is_remote, parse, shown
from fastdcm.sources.names import is_packed, last_name, parts_below, split_member, without_archive_end

if TYPE_CHECKING:
    from fastdcm.batch.unpacked import Unpacking


def listed(
    names: NameList, outputs: list[str], format: Format, unpacking: Unpacking | None
) -> Iterator[Task | Outcome]:
    """Tasks of what a list names, in its order; ``outputs`` are folders that are no inputs."""
    stems = _Stems()
    try:
        for name in names.names():
            try:
                yield from _one(name, names.folder, outputs, format, stems, unpacking)
            except FastdcmError as error:
                yield failed(name, error)
    except SourceError as error:
        yield failed(names.title, error)


def _one(
    name: str,
    folder: str | None,
    outputs: list[str],
    format: Format,
    stems: _Stems,
    unpacking: Unpacking | None,
) -> Iterator[Task | Outcome]:
    name = as_path(name)
    kind = kind_of(name)
    may_hold_many = kind == "file" or (is_remote(name) and parse(name).is_prefix)
    if may_hold_many and (holds := tree_kind(name)) is not None:
        if folder is None and holds == "prefix":
            target = beside(name)
        elif folder is None:
            target = tree_target(name, holds, format)
        else:
            *above, last = parts_below(name)
            below = without_archive_end(last) if holds == "archive" else last
            parts = above if holds == "directory" else [*above, below]
            target = os.path.join(folder, *parts)
        yield from found_in(Tree(name, target, holds), [*outputs, target], unpacking)
        return
    if kind == "member" and (member := split_member(name)) is not None and is_packed(member[0]):
        raise UnsupportedError(
            f"each member of a packed archive takes all that is before it: name {member[0]} in the list, or "
            "unpack it"
        )
    if (why := why_no_file(name)) is not None:
        raise SourceError(why)
    *above, last = parts_below(name)
    target = beside(name) if folder is None else os.path.join(folder, *above)
    stem = stems.of(name, target, last)
    if stem is None:
        yield Outcome(shown(name), skipped="named before in the list", is_told=True)  # by the first
        return
    below = "/".join([*above, last])
    if not name.replace(os.sep, "/").endswith(below):
        below = last_name(name)  # there are dots in its path
    yield Task(name, target, stem, explicit=True, root=name[: len(name) - len(below)], base=folder)


class _Stems:
    """Gives stems to the files of one folder after another; of names that come again later, sinks tell."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._taken, self._seen = Taken(), set[str]()

    def of(self, source: str, folder: str, name: str) -> str | None:
        """The stem of a file's outputs; None where the source was given one in this folder."""
        if folder != self._folder:
            self._folder, self._taken, self._seen = folder, Taken(), set()
        if source in self._seen:
            return None
        self._seen.add(source)
        return self._taken.stem_of(name)
