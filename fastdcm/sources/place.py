"""Where the bytes of a source lie."""

from __future__ import annotations

from typing import Literal, NamedTuple

from fastdcm.sources.addresses import is_remote

#: Bytes lie as they are from the offset on; or behind the header of a ZIP's member that is there, stored or
#: deflated.
Packing = Literal["", "stored", "deflated"]


class Place(NamedTuple):
    """What whoever found a source knows of it, so that whoever opens it need not look again.

    ``length`` bytes from ``offset`` of the local file ``path`` are the source, or become its ``size`` bytes
    and their ``crc`` when they are unpacked. Of a remote object, whose address is the ``path``, it is the
    size that is known.
    """

    path: str
    offset: int
    length: int
    size: int
    packing: Packing = ""
    crc: int = 0

    @property
    def is_remote(self) -> bool:
        """Whether it is a remote object."""
        return "://" in self.path and is_remote(self.path)
