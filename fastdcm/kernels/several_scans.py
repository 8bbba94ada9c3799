"""JPEG in several scans to coefficients (ITU-T T.81 annexes F and G): progressive, or sequential.

Coefficients of all blocks are kept until the last scan has come, as `fastdcm.kernels.kept_blocks` lays them
out; `fastdcm.kernels.kept_pixels` makes pixels of them. Scans of one component have the blocks with samples,
others all blocks of their MCUs (A.2).
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.coded_bytes import PADDING
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpeg_layout import LANES
from fastdcm.kernels.jpeg_pixels import (
    ACROSS,
    COMPONENTS,
    DOWN,
    IMAGE,
    UNSURE,
    WHOLE,
    WRONG,
    is_possible,
)
from fastdcm.kernels.kept_blocks import (
    block_at,
    blocks_across,
    blocks_down,
    clear_row,
    first_block,
    first_coefficient,
    own_across,
    own_down,
    row_start,
    times_across,
    times_down,
)
from fastdcm.kernels.progressive_bands import first_of_band, refined_band
from fastdcm.kernels.progressive_tables import (
    BAND,
    COEFFICIENTS,
    DEFINITION,
    DEFINITIONS,
    DIFFERENCES,
    REFINEMENT,
    filled,
)
from fastdcm.kernels.sequential_blocks import (
    BEHIND,
    BITS,
    COUNT,
    LEFT,
    NUMBER,
    PLACES,
    POINTER,
    POSITION,
    PREDICTIONS,
    SIZE,
    block,
    dc_coefficient,
    filled_up,
    is_over,
    opened,
    restarted,
)
from fastdcm.kernels.sequential_blocks import STATE as _STATE
from fastdcm.kernels.sequential_tables import TABLE_SIZE

#: Numbers of a scan: where it starts and ends in the data; MCUs of a restart interval; what it codes;
#: components; the first coefficient, the last one, and by how many bits they are shifted; then, of each of
#: three components, which one it is, and its definitions, of DC and of AC codes.
(START, END, INTERVAL, KIND, PARTS, FIRST, LAST, LOW, PART) = (np.uint64(number) for number in range(9))
_PART = 3
SCAN = 8 + 3 * _PART
#: What scans code: whole blocks; DC coefficients, first or one bit more; a band of AC ones, likewise.
BLOCKS, DC, DC_BITS, BAND_FIRST, BAND_BITS = (np.uint64(number) for number in range(5))
#: Tables of a scan at most: of DC and of AC codes of each of three components.
SLOTS = 6
#: Where the state has, besides a reader's, the tables of each component of a scan, of DC and of AC codes, and
#: where two rows of its blocks start.
_TABLES_AT, _ROWS_AT = np.uint64(_STATE), np.uint64(_STATE + SLOTS)
STATE = _STATE + SLOTS + 6

_DATA, _BYTES, _WORDS = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]", "uint64[::1]"
_SHORTS, _INTEGERS = "int16[::1]", "int32[::1]"
_U = np.uint64
_0, _1, _2, _3, _8, _13, _16, _63, _64 = (_U(each) for each in (0, 1, 2, 3, 8, 13, 16, 63, 64))
_SCAN, _STEP, _DEFINITION, _TABLE = _U(SCAN), _U(_PART), _U(DEFINITION), _U(TABLE_SIZE)
_ROOM = f"{_BYTES}, {_INTEGERS}, {_WORDS}, {_SHORTS}, {_WORDS}"


@inlined(f"boolean({PLACES}, {PLACES}, uint64, uint64, uint64)")
def _scan_fits(image, scans, at, data, definitions):  # type: ignore[no-untyped-def]
    """Whether the numbers of a scan are possible, for as many bytes of data and of definitions."""
    start, end, kind, parts = scans[at + START], scans[at + END], scans[at + KIND], scans[at + PARTS]
    first, last = scans[at + FIRST], scans[at + LAST]
    if start > end or end > data or scans[at + INTERVAL] == _0 or kind > BAND_BITS:
        return False
    if parts == _0 or parts > image[COMPONENTS] or scans[at + LOW] > _13:
        return False
    if kind >= BAND_FIRST and (parts != _1 or first == _0 or first > last or last > _63):
        return False
    for part in range(at + PART, at + PART + parts * _STEP, _STEP):
        if scans[part] >= image[COMPONENTS]:
            return False
        for number in range(_1, _3):
            if scans[part + number] >= definitions // _DEFINITION:
                return False
    return True


@inlined(f"boolean({_DATA}, {PLACES}, {PLACES}, {DEFINITIONS}, {PLACES}, {_ROOM})")
def _fits(  # type: ignore[no-untyped-def]
    data, image, scans, definitions, zigzag, coded, tables, state, coefficients, histories
):
    """Whether arrays are as large as the numbers of an image and of its scans ask for."""
    if len(image) < IMAGE or not is_possible(image) or len(zigzag) != 64 or _U(len(scans)) % _SCAN != _0:
        return False
    farthest = _0
    for number in range(64):
        farthest = max(farthest, zigzag[_U(number)])
    if farthest > _63 * _U(LANES) or _U(len(tables)) < _U(SLOTS) * _TABLE or len(state) < STATE:
        return False
    has_bands = False
    for at in range(_0, _U(len(scans)), _SCAN):
        if not _scan_fits(image, scans, at, _U(len(data)), _U(len(definitions))):
            return False
        if _U(len(coded)) < scans[at + END] - scans[at + START] + _U(PADDING + BEHIND):
            return False
        has_bands |= scans[at + KIND] >= BAND_FIRST
    components = image[COMPONENTS]
    if has_bands and _U(len(histories)) < first_block(image, components):
        return False
    return _U(len(coefficients)) >= first_coefficient(image, components)


@inlined(f"boolean({PLACES}, uint64, {DEFINITIONS}, {_INTEGERS}, {_WORDS})")
def _tables_made(scans, at, definitions, tables, state):  # type: ignore[no-untyped-def]
    """Make the tables of a scan, one for components that share it; whether there can be such."""
    kind, low = scans[at + KIND], scans[at + LOW]
    for number in range(scans[at + PARTS]):
        part = at + PART + _STEP * _U(number)
        for which in range(_2):
            slot = _2 * _U(number) + which
            has_dc, has_ac = kind <= DC, kind == BLOCKS or kind >= BAND_FIRST
            is_used = has_dc if which == _0 else has_ac
            if not is_used:
                continue
            base = slot * _TABLE
            for before in range(_U(number)):
                if scans[at + PART + _STEP * before + _1 + which] == scans[part + _1 + which]:
                    base = state[_TABLES_AT + _2 * before + which]
            state[_TABLES_AT + slot] = base
            if base != slot * _TABLE:
                continue
            use = DIFFERENCES
            if which == _1:
                use = COEFFICIENTS
                if kind == BAND_FIRST:
                    use = BAND
                elif kind == BAND_BITS:
                    use = REFINEMENT
            definition = scans[part + _1 + which] * _DEFINITION
            if not filled(definitions, definition, use, low, tables, base):
                return False
    return True


@inlined(f"void({PLACES}, {PLACES}, uint64, uint64, {PLACES}, {_SHORTS}, {_WORDS})")
def _open_row(image, scans, at, row, zigzag, coefficients, state):  # type: ignore[no-untyped-def]
    """Note where the blocks of a row of MCUs lie; those that are coded first are 0 then."""
    parts, kind = scans[at + PARTS], scans[at + KIND]
    last = _63 if kind == BLOCKS else _0
    for number in range(parts):
        component = scans[at + PART + _STEP * _U(number)]
        across, first = blocks_across(image, component), first_coefficient(image, component)
        high = _1 if parts == _1 else times_down(image, component)
        for y in range(high):
            start = row_start(first, across, row * high + _U(y))
            state[_ROWS_AT + _2 * _U(number) + _U(y)] = start
            if kind != DC_BITS:
                clear_row(coefficients, start, across, _0, last, zigzag)


@inlined(f"boolean({_DATA}, {PLACES}, {PLACES}, uint64, {PLACES}, {_ROOM})")
def _mcus_decoded(  # type: ignore[no-untyped-def]
    data, image, scans, at, zigzag, coded, tables, state, coefficients, histories
):
    """Decode an opened scan of blocks or DC coefficients (F.2.2, G.1.2.1); whether its codes are there."""
    end, interval, kind, low = scans[at + END], scans[at + INTERVAL], scans[at + KIND], scans[at + LOW]
    parts = scans[at + PARTS]
    across, down, all_down = image[ACROSS], image[DOWN], image[DOWN]
    if parts == _1:
        component = scans[at + PART]
        across, down = own_across(image, component), own_down(image, component)
        all_down = blocks_down(image, component)
    pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
    behind = state[SIZE] + _8
    for row in range(all_down):
        _open_row(image, scans, at, row, zigzag, coefficients, state)
        for mcu in range(across if row < down else _0):
            if left == _0:
                state[POINTER], state[BITS], state[COUNT] = pointer, bits, count
                if not restarted(data, end, interval, coded, state):
                    return False
                pointer, bits, count, left = state[POINTER], state[BITS], state[COUNT], state[LEFT]
                behind = state[SIZE] + _8
            left -= _1
            for number in range(parts):
                component = scans[at + PART + _STEP * number]
                dc, ac = state[_TABLES_AT + _2 * number], state[_TABLES_AT + _2 * number + _1]
                wide = _1 if parts == _1 else times_across(image, component)
                high = _1 if parts == _1 else times_down(image, component)
                for y in range(high):
                    start = state[_ROWS_AT + _2 * number + y]
                    for x in range(wide):
                        place = block_at(start, mcu * wide + x)
                        before, is_there = state[PREDICTIONS + component], True
                        if kind == DC_BITS:
                            pointer, bits, count = filled_up(coded, pointer, bits, count)
                            coefficients[place] |= np.int16(bits >> _63 << low)
                            bits <<= _1
                            count -= _1
                        elif kind == DC:
                            pointer, bits, count, before, is_there = dc_coefficient(
                                coded, pointer, bits, count, tables, dc, before
                            )
                            # Sums that grow are an error of libjpeg-turbo's, some time.
                            is_there &= before + _U(1 << 15) >> _16 == _0
                            coefficients[place] = np.int16(before << low)
                        else:
                            pointer, bits, count, before, is_there = block(
                                coded, pointer, bits, count, tables, dc, ac, zigzag, coefficients, place,
                                before,
                            )  # fmt: skip
                        state[PREDICTIONS + component] = before
                        if not is_there or pointer > behind:
                            return False
    state[POINTER], state[BITS], state[COUNT], state[LEFT] = pointer, bits, count, left
    return True


@inlined(f"boolean({_DATA}, {PLACES}, {PLACES}, uint64, {PLACES}, {_ROOM})")
def _band_decoded(  # type: ignore[no-untyped-def]
    data, image, scans, at, zigzag, coded, tables, state, coefficients, histories
):
    """Decode a scan of a band that is opened; whether its codes are there."""
    component = scans[at + PART]
    grid = (
        own_across(image, component), own_down(image, component),
        blocks_across(image, component), blocks_down(image, component),
        first_coefficient(image, component), first_block(image, component),
    )  # fmt: skip
    band = scans[at + FIRST], scans[at + LAST], scans[at + LOW]
    end, interval, table = scans[at + END], scans[at + INTERVAL], state[_TABLES_AT + _1]
    if scans[at + KIND] == BAND_FIRST:
        return first_of_band(
            data, end, interval, grid, band, tables, table, zigzag, coded, coefficients, histories, state
        )
    return refined_band(
        data, end, interval, grid, band, tables, table, zigzag, coded, coefficients, histories, state
    )


@kernel(f"int64({_DATA}, {PLACES}, {PLACES}, {DEFINITIONS}, {PLACES}, {_ROOM})")
def decode_scans(  # type: ignore[no-untyped-def]
    data, image, scans, definitions, zigzag, coded, tables, state, coefficients, histories
):
    """Decode scans, which together code each coefficient of each block first once, into ``coefficients``.

    ``image`` are the numbers of `fastdcm.kernels.jpeg_pixels`, ``scans`` `SCAN` numbers for each, and
    ``definitions`` `DEFINITION` bytes for each of the Huffman tables. ``zigzag`` says where a coefficient of
    the zigzag sequence stands behind the first one. ``coefficients`` and ``histories``, uint64, are as many
    as `fastdcm.kernels.kept_blocks.sizes` tells; these are needed by bands only. The others are room.

    Returns `WHOLE`; `WRONG` where arrays do not fit; `UNSURE` where a scan may not be whole, or has values
    that the samples of no image need.
    """
    if not _fits(data, image, scans, definitions, zigzag, coded, tables, state, coefficients, histories):
        return WRONG
    for number in range(_U(len(histories))):
        histories[number] = 0
    for at in range(_0, _U(len(scans)), _SCAN):
        if not _tables_made(scans, at, definitions, tables, state):
            return UNSURE
        end = scans[at + END]
        state[POSITION] = scans[at + START]
        state[NUMBER] = 0
        opened(data, end, scans[at + INTERVAL], coded, state)
        if scans[at + KIND] >= BAND_FIRST:
            are_there = _band_decoded(
                data, image, scans, at, zigzag, coded, tables, state, coefficients, histories
            )
        else:
            are_there = _mcus_decoded(
                data, image, scans, at, zigzag, coded, tables, state, coefficients, histories
            )
        if not are_there or not is_over(state) or state[POSITION] < end:
            return UNSURE
    return WHOLE
