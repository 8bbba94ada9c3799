"""What packet headers are written in: stuffed bits and tag trees (T.800 B.10.1, B.10.2)."""

from __future__ import annotations

from functools import lru_cache

from fastdcm.errors import CodestreamError

_LARGE_TREE = 1024  # leaves; larger trees are rare, and not worth the memory of being remembered


class BitReader:
    """The bits of a packet header, from ``position`` on; raises CodestreamError at ``end``.

    ``position`` goes on to the first byte of which no bit was taken.
    """

    __slots__ = ("_byte", "_data", "_end", "_left", "position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self._data = data
        self.position = position
        self._end = end
        self._byte = 0
        self._left = 0  # how many bits of it are still to come

    def _load(self) -> None:
        """Take the next byte; behind FF it has a stuffed zero bit and seven others."""
        if self.position >= self._end:
            raise CodestreamError("cut: the data ends in a packet header")
        stuffed = self._byte == 0xFF
        self._byte = self._data[self.position]
        if stuffed and self._byte > 0x7F:
            raise CodestreamError(f"a marker inside the packet header at byte {self.position}")
        self._left = 7 if stuffed else 8
        self.position += 1

    def bit(self) -> int:
        """The next bit."""
        if not self._left:
            self._load()
        self._left -= 1
        return self._byte >> self._left & 1

    def bits(self, count: int) -> int:
        """An unsigned number of so many bits, the highest first."""
        value = 0
        while count > self._left:
            value = value << self._left | self._byte & (1 << self._left) - 1
            count -= self._left
            self._load()
        self._left -= count
        return value << count | self._byte >> self._left & (1 << count) - 1

    def finish(self) -> int:
        """The offset behind the header, whose last byte is not FF (B.10.1)."""
        if self._byte == 0xFF:
            self._load()
        return self.position

    def padding(self) -> tuple[int, int]:
        """How many bits of the header's last byte are left, and what number they are."""
        return self._left, self._byte & (1 << self._left) - 1


class TagTree:
    """A tag tree of ``across`` x ``down`` leaves (T.800 B.10.2), as far as it has been read.

    ``lowest`` says what the value of each node is at least. Nodes are numbered level by level from
    the leaves on, each level row by row; the last one is the root.
    """

    __slots__ = ("_known", "_parents", "lowest")

    def __init__(self, across: int, down: int) -> None:
        make = _parents if across * down <= _LARGE_TREE else _parents.__wrapped__
        self._parents = make(across, down)
        self._known = bytearray(len(self._parents))
        self.lowest = [0] * len(self._parents)

    def root_below(self, reader: BitReader, threshold: int) -> bool:
        """Whether any leaf's value can be below the threshold; reads the bits that tell it."""
        return self.below(reader, len(self._parents) - 1, threshold)

    def below(self, reader: BitReader, node: int, threshold: int) -> bool:
        """Whether the value of a node is below the threshold; reads the bits that tell it."""
        lowest, known, parents = self.lowest, self._known, self._parents
        if known[node] or lowest[node] >= threshold:
            return lowest[node] < threshold
        path, above = [node], parents[node]
        # Behind the first ancestor that is known, or not below the threshold, nothing is to be read.
        while above != path[-1] and not known[above] and lowest[above] < threshold:
            path.append(above)
            above = parents[above]
        value = lowest[above]
        for below in reversed(path):
            value = max(value, lowest[below])
            while value < threshold:
                if reader.bit():
                    known[below] = 1
                    break
                value += 1
            lowest[below] = value
        return value < threshold


@lru_cache(maxsize=64)
def _parents(across: int, down: int) -> tuple[int, ...]:
    """The parent of each node; the root is its own."""
    parents: list[int] = []
    while across * down > 1:
        above, half = len(parents) + across * down, across + 1 >> 1
        parents += [above + (y >> 1) * half + (x >> 1) for y in range(down) for x in range(across)]
        across, down = half, down + 1 >> 1
    return (*parents, len(parents))
