"""Coefficient bit modelling (ITU-T T.800 annex D): from the bytes of code-blocks to their coefficients.

A code-block is worked on in groups of 8 columns of a stripe. Whether samples are significant, negative,
visited, refined is one bit each in a word a group; with those around it, a group is a window of 10 columns
by 6 rows, column by column, as they are scanned (figure D.1). docs/jpeg2000.md is a tour of this file.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.inlined import inlined, trailing_zeros
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.mq import (
    AHEAD,
    CONTEXTS,
    ENOUGH_AHEAD,
    INTERVAL,
    LAST,
    MQ_SIZE,
    POSITION,
    QE,
    SPARE_WORDS,
    STATES,
    A,
    C,
    decide,
    decode,
    load_states,
    raw_bit,
    start_mq,
    start_raw,
)

#: The columns of ``blocks``.
CHUNK, CHUNK_END, SEGMENT, SEGMENT_END, PLANES, ORIENTATION, WIDTH, HEIGHT, STYLE, OUT, STRIDE = range(11)
FIELDS = STRIDE + 1
#: What `decode_blocks` returns.
DECODED, WRONG_TABLE, WRONG_SYMBOL = range(3)
#: More than these have no place in 32 bits with a fractional bit and a sign.
MOST_PLANES = 30
# Bits of the code-block style (table A.19).
_BYPASS, _RESET, _TERMINATE_ALL, _CAUSAL, _PREDICTABLE, _SYMBOLS = 1, 2, 4, 8, 16, 32

_0, _1 = np.uint64(0), np.uint64(1)
_COLUMN = 6  # bits of a window's column


def _window(columns: range, rows: range) -> np.uint64:
    return np.uint64(sum(1 << _COLUMN * column + row for column in columns for row in rows))


_INSIDE = _window(range(1, 9), range(1, 5))
_ROW_1, _ROW_4 = _window(range(10), range(1, 2)), _window(range(10), range(4, 5))
_ALL = _window(range(10), range(6))
# A sample has the number that the one to its upper left has in a window: those of a group start at 0.
_CORNER = np.uint64(7)
_SAMPLE = np.uint64(1 << 7)
_GROUP, _FIRST_ROW = _INSIDE >> _CORNER, _window(range(8), range(1))

# Seen from a sample's number, in a window: the nine around it; the ones left, above, below and right of it,
# and the same a place lower.
_AROUND = _window(range(3), range(3))
_CROSS = np.uint64(1 << 1 | 1 << 6 | 1 << 8 | 1 << 13)
_CROSS_SIGNS = _CROSS >> _1
# Seen from a sample, those that come after it and are its neighbours: below it and in the next column.
_LATER = np.uint64(1 << 1 | 1 << 5 | 1 << 6 | 1 << 7)
# Seen from a sample, where the first row of the next column can be.
_NEXT_FIRST = np.uint64(0b1111 << 3)
_REST_OF_COLUMN, _WHOLE_COLUMN = np.uint64(0b1110), np.uint64(0b1111)

# The largest Qe of which an interval often has room for several.
_SMALL_QE = np.uint64(0x0AC1 << 47)
# The largest Qe of which it may have room for as many as a code-block usually has columns.
_USUAL_WIDTH, _SMALLEST_QE = 64, np.uint64(0x0111 << 47)

# Contexts (table D.7): zero coding has 0 to 8, sign coding 9 to 13.
_REFINEMENT, _RUN_LENGTH, _UNIFORM = np.uint64(14), np.uint64(17), np.uint64(18)


def _zero_contexts() -> NDArray[np.uint8]:
    """Table D.1 by orientation and by which of the nine around are significant."""
    index = np.arange(int(_AROUND) + 1)
    west, own, east = index & 7, index >> 6 & 7, index >> 12 & 7
    across = (west >> 1 & 1) + (east >> 1 & 1)
    down = (own & 1) + (own >> 2)
    diagonal = (west & 1) + (west >> 2) + (east & 1) + (east >> 2)

    def columns(h: Any, v: Any) -> Any:
        alone = np.where(v > 0, 2 + v, np.minimum(diagonal, 2))
        one = np.where(v > 0, 7, np.where(diagonal > 0, 6, 5))
        return np.where(h == 2, 8, np.where(h == 1, one, alone))

    both = across + down
    few = np.where(diagonal == 1, 3 + np.minimum(both, 2), np.minimum(both, 2))
    diagonals = np.where(diagonal >= 3, 8, np.where(diagonal == 2, 6 + (both > 0), few))
    return np.array([columns(across, down), columns(down, across), diagonals], np.uint8)


def _sign_contexts() -> NDArray[np.uint8]:
    """Tables D.2 and D.3 by significance and signs around: the context, and `_FLIP` for an XORbit of 1."""
    index = np.arange(int(_CROSS | _CROSS_SIGNS) + 1)
    west, north, south, east = (
        (index >> place & 1) * (1 - 2 * (index >> place - 1 & 1)) for place in (1, 6, 8, 13)
    )
    h, v = np.clip(west + east, -1, 1), np.clip(north + south, -1, 1)
    flip = (h < 0) | ((h == 0) & (v < 0))
    h, v = np.where(flip, -h, h), np.where(flip, -v, v)
    return np.array(np.where(h == 1, 12 + v, 9 + v) | np.where(flip, int(_FLIP), 0), np.uint8)


# For each orientation, zero contexts and behind them sign contexts.
_FLIP, _CONTEXT, _FLIP_TO_SIGN = np.uint64(1 << 6), np.uint64(31), 31 - 6
_SIGNS = _AROUND + _1
_TABLES_SIZE = int(_SIGNS) + len(_sign_contexts())
_TABLES = np.concatenate([np.r_[table, _sign_contexts()] for table in _zero_contexts()])

#: Initial states (table D.7), by row of table C.2 with an MPS of 0.
_INITIAL = np.full(CONTEXTS, STATES[0])
_INITIAL[[0, 17, 18]] = STATES[2 * 4], STATES[2 * 3], STATES[2 * 46]

_MOST_SAMPLES, _LONGEST_SIDE = 4096, 1024  # A.6.1, table A.18
# Groups with one more on each side: no shape has more than 256 stripes of 1 group.
_FLAGS = 258 * 3
# Behind the MQ decoder's part: where in ``words`` the magnitudes of a group are, and the kinds of flags.
_PLACES = np.uint64(MQ_SIZE)
_START = MQ_SIZE + 64
_SIGNIFICANT, _NEGATIVE, _VISITED, _REFINED = (np.uint64(_START + _FLAGS * number) for number in range(4))
# Behind the magnitudes, of groups of 32 each: the words of the MQ decoder.
_CODE = 2 * _MOST_SAMPLES
_SCRATCH_SIZE = _START + 4 * _FLAGS

_W, _F = "uint32[::1]", "uint64[::1]"
_WORK = f"{_F}, {_W}"  # scratch, words
_PASS = f"void({_WORK}, int64, int64, uint64, uint64, uint64)"


def work(longest: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8]]:
    """The scratch memory of `decode_blocks` for code-blocks of up to ``longest`` bytes; for one thread."""
    words = longest // 4 + 1 + SPARE_WORDS
    return (
        np.empty(_SCRATCH_SIZE, np.uint64),
        np.empty(_CODE + words, np.uint32),
        np.empty(longest, np.uint8),
    )


@inlined(f"uint64({_F}, uint64, uint64, uint64)")
def tall(scratch, group, pitch, below):  # type: ignore[no-untyped-def]
    """The samples of a group's columns with those above and below; ``below`` is `_ROW_1`, or 0 for none."""
    return scratch[group] | (scratch[group - pitch] & _ROW_4) >> 4 | (scratch[group + pitch] & below) << 4


@inlined(f"uint64({_F}, uint64, uint64, uint64)")
def window(scratch, group, pitch, below):  # type: ignore[no-untyped-def]
    """One kind of flags of a group and around it."""
    left, right = tall(scratch, group - _1, pitch, below), tall(scratch, group + _1, pitch, below)
    return tall(scratch, group, pitch, below) | left >> 48 | (right << 48 & _ALL)


@inlined("uint64(uint64)")
def touched(significant):  # type: ignore[no-untyped-def]
    """The samples of a window that have, or are, a significant one among the nine around them."""
    column = significant | significant << 1 | significant >> 1
    return column | column << 6 | column >> 6


@inlined("uint64(int64, int64)")
def inside(columns, rows):  # type: ignore[no-untyped-def]
    """The samples that a group has, where so many columns and rows are left of the code-block."""
    samples = _GROUP
    if rows < 4:
        samples = _FIRST_ROW * ((_1 << np.uint64(rows)) - _1)
    if columns < 8:
        samples &= (_1 << np.uint64(6 * columns)) - _1
    return samples


@inlined("uint64(uint64)")
def count_columns(first_samples):  # type: ignore[no-untyped-def]
    """How many of the samples of a group's first row are set."""
    return first_samples * _FIRST_ROW >> 42 & np.uint64(15)


@inlined(f"uint64({_F}, uint64, uint64)")
def any_significant(scratch, row, pitch):  # type: ignore[no-untyped-def]
    """What is significant in a stripe and those above and below; ``row`` is where its groups start."""
    found = _0
    for group in range(row - pitch, row + pitch + pitch):
        found |= scratch[_SIGNIFICANT + np.uint64(group)]
    return found


@inlined("uint64(uint64, uint64, uint64)")
def zero_context(contexts, significant, at):  # type: ignore[no-untyped-def]
    """The context of table D.1; ``contexts`` is where those of the orientation start."""
    return np.uint64(_TABLES[contexts + (significant >> (at & np.uint64(63)) & _AROUND)])


@inlined("uint64(uint64, uint64, uint64, uint64)")
def sign_context(contexts, significant, negative, at):  # type: ignore[no-untyped-def]
    """The context of table D.3 and the XORbit; ``negative`` is a window a place lower."""
    cross = significant >> at & _CROSS | negative >> at & _CROSS_SIGNS
    return np.uint64(_TABLES[contexts + _SIGNS + cross])


@inlined(_PASS)
def significance_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The significance propagation pass of a bit-plane (D.3.1), with signs (D.3.2)."""
    interval, code, ahead, position, last = (
        scratch[A],
        scratch[C],
        scratch[AHEAD],
        scratch[POSITION],
        scratch[LAST],
    )
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    value = np.uint64(3) << plane
    for stripe in range((height + 3) >> 2):
        row = np.uint64(stripe + 1) * pitch
        if any_significant(scratch, row, pitch) == 0:
            continue
        for number in range(groups):
            group = row + np.uint64(number) + _1
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            possible = ~significant >> _CORNER
            possible &= inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = touched(significant) >> _CORNER & possible
            scratch[_VISITED + group] = candidates
            if candidates == 0:
                continue
            negative = window(scratch, _NEGATIVE + group, pitch, below) >> _1
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            context = zero_context(contexts, significant, trailing_zeros(candidates))
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                # The next context is computed before it is known whether this sample is significant.
                sample = _SAMPLE << at
                woken = (_LATER << at) & possible
                if_zero = zero_context(contexts, significant, trailing_zeros(candidates))
                if_one = zero_context(contexts, significant | sample, trailing_zeros(candidates | woken))
                sign = sign_context(contexts, significant, negative, at)
                interval, code, state, is_one, shift = decide(
                    scratch, interval, code, scratch[context], scratch[context] & QE
                )
                scratch[context] = state
                ahead -= shift
                candidates |= woken & is_one
                significant |= sample & is_one
                context = if_zero ^ ((if_zero ^ if_one) & is_one)
                # A sign is decided in any case; where there is none, without consequence.
                state = scratch[sign & _CONTEXT]
                interval, code, state, decision, shift = decide(
                    scratch, interval, code, state, state & QE & is_one
                )
                scratch[sign & _CONTEXT] = state
                ahead -= shift
                decision = (decision ^ sign) & is_one & _FLIP
                words[base + scratch[_PLACES + at]] = np.uint32(value & is_one | decision << _FLIP_TO_SIGN)
                negative |= decision << at
                if np.int64(ahead) < ENOUGH_AHEAD:
                    code += np.uint64(words[position]) << (np.uint64(ENOUGH_AHEAD) - ahead)
                    ahead += np.uint64(32)
                    position = min(position + _1, last)
            found = ((significant & _INSIDE) ^ scratch[_SIGNIFICANT + group]) >> _CORNER
            scratch[_VISITED + group] |= (found << 1 | found << 5 | found << 6 | found << 7) & possible
            scratch[_SIGNIFICANT + group] = significant & _INSIDE
            scratch[_NEGATIVE + group] = negative << 1 & _INSIDE
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION] = interval, code, ahead, position


@inlined(_PASS)
def refinement_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The magnitude refinement pass of a bit-plane (D.3.3)."""
    interval, code, ahead, position, last = (
        scratch[A],
        scratch[C],
        scratch[AHEAD],
        scratch[POSITION],
        scratch[LAST],
    )
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    for stripe in range((height + 3) >> 2):
        row = np.uint64(stripe + 1) * pitch
        for number in range(groups):
            group = row + np.uint64(number) + _1
            candidates = scratch[_SIGNIFICANT + group] >> _CORNER & ~scratch[_VISITED + group]
            if candidates == 0:
                continue
            refined = scratch[_REFINED + group]
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            scratch[_REFINED + group] = refined | candidates
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            column = significant | significant << 1 | significant >> 1
            # A sample is significant itself: only others count (table D.4).
            others = significant << 1 | significant >> 1 | column << 6 | column >> 6
            others = others >> _CORNER & ~refined
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                context = _REFINEMENT + ((refined >> at & _1) << 1) + (others >> at & _1)
                interval, code, ahead, position, state, decision = decode(
                    scratch, words, last, interval, code, ahead, position, scratch[context]
                )
                scratch[context] = state
                words[base + scratch[_PLACES + at]] ^= refinement(decision, plane)
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION] = interval, code, ahead, position


@inlined("uint32(uint64, uint64)")
def refinement(decision, plane):  # type: ignore[no-untyped-def]
    """What changes in a magnitude, whose half of the plane above is in the place of this plane's bit."""
    return np.uint32((np.uint64(3) ^ decision & np.uint64(2)) << plane)


@inlined(_PASS)
def cleanup_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The cleanup pass of a bit-plane (D.3.4), with run-lengths (D.3.5) and signs."""
    interval, code, ahead, position, last = (
        scratch[A],
        scratch[C],
        scratch[AHEAD],
        scratch[POSITION],
        scratch[LAST],
    )
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    value = np.uint64(3) << plane
    for stripe in range((height + 3) >> 2):
        row = np.uint64(stripe + 1) * pitch
        state = scratch[_RUN_LENGTH]
        if (
            state >> 63 == 0
            and state & QE <= _SMALLEST_QE
            and width <= _USUAL_WIDTH
            and height - 4 * stripe >= 4
            and any_significant(scratch, row, pitch) == 0
        ):
            # All columns start with a run-length: often they take one step together.
            qe = (state & QE) * np.uint64(width)
            if code >= qe and interval >= INTERVAL + qe:
                code -= qe
                interval -= qe
                continue
        for number in range(groups):
            group = row + np.uint64(number) + _1
            samples = inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = ~(scratch[_SIGNIFICANT + group] >> _CORNER | scratch[_VISITED + group]) & samples
            scratch[_VISITED + group] = 0
            if candidates == 0:
                continue
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            negative = _0
            if significant != 0:
                negative = window(scratch, _NEGATIVE + group, pitch, below) >> _1
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            runs = _0  # the first samples of columns that start with a run-length
            if height - 4 * stripe >= 4:
                near = touched(significant)
                near |= near >> 1
                near |= near >> 2
                runs = ~near >> _CORNER & _FIRST_ROW & samples
                candidates &= ~(runs * _REST_OF_COLUMN)
            while candidates != 0:
                at = trailing_zeros(candidates)
                if runs >> at & _1:
                    # Columns that follow each other without anything significant take one step together.
                    others = candidates & ~runs
                    together = candidates & ((others & (_0 - others)) - _1)
                    state = scratch[_RUN_LENGTH]
                    qe = (state & QE) * count_columns(together)
                    if (
                        state >> 63 == 0
                        and state & QE <= _SMALL_QE
                        and code >= qe
                        and interval >= INTERVAL + qe
                    ):
                        code -= qe
                        interval -= qe
                        candidates ^= together
                        continue
                    candidates &= candidates - _1
                    interval, code, ahead, position, state, decision = decode(
                        scratch, words, last, interval, code, ahead, position, state
                    )
                    scratch[_RUN_LENGTH] = state
                    if decision == 0:
                        continue
                    interval, code, ahead, position, state, high = decode(
                        scratch, words, last, interval, code, ahead, position, scratch[_UNIFORM]
                    )
                    interval, code, ahead, position, state, low = decode(
                        scratch, words, last, interval, code, ahead, position, state
                    )
                    scratch[_UNIFORM] = state
                    run = high & np.uint64(2) | low & _1
                    candidates |= (_REST_OF_COLUMN << (at + run)) & (_WHOLE_COLUMN << at)
                    at += run
                else:
                    candidates &= candidates - _1
                    context = zero_context(contexts, significant, at)
                    interval, code, ahead, position, state, decision = decode(
                        scratch, words, last, interval, code, ahead, position, scratch[context]
                    )
                    scratch[context] = state
                    if decision == 0:
                        continue
                sign = sign_context(contexts, significant, negative, at)
                significant |= _SAMPLE << at
                woken = runs & (_NEXT_FIRST << at)
                runs ^= woken
                candidates |= woken * _WHOLE_COLUMN
                context = sign & _CONTEXT
                interval, code, ahead, position, state, decision = decode(
                    scratch, words, last, interval, code, ahead, position, scratch[context]
                )
                scratch[context] = state
                decision = (decision ^ sign) & _FLIP
                words[base + scratch[_PLACES + at]] = np.uint32(value | decision << _FLIP_TO_SIGN)
                negative |= decision << at
            scratch[_SIGNIFICANT + group] = significant & _INSIDE
            scratch[_NEGATIVE + group] |= negative << 1 & _INSIDE
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION] = interval, code, ahead, position


@inlined(_PASS)
def raw_significance_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The significance propagation pass of a bit-plane, bypassed (D.6): each decision is a bit."""
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    value = np.uint64(3) << plane
    for stripe in range((height + 3) >> 2):
        for number in range(groups):
            group = np.uint64(stripe + 1) * pitch + np.uint64(number) + _1
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            possible = ~significant >> _CORNER
            possible &= inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = touched(significant) >> _CORNER & possible
            visited, found = candidates, _0
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                if raw_bit(words, scratch):
                    woken = (_LATER << at) & possible
                    candidates |= woken
                    visited |= woken
                    found |= _1 << at
                    sign = raw_bit(words, scratch)
                    words[base + scratch[_PLACES + at]] = np.uint32(value | sign << 31)
                    scratch[_NEGATIVE + group] |= sign << _CORNER << at
            scratch[_VISITED + group] = visited
            scratch[_SIGNIFICANT + group] |= found << _CORNER


@inlined(_PASS)
def raw_refinement_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The magnitude refinement pass of a bit-plane, bypassed (D.6)."""
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    for stripe in range((height + 3) >> 2):
        for number in range(groups):
            group = np.uint64(stripe + 1) * pitch + np.uint64(number) + _1
            candidates = scratch[_SIGNIFICANT + group] >> _CORNER & ~scratch[_VISITED + group]
            scratch[_REFINED + group] |= candidates
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                decision = _0 - raw_bit(words, scratch)
                words[base + scratch[_PLACES + at]] ^= refinement(decision, plane)


@inlined(f"boolean({_W}, {_F})")
def is_symbol(words, scratch):  # type: ignore[no-untyped-def]
    """Whether the four decisions of a segmentation symbol are 1010 (D.5)."""
    interval, code, ahead, position, state = (
        scratch[A],
        scratch[C],
        scratch[AHEAD],
        scratch[POSITION],
        scratch[_UNIFORM],
    )
    symbol = _0
    for _ in range(4):
        interval, code, ahead, position, state, decision = decode(
            scratch, words, scratch[LAST], interval, code, ahead, position, state
        )
        symbol = symbol << 1 | decision & _1
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION], scratch[_UNIFORM] = (
        interval,
        code,
        ahead,
        position,
        state,
    )
    return symbol == 0b1010


@inlined(f"void({_F})")
def reset(scratch):  # type: ignore[no-untyped-def]
    """Set all contexts to their initial states (table D.7)."""
    for context in range(CONTEXTS):
        scratch[context] = _INITIAL[context]


_TABLE, _DATA = "Array(int64, 2, 'C', readonly=True)", "Array(uint8, 1, 'C', readonly=True)"
_SCRATCH = "uint64[::1], uint32[::1], uint8[::1]"


@inlined(f"boolean({_DATA}, {_TABLE}, {_TABLE}, {_TABLE}, int64, uint8[::1], int32[::1])")
def is_possible(data, blocks, chunks, segments, row, source, out):  # type: ignore[no-untyped-def]
    """Whether a row of ``blocks`` is about a code-block for which there is room everywhere."""
    if not (
        0 <= blocks[row, CHUNK] <= blocks[row, CHUNK_END] <= len(chunks)
        and 0 <= blocks[row, SEGMENT] <= blocks[row, SEGMENT_END] <= len(segments)
        and 0 <= blocks[row, ORIENTATION] <= 2
        and 0 <= blocks[row, STYLE] < 2 * _SYMBOLS
    ):
        return False
    width, height, stride, room = blocks[row, WIDTH], blocks[row, HEIGHT], blocks[row, STRIDE], len(out)
    if not (1 <= width <= _LONGEST_SIDE and 1 <= height <= _LONGEST_SIDE and width <= stride <= room):
        return False
    if width * height > _MOST_SAMPLES or not 0 <= blocks[row, OUT] <= room - (height - 1) * stride - width:
        return False
    length = 0
    for chunk in range(blocks[row, CHUNK], blocks[row, CHUNK_END]):
        if not (0 <= chunks[chunk, 0] <= len(data) and 0 <= chunks[chunk, 1] <= len(data) - chunks[chunk, 0]):
            return False
        length += chunks[chunk, 1]
        if length > len(source):
            return False
    planes = blocks[row, PLANES]
    passes = 3 * planes - 2 if planes > 0 else 0
    for segment in range(blocks[row, SEGMENT], blocks[row, SEGMENT_END]):
        if not (0 <= segments[segment, 0] <= length and 0 <= segments[segment, 1] <= passes):
            return False
        length -= segments[segment, 0]
        passes -= segments[segment, 1]
    return length == 0 and planes <= MOST_PLANES


@kernel(
    f"int64({_DATA}, {_TABLE}, {_TABLE}, {_TABLE}, int64, int64, int64, {_SCRATCH}, int32[::1])",
)
def decode_blocks(data, blocks, chunks, segments, first, end, lowest, scratch, words, source, out):  # type: ignore[no-untyped-def]
    """Decode the code-blocks of rows ``first`` to ``end`` - 1 of ``blocks``.

    data: (n,) uint8, the codestream.
    blocks: (m, `FIELDS`) int64, by column: rows of ``chunks``, which are the pieces of the code-block's bytes
    in ``data``; rows of ``segments``; magnitude bit-planes that are coded (Mb - P of B.10.5); 0 for LL and
    LH, 1 for HL, 2 for HH (table D.1); width and height; the code-block style (table A.19); where in ``out``
    the first coefficient is, and how far it is from there to the one below.
    chunks: (k, 2) int64, offset and length. segments: (l, 2) int64, bytes and passes of the codeword segments
    that the pieces make up.
    lowest: the last bit-plane to decode, 0 for all; those below are left out.
    scratch, words, source: of `work`, for as many bytes as a code-block of these has.
    out: (k,) int32, takes coefficients of two's complement with one fractional bit: what is decoded, and half
    the weight of a coefficient's last plane (r = 1/2 of E.1.1.2). Halved and rounded to zero, those of a
    reversible code-block with all its planes are what was coded.

    Returns `DECODED`; `WRONG_TABLE` where a row is not possible, from which on nothing is decoded; or
    `WRONG_SYMBOL` where all is decoded, but a segmentation symbol (D.5) shows that bytes are damaged.
    """
    if blocks.shape[1] != FIELDS or chunks.shape[1] != 2 or segments.shape[1] != 2:
        return WRONG_TABLE
    if not (0 <= first <= end <= len(blocks) and lowest >= 0):
        return WRONG_TABLE
    if len(scratch) < _SCRATCH_SIZE:
        return WRONG_TABLE
    if len(words) < _CODE + len(source) // 4 + 1 + SPARE_WORDS:
        return WRONG_TABLE
    load_states(scratch)
    returned = DECODED
    for row in range(first, end):
        if not is_possible(data, blocks, chunks, segments, row, source, out):
            return WRONG_TABLE
        width, height, style = blocks[row, WIDTH], blocks[row, HEIGHT], blocks[row, STYLE]
        # Indices are unsigned: for others numba would look whether they count from the end.
        length = _0
        for chunk in range(blocks[row, CHUNK], blocks[row, CHUNK_END]):
            offset = np.uint64(chunks[chunk, 0])
            for number in range(np.uint64(chunks[chunk, 1])):
                source[length + number] = data[offset + number]
            length += np.uint64(chunks[chunk, 1])
        groups, stripes = (width + 7) >> 3, (height + 3) >> 2
        for kind in range(4):
            begin = _START + kind * _FLAGS
            scratch[begin : begin + (groups + 2) * (stripes + 2)] = 0
        words[: 32 * groups * stripes] = 0
        for column in range(8):
            for line in range(4):
                scratch[MQ_SIZE + _COLUMN * column + line] = line * 8 * groups + column
        reset(scratch)
        contexts = np.uint64(blocks[row, ORIENTATION] * _TABLES_SIZE)
        below = _0 if style & _CAUSAL else _ROW_1
        plane = blocks[row, PLANES] - 1
        coded = 0  # passes
        position = _0
        for segment in range(blocks[row, SEGMENT], blocks[row, SEGMENT_END]):
            behind = position + np.uint64(segments[segment, 0])
            for number in range(segments[segment, 1]):
                if plane < lowest:
                    break
                kind = (coded + 2) % 3
                # Beyond the fourth bit-plane passes are bypassed, but for cleanup passes (table D.9).
                is_raw = style & _BYPASS != 0 and coded >= 10 and kind < 2
                if number == 0:
                    if is_raw:
                        start_raw(source, position, behind, words, np.uint64(_CODE), scratch)
                    else:
                        start_mq(source, position, behind, words, np.uint64(_CODE), scratch)
                    segment_is_raw = is_raw
                elif is_raw != segment_is_raw:
                    return WRONG_TABLE
                weight = np.uint64(plane)
                if kind == 2:
                    cleanup_pass(scratch, words, width, height, contexts, below, weight)
                    if style & _SYMBOLS and not is_symbol(words, scratch):
                        returned = WRONG_SYMBOL
                    plane -= 1
                elif kind == 1:
                    if is_raw:
                        raw_refinement_pass(scratch, words, width, height, contexts, below, weight)
                    else:
                        refinement_pass(scratch, words, width, height, contexts, below, weight)
                elif is_raw:
                    raw_significance_pass(scratch, words, width, height, contexts, below, weight)
                else:
                    significance_pass(scratch, words, width, height, contexts, below, weight)
                if style & _RESET:
                    reset(scratch)
                coded += 1
            position = behind
        for line in range(height):
            start = np.uint64(blocks[row, OUT] + line * blocks[row, STRIDE])
            above = np.uint64(line * 8 * groups)
            for column in range(np.uint64(width)):
                magnitude = words[above + column]
                negative = np.int32(magnitude) >> 31
                out[start + column] = (np.int32(magnitude & np.uint32(0x7FFFFFFF)) ^ negative) - negative
    return returned
