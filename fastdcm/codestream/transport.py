"""MPEG-2 transport streams: whether packets are missing (ISO/IEC 13818-1 2.4.3)."""

from __future__ import annotations

from collections.abc import Callable

#: Each packet starts so (2.4.3.2).
SYNC = 0x47
#: Bytes before the sync byte and bytes a packet: alone, or with the time stamps of Blu-ray discs.
PACKETS = ((0, 188), (4, 192))
_BLOCK = 512


def packet_of(head: bytes) -> tuple[int, int] | None:
    """The row of ``PACKETS`` that a stream starts with; None where it is no transport stream."""
    for offset, size in PACKETS:
        if set(head[offset::size]) == {SYNC}:
            return offset, size
    return None


class Continuity:
    """Follows the packets of one stream by its ``pid``; ``read`` gives the next bytes of the file."""

    def __init__(self, read: Callable[[int], bytes], pid: int, packet: tuple[int, int]) -> None:
        self._read, self._pid = read, pid
        self._offset, self._size = packet
        self._position = 0
        self._last: int | None = None
        self._repeated = self._broken = False

    def unbroken(self, end: int | None) -> bool:
        """Whether no packet is missing or destroyed up to the one at byte ``end``, or up to the last."""
        while not self._broken and (end is None or self._position <= end):
            count = _BLOCK if end is None else min(_BLOCK, (end - self._position) // self._size + 1)
            wanted, block = count * self._size, b""
            while len(block) < wanted and (data := self._read(wanted - len(block))):
                block += data
            for start in range(self._offset, len(block) - self._size + self._offset + 1, self._size):
                self._follow(block[start : start + 6])
            self._position += wanted
            if len(block) < wanted:
                break
        return not self._broken

    def _follow(self, head: bytes) -> None:
        """Compare a packet's continuity counter with the last (2.4.3.3)."""
        if head[0] != SYNC:
            self._broken = True
            return
        if (head[1] & 0x1F) << 8 | head[2] != self._pid:
            return
        counter, last = head[3] & 0x0F, self._last
        self._last = counter
        adapted, loaded = head[3] & 0x20, head[3] & 0x10
        if last is None or (adapted and head[4] and head[5] & 0x80):  # discontinuity_indicator
            self._repeated = False
        elif not loaded:
            self._broken |= counter != last
        elif counter == last:
            self._broken |= self._repeated  # a packet may be sent twice, not more often
            self._repeated = True
        else:
            self._broken |= counter != (last + 1) % 16
            self._repeated = False
