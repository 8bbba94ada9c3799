"""What lies below an address, and what is known of it by that."""

from __future__ import annotations

from collections.abc import Iterator

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.sources.addresses import WEB, parse, shown
from fastdcm.sources.objects import remember
from fastdcm.sources.place import Place
from fastdcm.sources.stores import AbsentError, store_of

#: Objects of a folder that are asked for one by one; folders that are remembered, as images may go to many in
#: turn.
_ALONE, _FOLDERS = 10, 16


def prefix_of(name: str) -> str:
    """An address that stands for what lies below it, with the slash at its end."""
    return name if name.endswith("/") else name + "/"


def objects_below(name: str) -> Iterator[tuple[str, Place]]:
    """The keys of all objects below an address, after it, and where they lie, as the store lists them.

    Raises `SourceError`.
    """
    root = prefix_of(name)
    try:
        if parse(root).scheme in WEB:
            raise SourceError("servers list nothing: name the objects one by one, or in a list (@FILE)")
        store, prefix = store_of(root)
        for key, stat in store.below(prefix):
            below = key[len(prefix) :]
            if not below or below.endswith("/"):
                continue  # an object that stands for a folder
            remember(root + below, stat)
            yield below, Place(root + below, 0, stat.size, stat.size)
    except FastdcmError as error:
        error.at(path=shown(name))
        raise


def holds_objects(name: str) -> bool:
    """Whether anything lies below an address. Raises `SourceError`."""
    return next(objects_below(name), None) is not None


def sizes_in(folder: str, most: int) -> dict[str, int] | None:
    """The names directly below an address, and their sizes; None where more than ``most`` lie below it.

    No more of them than these are listed. Raises `SourceError`.
    """
    store, prefix = store_of(prefix_of(folder))
    sizes: dict[str, int] = {}
    try:
        for count, (key, stat) in enumerate(store.below(prefix)):
            if count == most:
                return None
            if "/" not in (name := key[len(prefix) :]):
                sizes[name] = stat.size
    except AbsentError:
        return {}  # some stores know folders, and say so of one that is not there
    return sizes


class Folders:
    """What is in folders of stores, of which single objects are asked for again and again.

    Of a folder the first few are to be asked for one by one: for fewer a listing does not pay, and for more
    it costs no more than these did. Of one with more than ``most`` names all are; of all
    folders so many names are held. Not for several threads.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        #: How often the last folders were asked for, and what is in them, once they are listed.
        self._looked: dict[str, tuple[int, dict[str, int] | None]] = {}

    def sizes_in(self, folder: str) -> dict[str, int] | None:
        """Names and sizes, as they were when it was listed; None where its objects are to be asked for.

        Raises `SourceError`.
        """
        asked, sizes = self._looked.pop(folder, (0, None))
        if asked == _ALONE:
            sizes = sizes_in(folder, self._most)
        self._looked[folder] = asked + 1, sizes
        while len(self._looked) > 1 and (len(self._looked) > _FOLDERS or self._names() > self._most):
            del self._looked[next(iter(self._looked))]
        return sizes

    def _names(self) -> int:
        return sum(len(sizes) for _, sizes in self._looked.values() if sizes)
