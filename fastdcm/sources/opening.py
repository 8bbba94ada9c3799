"""The table by which sources are opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from fastdcm.options import Limits
from fastdcm.reader.source import Source
from fastdcm.reader.source import open_source as open_file
from fastdcm.sources.addresses import is_remote
from fastdcm.sources.names import SEPARATOR, split_member
from fastdcm.sources.place import Place

_USUAL = Limits()


class Kind(NamedTuple):
    """What does for sources of one kind; each as ``module:name``, imported when it is needed first.

    ``open`` is given the name, the `Limits` of reading, and gives a `Source` or raises `SourceError`;
    ``stamp`` is given the name, and gives the bytes and the time of the last change (nanoseconds since 1970),
    by which the source is known again, or None.
    """

    open: str
    stamp: str


#: By the kind of a name; an address (``scheme://...``) is of the kind of its scheme, where there is one.
KINDS: dict[str, Kind] = {
    "file": Kind("fastdcm.sources.files:open_path", "fastdcm.sources.files:stamp"),
    "member": Kind("fastdcm.sources.members:open_member", "fastdcm.sources.members:stamp"),
    **dict.fromkeys(
        ("s3", "gs", "az", "http", "https"),
        Kind("fastdcm.sources.objects:open_object", "fastdcm.sources.objects:stamp"),
    ),
}


def kind_of(name: str) -> str:
    """Of which kind a source is by its name: a key of `KINDS`."""
    if "://" in name and (scheme := name.partition("://")[0].lower()) in KINDS:
        return scheme
    return "member" if SEPARATOR in name and split_member(name) is not None else "file"


def open_source(name: str, place: Place | None = None, limits: Limits = _USUAL) -> Source:
    """A source by its name, whatever it is; ``place`` is where its bytes lie, where that is known.

    Raises `SourceError`, also where it would exceed a limit.
    """
    if place is not None and place.is_remote:
        from fastdcm.sources.objects import open_object

        return open_object(name, limits, place.size)
    if place is not None:
        from fastdcm.sources.section import open_place

        return open_place(place, name, limits)
    if SEPARATOR not in name and "://" not in name:
        return open_file(name)
    source: Source = _named(KINDS[kind_of(name)].open)(name, limits)
    return source


def stamp_of(name: str) -> tuple[int, int] | None:
    """Bytes and time of the last change (nanoseconds since 1970) by which a source is known again.

    Of a member these are its archive's. None where they cannot be told.
    """
    found: tuple[int, int] | None = _named(KINDS[kind_of(name)].stamp)(name)
    return found


def known_stamp_of(name: str) -> tuple[int, int] | None:
    """The same without asking anybody far away: None where that is not known by now."""
    if not is_remote(name):
        return stamp_of(name)
    from fastdcm.sources.objects import known_stamp

    return known_stamp(name)


@cache
def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
