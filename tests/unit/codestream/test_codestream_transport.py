"""Continuity counters of transport streams (ISO/IEC 13818-1 2.4.3.3)."""

from __future__ import annotations

import io

import pytest

from fastdcm.codestream.transport import PACKETS, Continuity, packet_of


def packet(counter: int, *, pid: int = 256, payload: bool = True, broken_off: bool = False) -> bytes:
    """``broken_off`` sets the discontinuity_indicator of an adaptation field."""
    adaptation = bytes([1, 0x80]) if broken_off else b"\1\0" if not payload else b""
    control = (0x10 if payload else 0) | (0x20 if adaptation else 0) | counter
    head = bytes([0x47, pid >> 8, pid & 0xFF, control]) + adaptation
    return head.ljust(188, b"\xff")


def run(*packets: bytes, stamped: bool = False) -> Continuity:
    data = b"".join((b"\1\2\3\4" if stamped else b"") + each for each in packets)
    found = packet_of(data[:1024])
    assert found == PACKETS[stamped]
    return Continuity(io.BytesIO(data).read, 256, found)


COUNTED = [packet(counter % 16) for counter in range(40)]
BLANK = bytes(188)


@pytest.mark.parametrize("stamped", [False, True])
@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (COUNTED, True),
        ([*COUNTED[:20], *COUNTED[21:]], False),
        ([*COUNTED[:20], COUNTED[19], *COUNTED[20:]], True),
        ([*COUNTED[:20], COUNTED[19], COUNTED[19], *COUNTED[20:]], False),
        ([*COUNTED[:20], packet(9, pid=17), *COUNTED[20:]], True),
        ([*COUNTED[:20], packet(3, payload=False), *COUNTED[20:]], True),
        ([*COUNTED[:20], packet(4, payload=False), *COUNTED[20:]], False),
        ([*COUNTED[:20], packet(11, broken_off=True), packet(12), packet(13)], True),
        ([*COUNTED[:20], packet(11), packet(12)], False),
        ([*COUNTED[:20], BLANK, *COUNTED[21:]], False),
        ([*COUNTED[:20], b"\x46" + COUNTED[20][1:], *COUNTED[21:]], False),
        ([packet(counter % 16) for counter in range(1500)], True),
        ([packet((counter + (counter > 1400)) % 16) for counter in range(1500)], False),
    ],
)
def test_whole_streams(packets: list[bytes], expected: bool, stamped: bool) -> None:
    assert run(*packets, stamped=stamped).unbroken(None) is expected


def test_up_to_a_packet() -> None:
    """The packet that shows it counts; what follows is not read before it is asked for."""
    continuity = run(*COUNTED[:20], *COUNTED[21:])
    assert continuity.unbroken(0)
    assert continuity.unbroken(19 * 188)
    assert continuity.unbroken(19 * 188)
    assert not continuity.unbroken(20 * 188)
    assert not continuity.unbroken(0)


def test_half_a_packet_at_the_end_shows_nothing() -> None:
    assert run(*COUNTED, COUNTED[5][:100]).unbroken(None)


def test_other_bytes() -> None:
    assert packet_of(b"") is None
    assert packet_of(BLANK * 3) is None
    assert packet_of(COUNTED[0] + BLANK) is None
