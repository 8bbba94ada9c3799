"""A quick walk over sequential and lossless JPEG scans as they lie in the file; importing this imports numba.

The walk of `fastdcm.kernels.huffman` says what is wrong with a scan, this one only that nothing is: it
reads stuffed bytes and restart markers on its way, many bits at a time.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.huffman import _COMBINED, _LIMITS, _OFFSETS, _STEPS, END_OF_BLOCK, LOOKUP_BITS
from fastdcm.kernels.jit import kernel

_BYTES, _INTEGERS = "Array(uint8, 1, 'C', readonly=True)", "Array(int64, 1, 'C', readonly=True)"
_TABLE = "Array(int32, 1, 'C', readonly=True)"
_LEFT = 64 - LOOKUP_BITS

UNSURE = -1


@kernel(f"int64({_BYTES}, int64, int64, int64, int64, int64, {_INTEGERS}, {_INTEGERS}, {_TABLE})")
def spare_bits(data, start, end, interval, mcus, size, dc, ac, tables):  # type: ignore[no-untyped-def]
    """The most bits that a restart interval has left over where all MCUs of a scan are coded, or `UNSURE`.

    The scan lies between the offsets ``start`` and ``end`` of ``data``; ``interval``, ``mcus``, ``dc``,
    ``ac`` and ``tables`` are those of `fastdcm.kernels.huffman.walk_blocks`, for sequential scans, whose
    data units have a ``size`` of 64 coefficients. For lossless ones a unit is a row of so many differences,
    all of one table.
    """
    position = start
    spare = 0
    mcu = 0
    while mcu < mcus:
        stop = min(mcu + interval, mcus)
        window = np.uint64(0)  # the bits to come, from the highest on
        count = 0  # how many they are
        padded = 0  # zeros among them, behind the end of the interval
        while mcu < stop:
            for unit in range(len(dc)):
                k = 0
                table = dc[unit]
                look = table
                while k < size:
                    if count < 32:
                        word = np.uint32(0xFF)
                        if position + 4 <= end:
                            word = (
                                np.uint32(data[position]) << np.uint32(24)
                                | np.uint32(data[position + 1]) << np.uint32(16)
                                | np.uint32(data[position + 2]) << np.uint32(8)
                                | np.uint32(data[position + 3])
                            )
                        high = np.uint32(0x80808080)
                        if ((word & ~high) + np.uint32(0x01010101)) & word & high:  # one is FF
                            while count < 32:
                                if position >= end or (
                                    data[position] == 0xFF
                                    and (position + 1 >= end or data[position + 1] != 0)
                                ):
                                    if padded > 64:
                                        return UNSURE
                                    padded += 32
                                    count += 32
                                else:
                                    window |= np.uint64(data[position]) << np.uint64(56 - count)
                                    count += 8
                                    position += 1 + (data[position] == 0xFF)
                        else:
                            window |= np.uint64(word) << np.uint64(32 - count)
                            count += 32
                            position += 4
                    entry = tables[look + np.int64(window >> np.uint64(_LEFT))]
                    if entry == 0 or k + (entry >> 8 & 127) >= size:
                        entry = tables[table + np.int64(window >> np.uint64(_LEFT))]
                    if entry == 0:
                        bits = np.int64(window >> np.uint64(48))
                        length = LOOKUP_BITS + 1
                        while length <= 16 and bits >> (16 - length) >= tables[table + _LIMITS + length]:
                            length += 1
                        if length > 16:
                            return UNSURE
                        step = tables[table + _OFFSETS + length] + (bits >> (16 - length))
                        entry = tables[table + _STEPS + step] + length
                    window <<= np.uint64(entry & 255)
                    count -= entry & 255
                    k += entry >> 8 & 255
                    table = ac[unit]
                    look = table + _COMBINED
                if size < k < END_OF_BLOCK:
                    return UNSURE
            mcu += 1
        left = count - padded
        if left < 0:
            return UNSURE
        while position < end and not (data[position] == 0xFF and (position + 1 == end or data[position + 1])):
            position += 1 + (data[position] == 0xFF)
            left += 8
        spare = max(spare, left)
        while position < end and data[position] == 0xFF:
            position += 1
        if mcu < mcus:
            if position >= end or not 0xD0 <= data[position] <= 0xD7:
                return UNSURE
            position += 1
    return spare if position == end else UNSURE
