"""Names of sources: paths, and members of archives as ``ARCHIVE!MEMBER``."""

from __future__ import annotations

import os
import re
import sys
from typing import Literal

from fastdcm.sources.addresses import base_name, is_remote, parse

#: How a member's name is told from its archive's.
SEPARATOR = "!"
#: How an archive is packed; "" is none.
Archive = Literal["", "zip", "tar", "gz", "zst"]

#: Kinds of archives by the ends of their names; the longer ones first.
_ENDS: tuple[tuple[str, Archive], ...] = (
    (".tar.gz", "gz"),
    (".tar.zst", "zst"),
    (".tgz", "gz"),
    (".tzst", "zst"),
    (".tar", "tar"),
    (".zip", "zip"),
)
#: What is said of archives that are not read, and how their names end.
UNREAD_ARCHIVE = "is an archive of a kind that is not read (.zip, .tar, .tar.gz, .tar.zst are): unpack it"
_UNREAD = (".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.lz4", ".7z", ".rar")


def archive_kind(path: str) -> Archive:
    """Which archive a file is by its name; "" for others."""
    folded = path[-8:].lower()
    return next((kind for end, kind in _ENDS if folded.endswith(end)), "")


def is_unread_archive(path: str) -> bool:
    """Whether a file is by its name an archive of a kind that is not read."""
    return path.lower().endswith(_UNREAD)


def is_packed(path: str) -> bool:
    """Whether an archive is packed as a whole, so that it can only be read forwards."""
    return archive_kind(path) in ("gz", "zst")


def without_archive_end(path: str) -> str:
    """The path of an archive without what tells that it is one."""
    folded = path.lower()
    return next((path[: -len(end)] for end, _ in _ENDS if folded.endswith(end)), path)


def member_name(archive: str, member: str) -> str:
    """The name of a member, as messages, manifests and reports have it."""
    return archive + SEPARATOR + member


def split_member(name: str) -> tuple[str, str] | None:
    """(archive, member) of a member's name; None for other names, and for a file that is called so."""
    at = name.find(SEPARATOR)
    while at > 0:
        if archive_kind(name[:at]):
            return None if os.path.lexists(name) else (name[:at], name[at + 1 :])
        at = name.find(SEPARATOR, at + 1)
    return None


def last_name(name: str) -> str:
    """The name without folders, of a member also without its archive; empty for a folder with a separator."""
    if SEPARATOR in name and (parts := split_member(name)) is not None:
        return parts[1].rpartition("/")[2]
    return base_name(name)


def parts_below(name: str) -> list[str]:
    """The folders and the name of a source as they are mirrored below a folder: of an archive's member those
    of the archive, and then its own; of an address what follows the scheme. Nothing in it leads elsewhere.
    """
    if SEPARATOR in name and (parts := split_member(name)) is not None:
        return [*parts_below(without_archive_end(parts[0])), *parts_of(parts[1])]
    if is_remote(name):
        address = parse(name)
        return [*parts_of(address.place.rpartition("@")[2]), *parts_of(address.key)]
    path = os.path.splitdrive(os.path.normpath(name))[1]
    return parts_of(path.replace(os.sep, "/"))


def absolute(name: str) -> str:
    """The name that a source has wherever the program is started: of files and archives the absolute path."""
    if "://" in name:
        from fastdcm.sources.opening import kind_of

        if kind_of(name) not in ("file", "member"):
            return name
    if SEPARATOR in name and (parts := split_member(name)) is not None:
        archive, member = parts  # whose dots are nobody's folders
        return member_name(os.path.abspath(archive), member)
    return os.path.abspath(name)


def parts_of(member: str) -> list[str]:
    """The folders of a member and its name, as a path below any folder: nothing in it leads elsewhere.

    Parts that would lead upwards, to a root or to a drive are left out, or lose what makes them do so.
    """
    if sys.platform == "win32":
        member = re.sub(r'[<>:"|?*\x00-\x1f]', "_", member.replace("\\", "/"))
        parts = [part.rstrip(". ") for part in member.split("/")]
    else:
        parts = member.replace("\0", "_").split("/")
    return [part for part in parts if part not in ("", ".", "..")] or ["_"]
