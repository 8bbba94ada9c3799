"""The files of the sources, one after another; no list of a whole tree is ever made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from fastdcm.batch.naming import name_listing, sort_key, strip_extension
from fastdcm.batch.report import Failure, Outcome
from fastdcm.batch.targets import Targets, Tree
from fastdcm.errors import FastdcmError, OutputError, SourceError, UnsupportedError
from fastdcm.sources import Place, kind_of
from fastdcm.sources.addresses import is_remote, shown, unsupported_scheme
from fastdcm.sources.names import UNREAD_ARCHIVE, is_packed, is_unread_archive, last_name

if TYPE_CHECKING:
    from fastdcm.batch.unpacked import Unpacking

#: Temporary files of this program; never an input.
TEMPORARY = ".fastdcm-"


class Task(NamedTuple):
    """One input: its images go into ``folder`` under names that begin with ``stem``.

    ``explicit`` tells that the user named the file; ``exact`` is the one output that was named.
    ``part`` of ``parts`` is the share of the frames; 0 of 1 is all of them. ``root`` is what `below` leaves
    out of the source's path; ``twin`` counts inputs that a template gives the same name. ``number`` is its
    place among all inputs, where that matters; ``done`` are frames that a run before has made. ``base`` is
    the folder that the images of its tree go to, or below; ``place`` is where its bytes lie, where that is
    known.
    """

    source: str
    folder: str
    stem: str
    explicit: bool = False
    exact: str | None = None
    part: int = 0
    parts: int = 1
    root: str = ""
    twin: int = 1
    number: int = -1
    done: frozenset[int] = frozenset()
    base: str | None = None
    place: Place | None = None

    @property
    def below(self) -> str:
        """The source's path below the folder that was named, or below that of all files that were."""
        below = self.source[len(self.root) :]
        return below.partition("?")[0] if "?" in below and is_remote(self.source) else below


def discover(
    targets: Targets, *, flat: bool = False, by_template: bool = False, unpacking: Unpacking | None = None
) -> Iterator[Task | Outcome]:
    """Tasks in sorted order, those of lists in theirs, and outcomes of what cannot become one.

    With ``flat`` the images of a tree share its folder, and so all of the tree is listed first. Where a
    template makes the names, ``by_template``, files of one name are no obstacle. Packed archives need
    ``unpacking``.
    """
    yield from _explicit(targets, by_template)
    outputs = [*targets.outputs, *(tree.folder for tree in targets.trees)]
    for tree in targets.trees:
        found = found_in(tree, outputs, unpacking)
        yield from _flattened(tree.folder, found) if flat else found
    for names in targets.lists:
        from fastdcm.batch.listed import listed  # few runs have them

        found = listed(names, outputs, targets.format, unpacking)
        yield from _flattened(names.folder or "", found) if flat else found


def found_in(tree: Tree, outputs: Iterable[str], unpacking: Unpacking | None) -> Iterator[Task | Outcome]:
    """The inputs in a tree; ``outputs`` are folders that are none."""
    if tree.kind == "folder":
        return _walk(tree, outputs)
    # Few runs have others.
    if tree.kind == "prefix":
        from fastdcm.batch.objects import objects_of

        return objects_of(tree, outputs)
    if tree.kind == "directory":
        from fastdcm.batch.directories import files_of

        return files_of(tree)
    if is_packed(tree.source):
        if unpacking is None:
            error = UnsupportedError(
                "a packed archive is read once, by one machine: leave --flat and --dask out, or unpack it"
            )
            return iter([failed(tree.source, error)])
        return unpacking.members_of(tree)
    from fastdcm.batch.archives import members_of

    return members_of(tree)


def _explicit(targets: Targets, by_template: bool) -> Iterator[Task | Outcome]:
    root = _common_root([source for source, _ in targets.files])
    by_folder: dict[str, list[str]] = {}
    for source, folder in targets.files:
        by_folder.setdefault(folder, []).append(source)
    for folder, sources in by_folder.items():
        yield from _explicit_in(folder, sources, targets, root, by_template)


def _common_root(sources: list[str]) -> str:
    """The folders that the paths of files have in common, with the separator at the end."""
    heads = [
        source.partition("?")[0].rpartition("/")[0] + "/"
        if is_remote(source)
        else source[: len(source) - len(last_name(source))]
        for source in sources
    ]
    common = os.path.commonprefix(heads)  # noqa: RUF071  # cut back to a whole folder below
    return common[: max(common.rfind(separator) for separator in (os.sep, "/")) + 1]


def _explicit_in(
    folder: str, sources: list[str], targets: Targets, root: str, by_template: bool
) -> Iterator[Task | Outcome]:
    """Files that were named and whose images share a folder: one listing."""
    paths: dict[str, list[str]] = {}
    for source in sources:
        paths.setdefault(last_name(source), []).append(source)
    names = [name for name, equal in paths.items() for _ in equal]
    shared = {name for name, equal in paths.items() if len(equal) > 1} if by_template else set[str]()
    owners: dict[str, str] = {}
    for name, listed in name_listing(names):
        source = paths[name].pop(0)
        stem = strip_extension(name) if name in shared else listed
        place = targets.places.get(source)
        if place is None and (why := why_no_file(source)) is not None:
            yield failed(source, SourceError(why))
        elif stem in owners and name not in shared:
            message = (
                f"its image would have the name of that of {shown(owners[stem])}; convert them one by one"
            )
            yield failed(source, OutputError(message))
        else:
            owners[stem] = source
            yield Task(source, folder, stem, explicit=True, exact=targets.exact, root=root, place=place)


def failed(path: str, error: FastdcmError) -> Outcome:
    """The outcome of a file that failed as a whole."""
    path = shown(path)
    return Outcome(path, failures=[Failure(path, error.frame, error.at(path=path))])


def why_no_file(path: str) -> str | None:
    """Why a source that was named is none, in words; None for a file, and for what only opening tells."""
    if kind_of(path) != "file":
        return None
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return unsupported_scheme(path) or "no such file or folder"
    except (OSError, ValueError) as error:
        return f"cannot be opened: {getattr(error, 'strerror', None) or error}"
    if not stat.S_ISREG(mode):
        return "neither a file nor a folder"
    return UNREAD_ARCHIVE if is_unread_archive(path) else None


class _Folder(NamedTuple):
    path: str
    target: str
    #: (device, inode) of the folder and of those above it: a link to one of them is a loop.
    chain: frozenset[tuple[int, int]]


def _walk(tree: Tree, outputs: Iterable[str]) -> Iterator[Task | Outcome]:
    root = os.path.join(tree.source, "")
    waiting = [_Folder(tree.source, tree.folder, _chain(tree.source, frozenset()))]
    while waiting:
        folder = waiting.pop()
        try:
            files, others, folders = _listing(folder.path)
        except OSError as error:
            yield failed(folder.path, SourceError(f"cannot be listed: {error.strerror or error}"))
            continue
        for name in others:
            yield Outcome(os.path.join(folder.path, name), skipped="neither a file nor a folder")
        before = os.path.join(folder.path, "")
        for name, stem in name_listing(files):
            yield Task(before + name, folder.target, stem, root=root, base=tree.folder)
        excluded = {found for output in outputs if (found := _identity(output)) is not None}
        for name in sorted(folders, key=sort_key, reverse=True):
            path = os.path.join(folder.path, name)
            found = _identity(path)
            if found is not None and found not in excluded and found not in folder.chain:
                waiting.append(_Folder(path, os.path.join(folder.target, name), folder.chain | {found}))


def _flattened(folder: str, found: Iterable[Task | Outcome]) -> Iterator[Task | Outcome]:
    from fastdcm.batch.flat import name_tree  # few trees are flattened

    tasks: list[Task] = []
    for item in found:
        if isinstance(item, Task):
            tasks.append(item)
        else:
            yield item
    for task, stem in zip(tasks, name_tree([task.below for task in tasks]), strict=True):
        yield task._replace(folder=folder, stem=stem)


def _listing(path: str) -> tuple[list[str], list[str], list[str]]:
    """Names of files, of what is neither, and of folders; links are followed."""
    files, others, folders = [], [], []
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY):
                continue
            if entry.is_file():
                files.append(entry.name)
            elif entry.is_dir():
                folders.append(entry.name)
            else:
                others.append(entry.name)
    return files, others, folders


def _chain(path: str, above: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    found = _identity(path)
    return above if found is None else above | {found}


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
