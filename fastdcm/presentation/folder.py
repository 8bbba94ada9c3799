"""The presentation states of a folder, by the images that they reference.

A folder is looked through once a process, and again when one of its folders has changed; a run does that once
for all of its workers (`seed`). Of other objects no more than the first kilobytes are read.
"""

from __future__ import annotations

import os
import stat
import threading
from typing import NamedTuple

from fastdcm.errors import FastdcmError, OptionError
from fastdcm.presentation.kinds import KINDS, PREFIX

#: In so many bytes the SOP Class UID is named, by the meta group or by the data set.
_HEAD_BYTES = 4096


class Found(NamedTuple):
    """A state that references an image.

    ``kind`` is empty where it is not done; ``created`` is its date and time, to compare with others'.
    """

    kind: str
    created: str
    path: str


class Index(NamedTuple):
    """The states of a folder by SOP Instance UID of the images they reference, the best one first."""

    states: dict[str, tuple[Found, ...]]
    #: When the folder and those in it last changed, in ns.
    changed: dict[str, int]
    #: Files that are states but cannot be read, with the reason.
    unreadable: dict[str, str]


_known: dict[str, Index] = {}
#: Folders whose index is that of the run, which does not look whether they changed.
_seeded: set[str] = set()
_lock = threading.Lock()


def seed(folder: str, index: Index) -> None:
    """Take an index over that another process made."""
    with _lock:
        _known[folder] = index
        _seeded.add(folder)


def index_of(folder: str) -> Index:
    """The index of a folder and all below it. Raises `OptionError` where it cannot be listed."""
    with _lock:
        known = _known.get(folder)
        if known is None or not (folder in _seeded or _is_current(known)):
            known = _known[folder] = build(folder)
        return known


def referencing(folder: str, uid: str) -> tuple[Found, ...]:
    """The states in a folder that reference an image: those that are done first, the latest first."""
    return index_of(folder).states.get(uid, ())


def build(folder: str) -> Index:
    """Look through a folder. Raises `OptionError` where it cannot be listed."""
    states: dict[str, list[Found]] = {}
    changed: dict[str, int] = {}
    unreadable: dict[str, str] = {}

    def refuse(error: OSError) -> None:
        raise OptionError(f"presentation states in {folder}: {error.strerror}: {error.filename}") from error

    for place, names, files in os.walk(folder, onerror=refuse):
        names.sort()
        changed[place] = os.stat(place).st_mtime_ns
        for name in sorted(files):
            path = os.path.join(place, name)
            if _is_state(path):
                _add(path, states, unreadable)
    ordered = {
        uid: tuple(sorted(found, key=lambda one: (bool(one.kind), one.created, one.path), reverse=True))
        for uid, found in states.items()
    }
    return Index(ordered, changed, unreadable)


def _is_current(index: Index) -> bool:
    try:
        return all(os.stat(place).st_mtime_ns == since for place, since in index.changed.items())
    except OSError:
        return False


def _is_state(path: str) -> bool:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False  # opening a pipe would wait for its other end
        with open(path, "rb", buffering=0) as file:
            return PREFIX.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False  # as a link to nothing, or a file of somebody else's


def _add(path: str, states: dict[str, list[Found]], unreadable: dict[str, str]) -> None:
    from fastdcm.presentation.reading import references_of

    try:
        sop_class, created, uids = references_of(path)
    except (FastdcmError, OSError) as error:
        unreadable[path] = getattr(error, "message", "") or str(error)
        return
    if not sop_class.startswith(PREFIX):
        return
    found = Found(KINDS.get(sop_class, ""), created, path)
    for uid in uids:
        states.setdefault(uid, []).append(found)
