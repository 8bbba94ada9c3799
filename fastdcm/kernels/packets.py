"""All packets of a codestream, one after the other (ITU-T T.800 annex B): which bytes are whose.

Tables are those of `packet_tables`. ``states`` has what `packet_headers` calls ``precinct``, of all of them,
zeros at first.
"""

from __future__ import annotations

from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.packet_headers import BAND as BAND_READ
from fastdcm.kernels.packet_headers import (
    BLOCK,
    BODY,
    BYTE,
    CUT,
    HEAD,
    HIGH_THROUGHPUT,
    LEFT,
    POSITION,
    READ,
    SEGMENT,
    STATUS,
    TOO_MUCH_WORK,
)
from fastdcm.kernels.packet_headers_compiled import check_suffixes, read_header
from fastdcm.kernels.packet_tables import BAND, BANDS, PRECINCT, RESOLUTION, SHARE, numbers

(
    _TILE, _COMPONENT, _LEVEL, _PRECINCT_WIDTH, _PRECINCT_HEIGHT, _BLOCK_WIDTH, _BLOCK_HEIGHT, _STYLE, _LEFT,
    _TOP, _ACROSS, _DOWN, _ABOVE, _TILE_X, _TILE_Y,
) = numbers(
    RESOLUTION,
    "TILE COMPONENT LEVEL PRECINCT_WIDTH PRECINCT_HEIGHT BLOCK_WIDTH BLOCK_HEIGHT STYLE LEFT TOP ACROSS DOWN "
    "ABOVE TILE_X TILE_Y",
)  # fmt: skip
_X0, _Y0, _X1, _Y1 = numbers(BAND, "X0 Y0 X1 Y1")
TILE, COMPONENT, LEVEL, NUMBER, Y, X, _SHARE, _SHARES, _STATE, _STATE_END, _CODED = range(len(PRECINCT))
(
    _RESOLUTION, _BAND, _BLOCK, _SHARE_X0, _SHARE_Y0, _SHARE_X1, _SHARE_Y1, _WIDTH, _HEIGHT, _BLOCK_LEFT,
    _BLOCK_TOP, _BLOCKS_ACROSS, _BLOCKS_DOWN,
) = range(len(SHARE))  # fmt: skip
#: What `read_packets` and its parts return: how it ended.
WHOLE, WRONG, ENDED, NO_ROOM, TOO_MUCH = range(5)

_SOP, _EPH = 0x91, 0x92  # behind FF
_IN, _OUT = "Array(int64, 1, 'C', readonly=True)", "int64[::1]"
_TABLE, _MADE = "Array(int64, 2, 'C', readonly=True)", "int64[:, ::1]"
_DATA = "Array(uint8, 1, 'C', readonly=True)"


@inlined("int64(int64, int64)")
def tree_nodes(across, down):  # type: ignore[no-untyped-def]
    """How many nodes a tag tree of so many leaves has (B.10.2)."""
    nodes = across * down
    while across * down > 1:
        across = (across + 1) >> 1
        down = (down + 1) >> 1
        nodes += across * down
    return nodes


@inlined(f"int64({_TABLE}, int64, int64, int64, int64, {_MADE}, int64, int64)")
def share_band(resolutions, number, band, row, column, shares, share, block):  # type: ignore[no-untyped-def]
    """Put into ``shares`` what the precinct of a row and column has of a sub-band; its code-blocks (B.7)."""
    level = resolutions[number]
    # Above the lowest resolution a precinct is half as large in each sub-band.
    half = 1 if level[_LEVEL] > 0 else 0
    x_shift = level[_PRECINCT_WIDTH] - half
    y_shift = level[_PRECINCT_HEIGHT] - half
    width = min(level[_BLOCK_WIDTH], x_shift)
    height = min(level[_BLOCK_HEIGHT], y_shift)
    left = (level[_LEFT] + column) << x_shift
    top = (level[_TOP] + row) << y_shift
    place = BANDS + band * len(BAND)
    x0 = max(level[place + _X0], left)
    y0 = max(level[place + _Y0], top)
    x1 = min(level[place + _X1], left + (1 << x_shift))
    y1 = min(level[place + _Y1], top + (1 << y_shift))
    if x0 >= x1 or y0 >= y1:
        return 0
    across = ((x1 - 1) >> width) + 1 - (x0 >> width)
    down = ((y1 - 1) >> height) + 1 - (y0 >> height)
    found = shares[share]
    found[_RESOLUTION], found[_BAND], found[_BLOCK] = number, place, block
    found[_SHARE_X0], found[_SHARE_Y0], found[_SHARE_X1], found[_SHARE_Y1] = x0, y0, x1, y1
    found[_WIDTH], found[_HEIGHT] = width, height
    found[_BLOCK_LEFT], found[_BLOCK_TOP] = x0 >> width, y0 >> height
    found[_BLOCKS_ACROSS], found[_BLOCKS_DOWN] = across, down
    return across * down


@kernel(f"UniTuple(int64, 3)({_TABLE}, {_MADE}, {_MADE}, int64)")
def divide(resolutions, precincts, shares, most):  # type: ignore[no-untyped-def]
    """Divide resolution levels into precincts (B.6), and what these have of sub-bands into code-blocks (B.7).

    precincts: takes a row of each precinct, has just as many; shares: takes up to three of each.

    Returns how many shares and code-blocks there are, and integers of ``states``; -1 as the second where
    there are more than ``most`` code-blocks, or not as many precincts.
    """
    made = 0
    share = 0
    blocks = 0
    size = 0
    for number in range(len(resolutions)):
        level = resolutions[number]
        for index in range(level[_ACROSS] * level[_DOWN]):
            if made == len(precincts) or share + 3 > len(shares):
                return share, -1, size
            row = index // level[_ACROSS]
            column = index - row * level[_ACROSS]
            precinct = precincts[made]
            precinct[TILE], precinct[COMPONENT] = level[_TILE], level[_COMPONENT]
            precinct[LEVEL], precinct[NUMBER], precinct[_CODED] = level[_LEVEL], index, level[_STYLE]
            y_shift = level[_PRECINCT_HEIGHT] + level[_ABOVE]
            x_shift = level[_PRECINCT_WIDTH] + level[_ABOVE]
            precinct[Y] = max(level[_TILE_Y], (level[_TOP] + row) << y_shift)
            precinct[X] = max(level[_TILE_X], (level[_LEFT] + column) << x_shift)
            precinct[_SHARE], precinct[_STATE] = share, size
            for band in range(3):
                more = share_band(resolutions, number, band, row, column, shares, share, blocks)
                if more > most - blocks:
                    return share, -1, size
                if more > 0:
                    nodes = tree_nodes(shares[share, _BLOCKS_ACROSS], shares[share, _BLOCKS_DOWN])
                    size += HEAD + 3 * nodes + BLOCK * more
                    blocks += more
                    share += 1
            precinct[_SHARES], precinct[_STATE_END] = share - precinct[_SHARE], size
            made += 1
    return share, blocks if made == len(precincts) else -1, size


@inlined(f"void({_IN}, {_TABLE}, {_OUT})")
def begin(precinct, shares, state):  # type: ignore[no-untyped-def]
    """What `packet_headers` calls ``precinct``, before the first packet that is not empty."""
    start = 0
    for number in range(precinct[_SHARES]):
        across = shares[precinct[_SHARE] + number, _BLOCKS_ACROSS]
        down = shares[precinct[_SHARE] + number, _BLOCKS_DOWN]
        size = across * down
        nodes = tree_nodes(across, down)
        state[start], state[start + 1], state[start + 2], state[start + 3] = size, nodes, 0, number
        start += HEAD
        node = 0
        while across * down > 1:
            above = node + across * down
            half = (across + 1) >> 1
            for y in range(down):
                for x in range(across):
                    state[start + node] = above + (y >> 1) * half + (x >> 1)
                    node += 1
            across = half
            down = (down + 1) >> 1
        state[start + node] = node  # the root is its own parent
        start += 3 * nodes + BLOCK * size


@inlined(f"UniTuple(int64, 2)({_DATA}, int64, int64, int64)")
def behind_sop(data, position, end, count):  # type: ignore[no-untyped-def]
    """How it is with an SOP segment, whose Nsop counts the tile's packets (A.8.1), and the place behind."""
    if position + 2 > end or data[position] != 0xFF or data[position + 1] != _SOP:
        return WHOLE, position
    if position + 6 > end:
        return ENDED, position
    is_next = data[position + 4] << 8 | data[position + 5] == count & 0xFFFF
    if data[position + 2] != 0 or data[position + 3] != 4 or not is_next:
        return WRONG, position
    return WHOLE, position + 6


@inlined(f"UniTuple(int64, 2)({_DATA}, int64, int64, int64)")
def behind_eph(data, position, end, required):  # type: ignore[no-untyped-def]
    """How it is with an EPH marker (A.8.2), and the place behind."""
    if position + 2 > end:
        return ENDED if required else WHOLE, position
    if data[position] == 0xFF and data[position + 1] == _EPH:
        return WHOLE, position + 2
    return WRONG if required else WHOLE, position


@inlined(f"int64({_IN}, int64)")
def fill_of(reader, fill):  # type: ignore[no-untyped-def]
    """The bit that a header's last byte is filled up with, ``fill`` those before, -1 is none; -2: no such."""
    left = reader[LEFT]
    if left == 0:
        return fill
    mask = (1 << left) - 1
    padding = reader[BYTE] & mask
    bit = padding & 1
    return bit if padding == bit * mask and (fill < 0 or fill == bit) else -2


@inlined(f"int64({_IN})")
def ending(reader):  # type: ignore[no-untyped-def]
    """How a header ended that `packet_headers` read."""
    if reader[STATUS] == READ:
        return WHOLE
    if reader[STATUS] == CUT:
        return ENDED
    return TOO_MUCH if reader[STATUS] == TOO_MUCH_WORK else WRONG


@inlined(f"int64({_OUT}, {_OUT}, int64, int64, int64, int64, int64)")
def locate(rows, offsets, found, number, share, position, end):  # type: ignore[no-untyped-def]
    """Give ``number`` segments behind ``found`` their shares and offsets; how many end by ``end``."""
    for row in range(found, found + number):
        offsets[row] = position
        position += rows[row * SEGMENT + 4]
        if position > end:
            return row - found
        rows[row * SEGMENT] += share
    return number


@kernel(
    f"UniTuple(int64, 2)({_DATA}, {_TABLE}, {_TABLE}, {_TABLE}, {_TABLE}, {_TABLE}, {_OUT}, {_OUT}, {_OUT}, "
    f"{_OUT}, {_OUT}, int64)"
)
def read_packets(data, tiles, parts, order, precincts, shares, states, reader, ends, rows, offsets, partial):  # type: ignore[no-untyped-def]
    """Read the packets of all tiles.

    tiles: (n, 5), from which row to which of ``parts`` its tile-parts are, from which to which of ``order``
    its packets, whether EPH markers are required. parts: (m, 2), where packets of a tile-part begin and end
    in ``data``. order: (k, 2), precinct and layer of each packet. reader: of `packet_headers`, with its
    ``LIMIT``. ends: (k,), takes where each packet ends. rows, offsets: take codeword segments in the order of
    packets: `SEGMENT` integers, of which the first is the number of the share, and the offset in ``data``.
    partial: whether a tile may end early. Of HT code-blocks the ends of cleanup passes are checked, too.

    Returns how it ended and how many segments there are: `WHOLE`; `WRONG` where packets do not fill their
    tile-parts, or are damaged; `ENDED` where they are cut, and that is not allowed; `NO_ROOM` in ``rows``;
    `TOO_MUCH` work.
    """
    found = 0
    if len(offsets) * SEGMENT < len(rows) or len(ends) < len(order):
        return WRONG, found
    for tile in range(len(tiles)):
        packet, last, eph = tiles[tile, 2], tiles[tile, 3], tiles[tile, 4]
        first = packet
        fill = -1
        how = WHOLE
        for part in range(tiles[tile, 0], tiles[tile, 1]):
            position, end = parts[part, 0], min(parts[part, 1], len(data))
            while how == WHOLE and position < end:
                if packet == last:
                    return WRONG, found
                how, position = behind_sop(data, position, end, packet - first)
                if how != WHOLE:
                    break
                precinct = precincts[order[packet, 0]]
                state = states[precinct[_STATE] : precinct[_STATE_END]]
                if position < end and data[position] & 0x80 and len(state) > 0 and state[0] == 0:
                    begin(precinct, shares, state)
                room = rows[found * SEGMENT :]
                layer = order[packet, 1] + 1
                style = precinct[_CODED]
                number = read_header(data, reader, state, position, end, layer, style, room)
                how = ending(reader)
                if how != WHOLE:
                    break
                if reader[BAND_READ] < len(state):
                    return NO_ROOM, found
                fill = fill_of(reader, fill)
                if fill < -1:
                    return WRONG, found
                how, position = behind_eph(data, reader[POSITION], end, eph)
                if how != WHOLE:
                    break
                found += locate(rows, offsets, found, number, precinct[_SHARE], position, end)
                body = position
                position += reader[BODY]
                ends[packet] = position
                packet += 1
                if position > end:
                    how = ENDED
                elif style & HIGH_THROUGHPUT and check_suffixes(data, body, room, number) < 0:
                    return WRONG, found
        if how > ENDED or how == WRONG:
            return how, found
        if not partial and (how == ENDED or packet < last):
            return ENDED, found
    return WHOLE, found
