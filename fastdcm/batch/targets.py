"""From what was asked for to where each source's images go."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.options import EXTENSIONS, FORMAT_NAMES, Format
from fastdcm.sources.names import archive_kind, without_archive_end

#: Formats of images and videos that people may ask for and that are not written.
_OTHER_IMAGES = {"avi", "exr", "heic", "heif", "jls", "jxr", "mkv", "mov", "pbm", "svg", "tga", "webm"}


#: What holds many inputs.
Kind = Literal["folder", "archive"]


class Tree(NamedTuple):
    """A folder that is walked, or what is looked through like one, and the folder that mirrors it."""

    source: str
    folder: str
    kind: Kind = "folder"


class Targets(NamedTuple):
    """Where everything goes: ``files`` are (source, folder) pairs, ``exact`` is the name of the only
    output, where it was named; ``outputs`` tells a user where the images are."""

    trees: tuple[Tree, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    exact: str | None = None
    outputs: tuple[str, ...] = ()


def tree_kind(source: str) -> Kind | None:
    """How a source holds many inputs; None for one that is a single input."""
    if os.path.isdir(source):
        return "folder"
    return "archive" if archive_kind(source) and os.path.isfile(source) else None


def is_image_name(path: str) -> bool:
    """Whether a path ends in the extension of a format that is written."""
    return _extension(path) in FORMAT_NAMES


def named_output(sources: Sequence[str], output: str | None) -> str | None:
    """``output`` where it names one file rather than a folder.

    That is: it ends in an image's extension, is no folder, and there is one source that is none.
    Raises `OptionError` for extensions of formats that are not written.
    """
    if output is None or len(sources) != 1 or os.path.isdir(output) or tree_kind(sources[0]) is not None:
        return None
    if _extension(output) in _OTHER_IMAGES:
        known = ", ".join(f".{name}" for name in FORMAT_NAMES)
        raise OptionError(f"{output}: .{_extension(output)} is not written; use one of {known}")
    return output if is_image_name(output) else None


def named_format(path: str) -> Format:
    """The format that the extension of a named output asks for."""
    return FORMAT_NAMES[_extension(path)]


def resolve(sources: Sequence[str], output: str | None, format: Format) -> Targets:
    """Where each source goes. Raises `OptionError` before anything is written."""
    if not sources:
        raise OptionError("nothing to convert: name at least one file or folder")
    exact = named_output(sources, output)
    if exact is not None:
        folder, name = os.path.split(exact)
        return Targets(files=((sources[0], folder),), exact=name, outputs=(exact,))
    if output is not None and os.path.lexists(output) and not os.path.isdir(output):
        raise OptionError(f"{output} is a file; name a folder for the images")
    only_one = len(sources) == 1
    trees = tuple(
        Tree(source, _tree_target(source, kind, output, only_one, format), kind)
        for source in sources
        if (kind := tree_kind(source)) is not None
    )
    _check_roots(trees)
    known = {tree.source for tree in trees}
    files = tuple(
        (source, os.path.dirname(source) if output is None else output)
        for source in sources
        if source not in known
    )
    targets = [output] if output is not None else [tree.folder for tree in trees]
    if output is None and files:
        targets += sorted({folder or "." for _, folder in files})
    return Targets(trees=trees, files=files, outputs=tuple(targets))


def _tree_target(source: str, kind: Kind, output: str | None, only_one: bool, format: Format) -> str:
    if output is not None and only_one:
        return output
    path = without_archive_end(source) if kind == "archive" else source.rstrip("/" + os.sep)
    if os.path.basename(path) in ("", ".", ".."):
        path = os.path.abspath(source)
    name = os.path.basename(path)
    if not name:
        raise OptionError(f"{source}: name a folder for the images with -o")
    if output is not None:
        return os.path.join(output, name)
    return path + EXTENSIONS[format].replace(".", "-")


def _check_roots(trees: tuple[Tree, ...]) -> None:
    taken: dict[str, str] = {}
    for tree in trees:
        root = os.path.realpath(tree.folder)
        if root == os.path.realpath(tree.source):
            raise OptionError(f"{tree.source} is the output folder as well; name another with -o")
        if (other := taken.get(root.casefold())) is not None:
            raise OptionError(
                f"the images of {other} and {tree.source} would both go to {tree.folder}; "
                "convert them one by one"
            )
        taken[root.casefold()] = tree.source


def _extension(path: str) -> str:
    return os.path.splitext(path)[1][1:].lower()
