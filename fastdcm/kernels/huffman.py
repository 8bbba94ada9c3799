"""Walking Huffman-coded scans of JPEG (ITU-T T.81 annex F.2.2, G.2, H.2): how many bits each code takes.

No sample is computed: what counts is whether every MCU is coded. The functions are plain Python, so
that small scans need no numba; ``huffman_compiled`` has them compiled. ``data`` is bytes or (n,)
uint8, without stuffed bytes and followed by `PADDING` bytes; tables and histories are lists or
(n,) integers.

A table of `TABLE_SIZE` integers holds, one after the other: an entry for each `LOOKUP_BITS` bits to
come; the same with as many codes taken together as these bits hold; for each length of longer codes
the code behind its last one, and what leads from a code to its step; the steps, in the order of the
values. An entry is the bits to go on by | the coefficients to go on by << 8, `END_OF_BLOCK` for one
that ends the block; 0 where the code is longer. A difference goes on by 1. A step is the same
without the code's own bits.
"""

from __future__ import annotations

LOOKUP_BITS = 11
_SHIFT = 16 - LOOKUP_BITS
_COMBINED = 1 << LOOKUP_BITS
_LIMITS = 2 * _COMBINED
_OFFSETS = _LIMITS + 17
_STEPS = _OFFSETS + 17
TABLE_SIZE = _STEPS + 256
END_OF_BLOCK = 128

#: A block has at most 64 codes of at most 31 bits with what follows them.
PADDING = 64 * 4 + 8

WHOLE, CUT, DAMAGED = 0, 1, 2


def combine(table):  # type: ignore[no-untyped-def]
    """Fill in the entries that take several codes together, for AC codes and lossless differences.

    A code is taken as long as its own bits are among the `LOOKUP_BITS`, and the coefficients stay
    below 64; behind an end of block none is.
    """
    for bits in range(_COMBINED):
        total = 0
        advance = 0
        while total < LOOKUP_BITS:
            entry = table[(bits << total) & (_COMBINED - 1)]
            length = entry >> 16
            if entry == 0 or total + length > LOOKUP_BITS or advance + (entry >> 8 & 127) > 63:
                break
            total += entry & 255
            advance += entry >> 8 & 255
            if advance >= END_OF_BLOCK:
                break
        table[_COMBINED + bits] = total | advance << 8


def walk_differences(data, starts, ends, interval, count, table):  # type: ignore[no-untyped-def]
    """Walk a lossless scan of one component, whose MCUs are samples, each one code and its bits.

    Arguments and result as `walk_blocks`.
    """
    sample = 0
    spare = 0
    for segment in range(len(starts)):
        position = starts[segment]
        end = ends[segment]
        stop = min(sample + interval, count)
        while sample < stop:
            byte = position >> 3
            window = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
            window = window >> (8 - (position & 7)) & 0xFFFF
            entry = table[_COMBINED + (window >> _SHIFT)]
            if sample + (entry >> 8 & 255) > stop or position + (entry & 255) > end:
                entry = table[window >> _SHIFT]
            if entry == 0:
                length = LOOKUP_BITS + 1
                while length <= 16 and window >> (16 - length) >= table[_LIMITS + length]:
                    length += 1
                if length > 16:
                    return DAMAGED if position + 16 <= end else CUT, sample, spare
                step = table[_OFFSETS + length] + (window >> (16 - length))
                entry = table[_STEPS + step] + length
            position += entry & 255
            if position > end:
                return CUT, sample, spare
            sample += entry >> 8 & 255
        spare = max(spare, end - position)
    return WHOLE, sample, spare


def walk_blocks(data, starts, ends, interval, mcus, dc, ac, tables):  # type: ignore[no-untyped-def]
    """Walk a sequential scan, a lossless one, or the first DC scan of a progressive frame.

    starts, ends: bit positions of each restart interval, of ``interval`` MCUs of ``mcus``. dc, ac:
    for each data unit of an MCU the offset of its table in ``tables``; ac is -1 where a unit is
    one difference. Returns (`WHOLE`, `CUT` or `DAMAGED`, MCUs that are whole, most bits left over
    in an interval).
    """
    mcu = 0
    spare = 0
    for segment in range(len(starts)):
        position = starts[segment]
        end = ends[segment]
        stop = min(mcu + interval, mcus)
        while mcu < stop:
            for unit in range(len(dc)):
                table = dc[unit]
                byte = position >> 3
                window = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
                window = window >> (8 - (position & 7)) & 0xFFFF
                entry = tables[table + (window >> _SHIFT)]
                if entry == 0:
                    length = LOOKUP_BITS + 1
                    while length <= 16 and window >> (16 - length) >= tables[table + _LIMITS + length]:
                        length += 1
                    if length > 16:
                        return DAMAGED if position + 16 <= end else CUT, mcu, spare
                    step = tables[table + _OFFSETS + length] + (window >> (16 - length))
                    entry = tables[table + _STEPS + step] + length
                position += entry & 255
                table = ac[unit]
                if table >= 0:
                    k = 1
                    while k < 64:
                        byte = position >> 3
                        window = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
                        window = window >> (8 - (position & 7)) & 0xFFFF
                        entry = tables[table + _COMBINED + (window >> _SHIFT)]
                        if entry == 0 or k + (entry >> 8 & 127) > 63:
                            entry = tables[table + (window >> _SHIFT)]
                        if entry == 0:
                            length = LOOKUP_BITS + 1
                            while (
                                length <= 16 and window >> (16 - length) >= tables[table + _LIMITS + length]
                            ):
                                length += 1
                            if length > 16:
                                return DAMAGED if position + 16 <= end else CUT, mcu, spare
                            step = tables[table + _OFFSETS + length] + (window >> (16 - length))
                            entry = tables[table + _STEPS + step] + length
                        position += entry & 255
                        k += entry >> 8 & 255
                    if 64 < k < END_OF_BLOCK:
                        return DAMAGED if position <= end else CUT, mcu, spare
                if position > end:
                    return CUT, mcu, spare
            mcu += 1
        spare = max(spare, end - position)
    return WHOLE, mcu, spare


def walk_band(data, starts, ends, interval, blocks, first, last, refine, history, table):  # type: ignore[no-untyped-def]
    """Walk an AC scan of a progressive frame (T.81 G.1.2.2, G.1.2.3).

    first, last: the band, Ss and Se. history: for each block the coefficients that are not zero,
    as bits; it is brought up to date. Entries of ``table`` are the code's bits | its value << 8.
    Returns as `walk_blocks`, with blocks for MCUs.
    """
    block = 0
    spare = 0
    for segment in range(len(starts)):
        position = starts[segment]
        end = ends[segment]
        stop = min(block + interval, blocks)
        run = 0  # blocks that one code ends together
        while block < stop:
            known = history[block]
            k = first
            while k <= last and run == 0:
                byte = position >> 3
                window = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
                window = window >> (8 - (position & 7)) & 0xFFFF
                entry = table[window >> _SHIFT]
                if entry == 0:
                    length = LOOKUP_BITS + 1
                    while length <= 16 and window >> (16 - length) >= table[_LIMITS + length]:
                        length += 1
                    if length > 16:
                        return DAMAGED if position + 16 <= end else CUT, block, spare
                    step = table[_OFFSETS + length] + (window >> (16 - length))
                    entry = table[_STEPS + step] + length
                position += entry & 255
                zeros = entry >> 12 & 15
                size = entry >> 8 & 15
                if size == 0 and zeros < 15:
                    byte = position >> 3
                    window = data[byte] << 16 | data[byte + 1] << 8 | data[byte + 2]
                    window = window >> (8 - (position & 7)) & 0xFFFF
                    run = (1 << zeros) + (window >> (16 - zeros))
                    position += zeros
                elif not refine:
                    k += zeros
                    if k > last:
                        return DAMAGED if position <= end else CUT, block, spare
                    if size > 0:
                        position += size
                        known |= 1 << k
                    k += 1
                else:
                    position += size
                    while k <= last:
                        if known >> k & 1:
                            position += 1
                        elif zeros == 0:
                            break
                        else:
                            zeros -= 1
                        k += 1
                    if k > last:
                        return DAMAGED if position <= end else CUT, block, spare
                    if size > 0:
                        known |= 1 << k
                    k += 1
            if run > 0:
                run -= 1
                if refine:
                    while k <= last:
                        position += known >> k & 1
                        k += 1
            if position > end:
                return CUT, block, spare
            history[block] = known
            block += 1
        if run > 0:
            return DAMAGED, block, spare
        spare = max(spare, end - position)
    return WHOLE, block, spare
