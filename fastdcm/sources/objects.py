"""Objects of stores as sources: small ones at once, of large ones what is asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.options import Limits
from fastdcm.reader.ranged import FIRST, RangedSource
from fastdcm.reader.source import WHOLE_FILE_SIZE, MemorySource, Source
from fastdcm.sources.addresses import parse, shown
from fastdcm.sources.stores import (
    MOST_REQUESTS,
    AbsentError,
    Stat,
    Store,
    WholeError,
    in_background,
    store_of,
)

#: Up to this size all of an object is fetched once its size is known: another request costs as much.
_REST = 1 << 20
#: Objects that were fetched and are not taken yet, at most: the one that is next, and as many as are
#: announced.
_MOST_HERE = 2 * MOST_REQUESTS
#: Objects of which it is remembered what they are: as many as a worker and a listing have between them.
_REMEMBERED = 20_000


class _Begun(NamedTuple):
    """The beginning of an object, or all of it."""

    data: bytes
    stat: Stat


class ObjectSource(RangedSource):
    """An object of which ranges are fetched."""

    def __init__(self, store: Store, key: str, name: str, begun: _Begun) -> None:
        self._store, self._key, self._tag = store, key, begun.stat.tag
        super().__init__(begun.stat.size, shown(name), begun.data, later=in_background)

    def _fetched(self, start: int, end: int) -> bytes:
        return self._store.range(self._key, start, end, self._tag)


def open_object(name: str, limits: Limits, size: int | None = None) -> Source:
    """An object by its address; ``size`` is how large it is, where that is known. Raises `SourceError`."""
    try:
        coming = _AHEAD.take(name)
        begun = None if coming is None else coming.result()
        if begun is None:
            begun = _begin(name, size)
        if begun.stat.size <= len(begun.data):
            return MemorySource(begun.data, shown(name))
        store, key = store_of(name)
        return ObjectSource(store, key, name, begun)
    except FastdcmError as error:
        error.at(path=shown(name))
        raise


def _begin(name: str, size: int | None, most: int | None = None) -> _Begun:
    """The beginning of an object; of one that comes as a whole alone no more than ``most`` bytes.

    Raises `SourceError`, `WholeError`.
    """
    store, key = store_of(name)
    if size is not None and size <= WHOLE_FILE_SIZE:
        begun = _Begun(*store.whole(key))
    else:
        begun = _Begun(*store.begin(key, FIRST, most))
        whole, length = begun.stat.size, len(begun.data)
        if length < whole <= _REST:
            begun = begun._replace(data=begun.data + store.range(key, length, whole, begun.stat.tag))
    _KNOWN.remember(name, begun.stat)
    return begun


def stamp(name: str) -> tuple[int, int] | None:
    """Bytes and time of the last change of an object; None where it cannot be asked for."""
    stat = _KNOWN.of(name)
    if stat is None:
        try:
            store, key = store_of(name)
            stat = store.stat(key)
        except SourceError:
            return None
        _KNOWN.remember(name, stat)
    return stat.size, stat.modified


def known_stamp(name: str) -> tuple[int, int] | None:
    """The same, by what was read or listed before."""
    stat = _KNOWN.of(name)
    return None if stat is None else (stat.size, stat.modified)


def remember(name: str, stat: Stat) -> None:
    """An object is so, by a listing."""
    _KNOWN.remember(name, stat)


def is_there(name: str) -> bool:
    """Whether there is an object of this address. Raises `SourceError` where that cannot be told."""
    store, key = store_of(name)
    try:
        _KNOWN.remember(name, store.stat(key))
    except AbsentError:
        return False
    return True


class Coming(NamedTuple):
    """An object that will be opened, and its size where that is known."""

    name: str
    size: int | None = None


def fetch_ahead(coming: Iterable[Coming]) -> None:
    """Begin to fetch objects that will be opened soon, in this order, as far as there is room for them."""
    _AHEAD.fetch(coming)


class _Ahead:
    """Objects on their way here, or here and not taken yet: each of `WHOLE_FILE_SIZE` at most."""

    def __init__(self) -> None:
        self._coming: dict[str, Future[_Begun | None]] = {}
        #: Servers that give large objects as a whole alone: nothing is fetched ahead from these.
        self._whole: set[str] = set()
        self._lock = threading.Lock()

    def fetch(self, coming: Iterable[Coming]) -> None:
        with self._lock:
            under_way = sum(not future.done() for future in self._coming.values())
            for name, size in coming:
                if name in self._coming or (self._whole and parse(name).place in self._whole):
                    continue
                if under_way >= MOST_REQUESTS:
                    return
                self._coming[name] = in_background(self._begun, name, size)
                under_way += 1
            self._drop()

    def _begun(self, name: str, size: int | None) -> _Begun | None:
        """What came; None where it was given up, as it would be too much to wait here."""
        try:
            return _begin(name, size, WHOLE_FILE_SIZE)
        except WholeError:
            self._whole.add(parse(name).place)
            return None

    def take(self, name: str) -> Future[_Begun | None] | None:
        with self._lock:
            return self._coming.pop(name, None)

    def _drop(self) -> None:
        """Give up what came first and nobody has taken: its chunk was given to another worker."""
        while len(self._coming) > _MOST_HERE and self._coming[name := next(iter(self._coming))].done():
            del self._coming[name]


class _Known:
    """What the last objects are that were read or listed."""

    def __init__(self) -> None:
        self._stats: OrderedDict[str, Stat] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, name: str, stat: Stat) -> None:
        with self._lock:
            self._stats[name] = stat
            if len(self._stats) > _REMEMBERED:
                self._stats.popitem(last=False)

    def of(self, name: str) -> Stat | None:
        return self._stats.get(name)


_AHEAD, _KNOWN = _Ahead(), _Known()
