"""Packet headers of JPEG 2000 (ITU-T T.800 B.10) and HTJ2K (T.814 annex B): which bytes are whose.

The functions are plain Python, so that small streams need no numba; ``packet_headers_compiled`` has them
compiled. ``data`` is bytes or (n,) uint8, everything else lists or (n,) int64 of one use each:

``reader``, `READER_SIZE` integers, is where in a header the reading is and what came of it, by the names
below. A status that is not `READ` stays, and further bits are zeros.

``precinct`` is what goes on from packet to packet, and has for each sub-band, one after the other:
`HEAD` integers: how many code-blocks there are, how many nodes in each of its two tag trees, whether any
code-block was in a packet, and the number of the sub-band; for each node of the trees which is above;
for each node of the inclusion tree, then of that of the bit-planes, how large its value is at least, times
two, and 1 more where it is just that; `BLOCK` integers of each code-block: Lblock, 0 as long as no packet
had it; passes so far; whether its first HT cleanup pass has come. Nodes are numbered level by level from
the leaves on, each level row by row; the last one, the root, is its own parent.
"""

from __future__ import annotations

from collections.abc import MutableSequence, Sequence

Bytes = Sequence[int]
Integers = MutableSequence[int]

# Bits of the code-block style (T.800 table A.19; T.814 A.4).
BYPASS, TERMINATE_ALL, HIGH_THROUGHPUT = 0x01, 0x04, 0x40

# Of ``reader``: the first byte of which no bit was taken; where the header must end; the byte of which the
# next ``LEFT`` bits are; what came of it, with a number that says more; work done, and how much may be; where
# the next sub-band is, and its next code-block; bytes of the packet's body so far; and room for the path from
# a node to the root.
POSITION, END, BYTE, LEFT, STATUS, DETAIL, WORK, LIMIT, BAND, NEXT, BODY, PATH = range(12)
READER_SIZE = PATH + 32  # a precinct has less than 2^14 code-blocks a side

READ, CUT, MARKER, TOO_MANY_PLANES, LONG_LENGTH, NO_CLEANUP_LENGTH, TOO_MUCH_WORK = range(7)

#: No sub-band has more: 7 guard bits + exponent 31 - 1 (E-2), and a region's shift of 255 (A.6.3, H.1).
MOST_BIT_PLANES = 7 + 31 - 1 + 255
_LIMIT_LENGTH_BITS = 32  # a codestream has fewer than 2^32 bytes
_CLEANUP_LENGTHS_END = 65535  # T.814 B.3: Lcup is 2 to 65534

HEAD, BLOCK = 4, 3
#: Of a codeword segment: number of the sub-band, of the code-block there, its bit-planes of zeros (P of
#: B.10.5), its passes before, bytes, passes.
SEGMENT = 6
MOST_SEGMENTS = 37 + 127  # as many as passes of a code-block in a packet (table B.4)


def load(data: Bytes, reader: Integers) -> None:
    """Take the next byte; behind FF it has a stuffed zero bit and seven others (B.10.1)."""
    stuffed = reader[BYTE] == 0xFF
    position = reader[POSITION]
    reader[BYTE] = 0
    reader[LEFT] = 8
    if reader[STATUS] != READ:
        return
    if position >= reader[END]:
        reader[STATUS] = CUT
    elif stuffed and data[position] > 0x7F:
        reader[STATUS] = MARKER
        reader[DETAIL] = position
    else:
        reader[BYTE] = data[position]
        reader[LEFT] = 7 if stuffed else 8
        reader[POSITION] = position + 1


def bits(data: Bytes, reader: Integers, count: int) -> int:
    """An unsigned number of so many bits, the highest first."""
    value = 0
    while count > reader[LEFT]:
        left = reader[LEFT]
        value = value << left | reader[BYTE] & ((1 << left) - 1)
        count -= left
        load(data, reader)
    reader[LEFT] -= count
    return value << count | reader[BYTE] >> reader[LEFT] & ((1 << count) - 1)


def start(data: Bytes, reader: Integers, position: int, end: int) -> int:
    """Go to a header; whether its packet is not empty (B.10.3)."""
    reader[POSITION] = position
    reader[END] = end
    reader[BYTE] = 0
    reader[LEFT] = 0
    reader[STATUS] = READ
    reader[BAND] = 0
    reader[NEXT] = 0
    reader[BODY] = 0
    return bits(data, reader, 1)


def finish(data: Bytes, reader: Integers) -> None:
    """Go behind the header, whose last byte is not FF (B.10.1)."""
    if reader[BYTE] == 0xFF:
        load(data, reader)


def below(
    data: Bytes, reader: Integers, precinct: Integers, parents: int, nodes: int, node: int, threshold: int
) -> bool:
    """Whether the value of a tag tree's node is below the threshold; reads the bits that tell (B.10.2).

    parents, nodes: where in ``precinct`` those of the tree are.
    """
    least = precinct[nodes + node]
    if least & 1 or least >> 1 >= threshold:
        return least >> 1 < threshold
    # Behind the first ancestor that is known, or not below the threshold, nothing is to be read.
    length = 0
    while True:
        reader[PATH + length] = node
        length += 1
        above = precinct[parents + node]
        least = precinct[nodes + above]
        if above == node or least & 1 or least >> 1 >= threshold:
            break
        node = above
    value = least >> 1
    while length > 0:
        length -= 1
        node = reader[PATH + length]
        value = max(value, precinct[nodes + node] >> 1)
        known = 0
        while known == 0 and value < threshold:
            if bits(data, reader, 1):
                known = 1
            else:
                value += 1
        precinct[nodes + node] = value << 1 | known
    return value < threshold


def number_of_passes(data: Bytes, reader: Integers) -> int:
    """How many coding passes a packet has of a code-block (table B.4)."""
    if bits(data, reader, 1) == 0:
        return 1
    if bits(data, reader, 1) == 0:
        return 2
    more = bits(data, reader, 2)
    if more < 3:
        return 3 + more
    more = bits(data, reader, 5)
    if more < 31:
        return 6 + more
    return 37 + bits(data, reader, 7)


def places(number: int) -> int:
    """The binary places of a number behind its first."""
    count = 0
    while number >> (count + 1):
        count += 1
    return count


def passes_together(before: int, passes: int, style: int) -> int:
    """How many of a code-block's next passes share a codeword segment (B.10.7)."""
    if style & HIGH_THROUGHPUT:  # a cleanup pass; SigProp and MagRef passes share one (T.814 B.1)
        return 1 if before % 3 == 0 else min(3 - before % 3, passes)
    if style & TERMINATE_ALL:
        return 1
    if style & BYPASS:
        # The first ends with the tenth pass, the cleanup pass of the fourth bit-plane; then two raw passes
        # and a cleanup pass by turns (table D.9).
        room = 10 - before if before < 10 else 2 if (before - 10) % 3 == 0 else 1
        return min(room, passes)
    return passes


def read_blocks(
    data: Bytes, reader: Integers, precinct: Integers, layer: int, style: int, out: Integers, found: int
) -> int:
    """Read what a packet has of the code-blocks of the sub-band ``BAND``, from the ``NEXT`` one on.

    T.800 B.10.4 to B.10.7. Arguments as `read_packet`; returns how many segments ``out`` has then, which
    had ``found`` before.
    """
    band = reader[BAND]
    size = precinct[band]
    nodes = precinct[band + 1]
    parents = band + HEAD
    inclusion = parents + nodes
    planes = inclusion + nodes
    number = reader[NEXT]
    while number < size and (found + MOST_SEGMENTS) * SEGMENT <= len(out):
        block = planes + nodes + number * BLOCK
        number += 1
        if precinct[block] == 0:
            before = reader[POSITION]
            included = below(data, reader, precinct, parents, inclusion, number - 1, layer)
            if included:
                few = below(data, reader, precinct, parents, planes, number - 1, MOST_BIT_PLANES + 1)
                if not few and reader[STATUS] == READ:
                    reader[STATUS] = TOO_MANY_PLANES
                precinct[block] = 3
            # With thousands of layers each node of a tag tree may have thousands of bits.
            reader[WORK] += reader[POSITION] - before
            if reader[STATUS] == READ and reader[WORK] > reader[LIMIT]:
                reader[STATUS] = TOO_MUCH_WORK
            if reader[STATUS] != READ:
                break
        else:
            included = bits(data, reader, 1) == 1
        if not included:
            continue
        precinct[band + 2] = 1
        passes = number_of_passes(data, reader)
        while bits(data, reader, 1):
            precinct[block] += 1
            if precinct[block] > _LIMIT_LENGTH_BITS:
                reader[STATUS] = LONG_LENGTH
                return found
        passed = precinct[block + 1]
        if style & HIGH_THROUGHPUT and precinct[block + 2] == 0:
            # Placeholder passes, three for each bit-plane left out, precede the first cleanup pass and count
            # in its segment. As long as there are only those, the length is zero, in as many bits as all
            # passes of the packet call for (T.814 B.2, B.3).
            refinements = (passed + passes - 1) % 3
            together = passes - refinements if passes > refinements else passes
            length = bits(data, reader, precinct[block] + places(together))
            if length == 0:
                length = bits(data, reader, places(passes) - places(together))
                together = passes
            elif passes > refinements:
                precinct[block + 2] = 1
            possible = precinct[block + 2] == 1 and 2 <= length < _CLEANUP_LENGTHS_END
            if length and not possible and reader[STATUS] == READ:
                reader[STATUS] = NO_CLEANUP_LENGTH
                reader[DETAIL] = length
        else:
            together = passes_together(passed, passes, style)
            length = bits(data, reader, precinct[block] + places(together))
        while True:
            row = found * SEGMENT
            out[row] = precinct[band + 3]
            out[row + 1] = number - 1
            out[row + 2] = precinct[planes + number - 1] >> 1
            out[row + 3] = passed
            out[row + 4] = length
            out[row + 5] = together
            found += 1
            reader[BODY] += length
            passed += together
            passes -= together
            if passes == 0:
                break
            together = passes_together(passed, passes, style)
            length = bits(data, reader, precinct[block] + places(together))
        precinct[block + 1] = passed
        if reader[STATUS] != READ:
            break
    reader[NEXT] = number
    return found


def read_packet(
    data: Bytes, reader: Integers, precinct: Integers, layer: int, style: int, out: Integers
) -> int:
    """Read what a packet has of its precinct, in its header, which was gone to by `start`.

    layer: counted from 1. style: that of the code-blocks. out: takes codeword segments, of `SEGMENT`
    integers each, as long as it has room for all that a code-block can have.

    Returns how many it took. All is read once ``BAND`` is behind the last sub-band; till then it is to be
    called again.
    """
    found = 0
    while reader[BAND] < len(precinct):
        band = reader[BAND]
        size = precinct[band]
        nodes = precinct[band + 1]
        if reader[NEXT] == 0:
            parents = band + HEAD
            # Tag trees are read from the root on, for the first code-block in any case.
            if precinct[band + 2] or below(
                data, reader, precinct, parents, parents + nodes, nodes - 1, layer
            ):
                reader[WORK] += size
                if reader[STATUS] == READ and reader[WORK] > reader[LIMIT]:
                    reader[STATUS] = TOO_MUCH_WORK
            else:
                reader[NEXT] = size
            if reader[STATUS] != READ:
                return found
        found = read_blocks(data, reader, precinct, layer, style, out, found)
        if reader[STATUS] != READ or reader[NEXT] < size:
            return found
        reader[BAND] = band + HEAD + 3 * nodes + BLOCK * size
        reader[NEXT] = 0
    return found


def read_header(
    data: Bytes,
    reader: Integers,
    precinct: Integers,
    position: int,
    end: int,
    layer: int,
    style: int,
    out: Integers,
) -> int:
    """`start`, `read_packet` and, where all was read, `finish` in one call, of which there are many."""
    if start(data, reader, position, end) == 0:
        reader[BAND] = len(precinct)
        found = 0
    else:
        found = read_packet(data, reader, precinct, layer, style, out)
    if reader[STATUS] == READ and reader[BAND] >= len(precinct):
        finish(data, reader)
    return found


def check_suffixes(data: Bytes, position: int, segments: Integers, count: int) -> int:
    """Whether the last bytes of HT cleanup segments tell a possible length of their suffix.

    Scup is 2 to 4079 and at most the segment's length (T.814 7.1.1). segments: ``count`` of those that
    `read_packet` gave, whose bytes lie in ``data`` from ``position`` on. Returns where they end, -1 where
    one of them is not possible.
    """
    for row in range(0, count * SEGMENT, SEGMENT):
        length = segments[row + 4]
        position += length
        if length and (segments[row + 3] + segments[row + 5]) % 3 == 1:  # the last pass is a cleanup pass
            suffix = data[position - 1] << 4 | data[position - 2] & 15
            if not 2 <= suffix <= min(length, 4079):
                return -1
    return position
