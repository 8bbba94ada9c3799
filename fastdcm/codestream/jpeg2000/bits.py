"""The bits of packet headers, and the tag trees in them (T.800 B.10.1, B.10.2): what the kernels work on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastdcm.errors import CodestreamError
from fastdcm.kernels import packet_headers

_LARGE_TREE = 1024  # leaves; larger trees are rare, and not worth the memory of being remembered


class CutHeaderError(CodestreamError):
    """The data ends in a packet header."""


class BitReader:
    """Reads packet headers in ``data`` by `fastdcm.kernels.packet_headers`, compiled or not.

    ``state`` are the integers that these kernels call ``reader``.
    """

    __slots__ = ("compiled", "data", "kernels", "state")

    def __init__(self, data: bytes, *, compiled: bool) -> None:
        self.compiled = compiled
        self.data: Any = data
        self.kernels: Any = packet_headers
        if compiled:
            import numpy as np

            from fastdcm.kernels import packet_headers_compiled

            self.data, self.kernels = np.frombuffer(data, np.uint8), packet_headers_compiled
        self.state = integers(packet_headers.READER_SIZE, compiled=compiled)

    def start(self, position: int, end: int) -> bool:
        """Go to the header at ``position``; whether its packet is not empty (B.10.3)."""
        present = self.kernels.start(self.data, self.state, position, end)
        self.check()
        return bool(present)

    def finish(self) -> int:
        """The offset behind the header."""
        self.kernels.finish(self.data, self.state)
        self.check()
        return self.position

    @property
    def position(self) -> int:
        """The offset behind what was read."""
        return int(self.state[packet_headers.POSITION])

    def padding(self) -> tuple[int, int]:
        """How many bits of the header's last byte are left, and what number they are."""
        left = int(self.state[packet_headers.LEFT])
        return left, int(self.state[packet_headers.BYTE]) & (1 << left) - 1

    def check(self) -> None:
        """Raises CodestreamError for what came of the reading so far."""
        status = self.state[packet_headers.STATUS]
        if status == packet_headers.READ:
            return
        detail = int(self.state[packet_headers.DETAIL])
        if status == packet_headers.CUT:
            raise CutHeaderError("cut: the data ends in a packet header")
        if status == packet_headers.MARKER:
            raise CodestreamError(f"a marker inside the packet header at byte {detail}")
        reasons = {
            packet_headers.TOO_MANY_PLANES: f"more than {packet_headers.MOST_BIT_PLANES} bit-planes of zeros",
            packet_headers.LONG_LENGTH: "a length of more than 32 bits",
            packet_headers.NO_CLEANUP_LENGTH: f"{detail} bytes for a cleanup pass",
        }
        raise CodestreamError(f"the packet headers are damaged: {reasons[int(status)]}")


def integers(count: int, *, compiled: bool) -> Any:
    """So many zeros, as the kernels take them."""
    if not compiled:
        return [0] * count
    import numpy as np

    return np.zeros(count, np.int64)


def parents_of(across: int, down: int, *, compiled: bool) -> Any:
    """The parent of each node of a tag tree of ``across`` x ``down`` leaves."""
    make = _parents if across * down <= _LARGE_TREE else _parents.__wrapped__
    return make(across, down, compiled)


@lru_cache(maxsize=64)
def _parents(across: int, down: int, compiled: bool) -> Any:
    parents: list[int] = []
    while across * down > 1:
        above, half = len(parents) + across * down, across + 1 >> 1
        parents += [above + (y >> 1) * half + (x >> 1) for y in range(down) for x in range(across)]
        across, down = half, down + 1 >> 1
    parents.append(len(parents))
    if not compiled:
        return tuple(parents)
    import numpy as np

    array = np.array(parents, np.int64)
    array.flags.writeable = False
    return array
