"""Plain elements, which are nearly all: passed by a compiled kernel where numba is worth it.

The kernel stops before whatever needs a closer look, and `fastdcm.reader.scan` goes on from there. It
takes 5 µs for 250 elements that take Python 70 (benches/bench_reader.py), an eighth of what it
takes to convert a CT slice.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.reader.elements import KNOWN_VRS, SHORT_VRS, WANTED, Element

#: Elements that Python passes before numba is imported for them: as much time as that takes.
ELEMENTS_BEFORE_NUMBA = 1_500_000
#: Elements of a usual data set.
ELEMENTS_A_SCAN = 100

VRS = {0: b""} | {int.from_bytes(vr, "big"): vr for vr in KNOWN_VRS}
HEADS = np.zeros(1 << 16, np.uint8)
for _vr in KNOWN_VRS:
    HEADS[int.from_bytes(_vr, "big")] = 8 if _vr in SHORT_VRS else 12


class Part(NamedTuple):
    """A part of a file: its tags are in ``first`` <= tag < ``end``, ``wanted`` are those to note."""

    first: int
    end: int
    wanted: NDArray[np.int64]


@cache
def part_of(wanted: frozenset[int]) -> Part:
    """The data set up to its pixels, of which these tags are wanted."""
    return Part(0, 0x7FE00000, np.array(sorted(wanted), np.int64))


META = Part(0x00020000, 0x00030000, np.array([0x00020000, 0x00020010], np.int64))
DATA_SET = part_of(WANTED)


def pass_plain(
    part: Part, explicit: bool, buffer: memoryview, position: int, base: int, elements: dict[int, Element]
) -> tuple[int, int]:
    """Pass the little-endian elements of a part from a position on, as far as they are plain and there.

    Puts the wanted ones into ``elements``, their offsets counted from ``base`` before the buffer; the
    position behind them, and how many were passed.
    """
    from fastdcm.kernels import elements as kernels

    first, end, wanted = part
    # The first row is no element's; and one must be free where none is wanted, else nothing is passed.
    found = np.empty((2 * len(wanted) + 2, 4), np.int64)
    kernels.walk(np.frombuffer(buffer, np.uint8), position, explicit, first, end, HEADS, wanted, found)
    behind, count, passed = found[0, :3].tolist()
    for tag, vr, value, length in found[1 : 1 + count].tolist():
        elements[tag] = (VRS[vr], base + value, length)
    return int(behind), int(passed)
