"""From what was asked for to where each source's images go."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, NamedTuple

from fastdcm.batch.lists import NameList, is_list
from fastdcm.batch.naming import strip_extension
from fastdcm.errors import OptionError, SourceError
from fastdcm.options import EXTENSIONS, FORMAT_NAMES, Format
from fastdcm.sources import Place, kind_of
from fastdcm.sources.addresses import WEB, base_name, is_remote, joined, parse, shown
from fastdcm.sources.names import archive_kind, split_member, without_archive_end

#: Formats of images and videos that people may ask for and that are not written.
_OTHER_IMAGES = {"avi", "exr", "heic", "heif", "jls", "jxr", "mkv", "mov", "pbm", "svg", "tga", "webm"}


#: What holds many inputs.
Kind = Literal["folder", "archive", "directory", "prefix"]


class Tree(NamedTuple):
    """A folder that is walked, or what is looked through like one, and the folder that mirrors it."""

    source: str
    folder: str
    kind: Kind = "folder"


class Targets(NamedTuple):
    """Where everything goes: ``files`` are (source, folder) pairs, ``exact`` is the name of the only
    output, where it was named; ``outputs`` tells a user where the images are. ``lists`` name further
    sources; beside folders of these the images are in others, called after the ``format``. ``places``
    are where the bytes of files lie that are no files of their names.
    """

    trees: tuple[Tree, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    exact: str | None = None
    outputs: tuple[str, ...] = ()
    lists: tuple[NameList, ...] = ()
    format: Format = "jpeg"
    places: Mapping[str, Place] = MappingProxyType({})

    @property
    def is_one_file(self) -> bool:
        """Whether there is one input."""
        return len(self.files) == 1 and not self.trees and not self.lists


def tree_kind(source: str) -> Kind | None:
    """How a source holds many inputs; None for one that is a single input."""
    if "://" in source and is_remote(source):
        return _remote_kind(source)
    if os.path.isdir(source):
        return "folder"
    if os.path.basename(source).upper() == "DICOMDIR":
        return "directory" if os.path.isfile(source) else None
    return "archive" if archive_kind(source) and os.path.isfile(source) else None


def holds_many(source: str) -> bool:
    """Whether a source stands for many inputs, or may."""
    return is_list(source) or tree_kind(source) is not None


def _remote_kind(source: str) -> Kind | None:
    """Whether an address is a prefix: by itself, else because the store has no object of that name."""
    address = parse(source)
    if address.is_prefix:
        return "prefix"
    if archive_kind(address.key):
        raise OptionError(f"{shown(source)}: archives are read where they are files; copy it here first")
    if address.scheme in WEB or strip_extension(address.key) != address.key:
        return None
    from fastdcm.sources.listing import holds_objects
    from fastdcm.sources.objects import is_there

    try:
        return None if is_there(source) or not holds_objects(source) else "prefix"
    except SourceError:
        return None  # opening it tells why


def is_archive_target(output: str) -> bool:
    """Whether an output is an archive that is written, or would be if it could."""
    return archive_kind(output) != "" and not os.path.isdir(output)


def is_image_name(path: str) -> bool:
    """Whether a path ends in the extension of a format that is written."""
    return _extension(path) in FORMAT_NAMES


def named_output(sources: Sequence[str], output: str | None) -> str | None:
    """``output`` where it names one file rather than a folder.

    That is: it ends in an image's extension, is no folder, and there is one source that is none.
    Raises `OptionError` for extensions of formats that are not written.
    """
    if output is None or len(sources) != 1 or os.path.isdir(output) or holds_many(sources[0]):
        return None
    if _extension(output) in _OTHER_IMAGES:
        known = ", ".join(f".{name}" for name in FORMAT_NAMES)
        raise OptionError(f"{shown(output)}: .{_extension(output)} is not written; use one of {known}")
    return output if is_image_name(output) else None


def named_format(path: str) -> Format:
    """The format that the extension of a named output asks for."""
    return FORMAT_NAMES[_extension(path)]


def resolve(
    sources: Sequence[str], output: str | None, format: Format, *, in_archive: bool = False
) -> Targets:
    """Where each source goes; ``in_archive`` tells that ``output`` is an archive, which is like a folder.

    Raises `OptionError` before anything is written.
    """
    if not sources:
        raise OptionError("nothing to convert: name at least one file or folder")
    exact = named_output(sources, output)
    if output is None and any(map(is_remote, sources)):
        raise OptionError("nothing is written beside addresses: name a folder for the images with -o")
    if output is not None and is_remote(output) and parse(output).scheme in WEB:
        raise OptionError(
            f"{shown(output)}: images are not written by HTTP; use a folder, or s3://, gs://, az://"
        )
    if exact is not None:
        folder, name = os.path.split(exact)
        return Targets(files=((sources[0], folder),), exact=name, outputs=(exact,))
    if output is not None and not in_archive and os.path.lexists(output) and not os.path.isdir(output):
        raise OptionError(f"{shown(output)} is a file; name a folder for the images")
    only_one = len(sources) == 1
    lists = tuple(NameList(source, output) for source in sources if is_list(source))
    for names in lists:
        names.check()
    single = [source for source in sources if not is_list(source)]
    trees = tuple(
        Tree(source, tree_target(source, kind, format, output, only_one=only_one), kind)
        for source in single
        if (kind := tree_kind(source)) is not None
    )
    _check_roots(trees)
    known = {tree.source for tree in trees}
    files = tuple(
        (source, beside(source) if output is None else output) for source in single if source not in known
    )
    targets = [output] if output is not None else [tree.folder for tree in trees]
    if output is None and files:
        targets += sorted({folder or "." for _, folder in files})
    return Targets(trees=trees, files=files, outputs=tuple(targets), lists=lists, format=format)


def beside(source: str) -> str:
    """The folder of a source's images where none was named. Raises `OptionError` where there is none."""
    kind = kind_of(source)
    if kind == "member" and (parts := split_member(source)) is not None:
        return os.path.dirname(parts[0])
    if kind != "file":
        raise OptionError(f"{shown(source)}: name a folder for the images with -o")
    return os.path.dirname(source)


def tree_target(
    source: str, kind: Kind, format: Format, output: str | None = None, *, only_one: bool = False
) -> str:
    """The folder that mirrors a tree. Raises `OptionError` where it has no name."""
    if output is not None and only_one:
        return output
    if kind == "prefix":
        address = parse(source)
        return joined(output or "", base_name(source.rstrip("/")) if address.key else address.place)
    if kind == "archive":
        path = without_archive_end(source)
    else:
        path = (os.path.dirname(source) if kind == "directory" else source).rstrip("/" + os.sep)
    if os.path.basename(path) in ("", ".", ".."):
        path = os.path.abspath(path or "." if kind == "directory" else source)
    name = os.path.basename(path)
    if not name:
        raise OptionError(f"{shown(source)}: name a folder for the images with -o")
    if output is not None:
        return os.path.join(output, name)
    return path + EXTENSIONS[format].replace(".", "-")


def _check_roots(trees: tuple[Tree, ...]) -> None:
    taken: dict[str, str] = {}
    for tree in trees:
        root = tree.folder if is_remote(tree.folder) else os.path.realpath(tree.folder)
        source = joined(tree.source, "") if tree.kind == "prefix" else os.path.realpath(tree.source)
        if source in (root, joined(root, "")):
            raise OptionError(f"{shown(tree.source)} is the output folder as well; name another with -o")
        if (other := taken.get(root.casefold())) is not None:
            raise OptionError(
                f"the images of {shown(other)} and {shown(tree.source)} would both go to "
                f"{shown(tree.folder)}; convert them one by one"
            )
        taken[root.casefold()] = tree.source


def _extension(path: str) -> str:
    return os.path.splitext(path)[1][1:].lower()
