"""From packets to code-blocks (ITU-T T.800 B.7, B.10.7): the tables that `code_blocks` decodes.

``resolutions`` and ``shares`` are those of `packet_tables`.
"""

from __future__ import annotations

from fastdcm.kernels.code_blocks import (
    BYTES,
    CHUNK,
    CHUNK_END,
    HEIGHT,
    MOST_PLANES,
    ORIENTATION,
    OUT,
    PLANES,
    SEGMENT,
    SEGMENT_END,
    STRIDE,
    STYLE,
    WIDTH,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.packet_headers import BYPASS, TERMINATE_ALL
from fastdcm.kernels.packet_headers import SEGMENT as ROW
from fastdcm.kernels.packet_tables import BAND, RESOLUTION, SHARE, numbers

_TILE, _COMPONENT, _KEPT, _STRIDE, _STYLE = numbers(RESOLUTION, "TILE COMPONENT KEPT STRIDE STYLE")
_TO_X, _TO_Y, _PLANES, _ORIENTATION = numbers(BAND, "TO_X TO_Y PLANES ORIENTATION")
_RESOLUTION, _BAND, _BLOCK, _X0, _Y0, _X1, _Y1, _WIDTH, _HEIGHT, _LEFT, _TOP, _ACROSS, _DOWN = range(
    len(SHARE)
)

_IN, _OUT = "Array(int64, 1, 'C', readonly=True)", "int64[::1]"
_TABLE, _MADE = "Array(int64, 2, 'C', readonly=True)", "int64[:, ::1]"


@inlined("boolean(int64, int64)")
def begins_segment(before, style):  # type: ignore[no-untyped-def]
    """Whether the coding pass after so many begins a codeword segment (D.4.2, table D.9).

    With bypass the first one takes ten passes, then two raw ones and a cleanup pass follow by turns.
    """
    if before == 0 or style & TERMINATE_ALL:
        return True
    return style & BYPASS != 0 and before >= 10 and (before - 10) % 3 != 1


@inlined(f"void({_TABLE}, {_TABLE}, int64, int64, {_OUT})")
def place_block(resolutions, shares, share, number, row):  # type: ignore[no-untyped-def]
    """The fields from ORIENTATION on of ``row``, of the code-block of this number in a share (B.7)."""
    at = shares[share]
    level = resolutions[at[_RESOLUTION]]
    width, height, band = at[_WIDTH], at[_HEIGHT], at[_BAND]
    down = number // at[_ACROSS]
    x = at[_LEFT] + number - down * at[_ACROSS]
    y = at[_TOP] + down
    x0, x1 = max(x << width, at[_X0]), min((x + 1) << width, at[_X1])
    y0, y1 = max(y << height, at[_Y0]), min((y + 1) << height, at[_Y1])
    left, top = x0 + level[band + _TO_X], y0 + level[band + _TO_Y]
    row[ORIENTATION], row[WIDTH], row[HEIGHT] = level[band + _ORIENTATION], x1 - x0, y1 - y0
    row[STYLE], row[OUT], row[STRIDE] = level[_STYLE], top * level[_STRIDE] + left, level[_STRIDE]


@inlined(f"void({_TABLE}, {_TABLE}, {_IN}, int64, {_OUT}, {_OUT})")
def sort_by_block(resolutions, shares, rows, found, starts, order):  # type: ignore[no-untyped-def]
    """Put into ``order`` the numbers of the segments that are wanted, code-block by code-block.

    starts: (code-blocks + 1,), zeros; takes where those of each end.
    """
    for row in range(found):
        share = rows[row * ROW]
        if resolutions[shares[share, _RESOLUTION], _KEPT]:
            starts[shares[share, _BLOCK] + rows[row * ROW + 1] + 1] += 1
    for block in range(1, len(starts)):
        starts[block] += starts[block - 1]
    for row in range(found):
        share = rows[row * ROW]
        if resolutions[shares[share, _RESOLUTION], _KEPT]:
            block = shares[share, _BLOCK] + rows[row * ROW + 1]
            order[starts[block]] = row
            starts[block] += 1


@kernel(
    f"int64({_TABLE}, {_TABLE}, {_IN}, {_IN}, int64, int64, {_OUT}, {_OUT}, {_MADE}, {_MADE}, {_MADE}, "
    f"{_MADE}, {_OUT})"
)
def collect(  # type: ignore[no-untyped-def]
    resolutions, shares, rows, offsets, found, components, starts, order, blocks, chunks, segments, ends,
    wrong,
):  # fmt: skip
    """Put together what packets have of each code-block.

    rows, offsets, found: what `read_packets` gave. starts: (code-blocks + 1,), zeros; order: (found,), for
    the kernel's use. blocks, chunks, segments: take the tables of `code_blocks.decode_blocks`, tile-component
    by tile-component, whose numbers of rows start from 0 each time; have room for all code-blocks, and twice
    for ``found`` rows. Code-blocks that packets have nothing of have no bit-planes. ends: (tiles x
    components, 3), takes where the part of each that has some ends in the three tables. wrong: (3,).

    Returns how many bytes the longest code-block has, or -1 where one is not possible: those that packets
    have something of have 1 to `MOST_PLANES` bit-planes, the first of one coding pass, others of three (D.3).
    Of one that has not, ``wrong`` takes the passes, its bit-planes of zeros, and those of its sub-band.
    """
    block, chunk, segment = -1, -1, -1
    component = -1
    first_chunk, first_segment = 0, 0
    longest = 0
    sort_by_block(resolutions, shares, rows, found, starts, order)
    place = 0
    for share in range(len(shares)):
        level = resolutions[shares[share, _RESOLUTION]]
        if not level[_KEPT]:
            continue
        if level[_TILE] * components + level[_COMPONENT] != component:
            component = level[_TILE] * components + level[_COMPONENT]
            first_chunk, first_segment = chunk + 1, segment + 1
        for number in range(shares[share, _ACROSS] * shares[share, _DOWN]):
            block += 1
            row = blocks[block]
            row[CHUNK], row[SEGMENT], row[PLANES] = chunk + 1 - first_chunk, segment + 1 - first_segment, 0
            place_block(resolutions, shares, share, number, row)
            behind, passes, size = -1, 0, 0
            while place < starts[shares[share, _BLOCK] + number]:
                start, offset = order[place] * ROW, offsets[order[place]]
                zeros, before, length, more = (
                    rows[start + 2],
                    rows[start + 3],
                    rows[start + 4],
                    rows[start + 5],
                )
                place += 1
                if offset != behind:  # of another packet
                    chunk += 1
                    chunks[chunk, 0], chunks[chunk, 1] = offset, 0
                if begins_segment(before, level[_STYLE]):
                    segment += 1
                    segments[segment, 0], segments[segment, 1] = 0, 0
                chunks[chunk, 1] += length
                segments[segment, 0] += length
                segments[segment, 1] += more
                behind = offset + length
                passes += more
                size += length
                planes = level[shares[share, _BAND] + _PLANES] - zeros
                if not 1 <= planes <= MOST_PLANES or passes > 3 * planes - 2:
                    wrong[0], wrong[1], wrong[2] = passes, zeros, planes + zeros
                    return -1
                row[PLANES] = planes
            longest = max(longest, size)
            row[BYTES] = size
            row[CHUNK_END], row[SEGMENT_END] = chunk + 1 - first_chunk, segment + 1 - first_segment
        ends[component, 0], ends[component, 1], ends[component, 2] = block + 1, chunk + 1, segment + 1
    return longest
