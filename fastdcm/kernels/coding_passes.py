"""The coding passes over a bit-plane of a code-block (ITU-T T.800 D.3 to D.6).

They work on groups of 8 columns of a stripe (`block_windows`). ``scratch`` has what the MQ decoder is at,
where in ``words`` the magnitudes of a group are, and four kinds of flags; ``words`` the magnitudes, and
behind them what the MQ decoder reads.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.block_windows import (
    CONTEXT,
    CORNER,
    FIRST_ROW,
    FLIP,
    FLIP_TO_SIGN,
    INSIDE,
    LATER,
    NEXT_FIRST,
    REST_OF_COLUMN,
    SAMPLE,
    SIGN_TO_FLIP,
    WHOLE_COLUMN,
    count_columns,
    inside,
    sign_context,
    touched,
    window,
    zero_context,
)
from fastdcm.kernels.inlined import chosen, inlined, trailing_zeros
from fastdcm.kernels.mq import (
    AHEAD,
    ENOUGH_AHEAD,
    INTERVAL,
    LAST,
    MQ_SIZE,
    POSITION,
    QE,
    A,
    C,
    decide,
    decode,
    raw_bit,
)

_0, _1 = np.uint64(0), np.uint64(1)
# The largest Qe of which an interval often has room for several.
_SMALL_QE = np.uint64(0x0AC1 << 47)
# The largest Qe of which it may have room for as many as a code-block usually has columns.
_USUAL_WIDTH, _SMALLEST_QE = 64, np.uint64(0x0111 << 47)

# Contexts (table D.7): zero coding has 0 to 8, sign coding 9 to 13.
_REFINEMENT, _RUN_LENGTH, _UNIFORM = np.uint64(14), np.uint64(17), np.uint64(18)

MOST_SAMPLES, LONGEST_SIDE = 4096, 1024  # A.6.1, table A.18
# Groups with one more on each side: no shape has more than 256 stripes of 1 group.
FLAGS = 258 * 3
# Behind the MQ decoder's part: where in ``words`` the magnitudes of a group are, and the kinds of flags.
_PLACES = np.uint64(MQ_SIZE)
START = MQ_SIZE + 64
_SIGNIFICANT, _NEGATIVE, _VISITED, _REFINED = (np.uint64(START + FLAGS * number) for number in range(4))
# Behind the magnitudes, of groups of 32 each: the words of the MQ decoder.
CODE = 2 * MOST_SAMPLES
SCRATCH_SIZE = START + 4 * FLAGS

_W, _F = "uint32[::1]", "uint64[::1]"
_WORK = f"{_F}, {_W}"  # scratch, words
_PASS = f"void({_WORK}, int64, int64, uint64, uint64, uint64)"


@inlined(f"uint64({_F}, uint64, uint64)")
def any_significant(scratch, row, pitch):  # type: ignore[no-untyped-def]
    """What is significant in a stripe and those above and below; ``row`` is where its groups start."""
    found = _0
    for group in range(row - pitch, row + pitch + pitch):
        found |= scratch[_SIGNIFICANT + np.uint64(group)]
    return found


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
            possible = ~significant >> CORNER
            possible &= inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = touched(significant) >> CORNER & possible
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
                sample = SAMPLE << at
                woken = (LATER << at) & possible
                more = candidates | woken
                with_it = significant | sample
                if_zero = zero_context(contexts, significant, trailing_zeros(candidates))
                if_one = zero_context(contexts, with_it, trailing_zeros(more))
                sign = sign_context(contexts, significant, negative, at)
                state = scratch[context]
                interval, code, state, decision, shift = decide(scratch, interval, code, state, state & QE)
                is_one = np.int64(decision) < 0
                scratch[context] = state
                ahead -= shift
                candidates = chosen(is_one, more, candidates)
                significant = chosen(is_one, with_it, significant)
                context = chosen(is_one, if_one, if_zero)
                # A sign is decided in any case; where there is none, without consequence.
                state = scratch[sign & CONTEXT]
                qe = chosen(is_one, state & QE, _0)
                interval, code, state, decision, shift = decide(scratch, interval, code, state, qe)
                scratch[sign & CONTEXT] = state
                ahead -= shift
                flip = chosen(is_one, (decision >> SIGN_TO_FLIP ^ sign) & FLIP, _0)
                words[base + scratch[_PLACES + at]] = np.uint32(
                    chosen(is_one, value, _0) | flip << FLIP_TO_SIGN
                )
                negative |= flip << at
                if np.int64(ahead) < ENOUGH_AHEAD:
                    code += np.uint64(words[position]) << (np.uint64(ENOUGH_AHEAD) - ahead)
                    ahead += np.uint64(32)
                    position = min(position + _1, last)
            found = ((significant & INSIDE) ^ scratch[_SIGNIFICANT + group]) >> CORNER
            scratch[_VISITED + group] |= (found << 1 | found << 5 | found << 6 | found << 7) & possible
            scratch[_SIGNIFICANT + group] = significant & INSIDE
            scratch[_NEGATIVE + group] = negative << 1 & INSIDE
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
            candidates = scratch[_SIGNIFICANT + group] >> CORNER & ~scratch[_VISITED + group]
            if candidates == 0:
                continue
            refined = scratch[_REFINED + group]
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            scratch[_REFINED + group] = refined | candidates
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            column = significant | significant << 1 | significant >> 1
            # A sample is significant itself: only others count (table D.4).
            others = significant << 1 | significant >> 1 | column << 6 | column >> 6
            others = others >> CORNER & ~refined
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                context = _REFINEMENT + ((refined >> at & _1) << 1) + (others >> at & _1)
                interval, code, ahead, position, state, decision = decode(
                    scratch, words, last, interval, code, ahead, position, scratch[context]
                )
                scratch[context] = state
                words[base + scratch[_PLACES + at]] ^= refinement(np.int64(decision) < 0, plane)
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION] = interval, code, ahead, position


@inlined("uint32(boolean, uint64)")
def refinement(decision, plane):  # type: ignore[no-untyped-def]
    """What changes in a magnitude, whose half of the plane above is in the place of this plane's bit."""
    return np.uint32(chosen(decision, _1 << plane, np.uint64(3) << plane))


@inlined("uint64(uint64, uint64, uint64, uint64, uint64)")
def step_over(interval, code, state, most, columns):  # type: ignore[no-untyped-def]
    """By how much A and C fall where so many columns have nothing that becomes significant; 0 if unknown.

    ``state`` is that of the run-length context: it and A's place stay. most: the largest Qe to try.
    """
    qe = (state & QE) * columns
    if state >> 63 == 0 and state & QE <= most and code >= qe and interval >= INTERVAL + qe:
        return qe
    return _0


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
        if (
            width <= _USUAL_WIDTH
            and height - 4 * stripe >= 4
            and scratch[_RUN_LENGTH] & QE <= _SMALLEST_QE
            and any_significant(scratch, row, pitch) == 0
        ):
            # All columns start with a run-length: often they take one step together.
            qe = step_over(interval, code, scratch[_RUN_LENGTH], _SMALLEST_QE, np.uint64(width))
            if qe != 0:
                code -= qe
                interval -= qe
                continue
        for number in range(groups):
            group = row + np.uint64(number) + _1
            samples = inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = ~(scratch[_SIGNIFICANT + group] >> CORNER | scratch[_VISITED + group]) & samples
            scratch[_VISITED + group] = 0
            if candidates == 0:
                continue
            significant = window(scratch, _SIGNIFICANT + group, pitch, below)
            if significant == 0 and height - 4 * stripe >= 4:
                columns = np.uint64(min(8, width - 8 * np.int64(number)))
                qe = step_over(interval, code, scratch[_RUN_LENGTH], _SMALL_QE, columns)
                if qe != 0:
                    code -= qe
                    interval -= qe
                    continue
            negative = _0
            if significant != 0:
                negative = window(scratch, _NEGATIVE + group, pitch, below) >> _1
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            runs = _0  # the first samples of columns that start with a run-length
            if height - 4 * stripe >= 4:
                near = touched(significant)
                near |= near >> 1
                near |= near >> 2
                runs = ~near >> CORNER & FIRST_ROW & samples
                candidates &= ~(runs * REST_OF_COLUMN)
            while candidates != 0:
                at = trailing_zeros(candidates)
                if runs >> at & _1:
                    # Columns that follow each other without anything significant take one step together.
                    others = candidates & ~runs
                    together = candidates & ((others & (_0 - others)) - _1)
                    state = scratch[_RUN_LENGTH]
                    qe = step_over(interval, code, state, _SMALL_QE, count_columns(together))
                    if qe != 0:
                        code -= qe
                        interval -= qe
                        candidates ^= together
                        continue
                    candidates &= candidates - _1
                    interval, code, ahead, position, state, decision = decode(
                        scratch, words, last, interval, code, ahead, position, state
                    )
                    scratch[_RUN_LENGTH] = state
                    if np.int64(decision) >= 0:
                        continue
                    interval, code, ahead, position, state, high = decode(
                        scratch, words, last, interval, code, ahead, position, scratch[_UNIFORM]
                    )
                    interval, code, ahead, position, state, low = decode(
                        scratch, words, last, interval, code, ahead, position, state
                    )
                    scratch[_UNIFORM] = state
                    run = high >> 63 << 1 | low >> 63
                    candidates |= (REST_OF_COLUMN << (at + run)) & (WHOLE_COLUMN << at)
                    at += run
                else:
                    candidates &= candidates - _1
                    context = zero_context(contexts, significant, at)
                    interval, code, ahead, position, state, decision = decode(
                        scratch, words, last, interval, code, ahead, position, scratch[context]
                    )
                    scratch[context] = state
                    if np.int64(decision) >= 0:
                        continue
                sign = sign_context(contexts, significant, negative, at)
                significant |= SAMPLE << at
                woken = runs & (NEXT_FIRST << at)
                runs ^= woken
                candidates |= woken * WHOLE_COLUMN
                context = sign & CONTEXT
                interval, code, ahead, position, state, decision = decode(
                    scratch, words, last, interval, code, ahead, position, scratch[context]
                )
                scratch[context] = state
                flip = (decision >> SIGN_TO_FLIP ^ sign) & FLIP
                words[base + scratch[_PLACES + at]] = np.uint32(value | flip << FLIP_TO_SIGN)
                negative |= flip << at
            scratch[_SIGNIFICANT + group] = significant & INSIDE
            scratch[_NEGATIVE + group] |= negative << 1 & INSIDE
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
            possible = ~significant >> CORNER
            possible &= inside(width - 8 * np.int64(number), height - 4 * stripe)
            candidates = touched(significant) >> CORNER & possible
            visited, found = candidates, _0
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                if raw_bit(words, scratch):
                    woken = (LATER << at) & possible
                    candidates |= woken
                    visited |= woken
                    found |= _1 << at
                    sign = raw_bit(words, scratch)
                    words[base + scratch[_PLACES + at]] = np.uint32(value | sign << 31)
                    scratch[_NEGATIVE + group] |= sign << CORNER << at
            scratch[_VISITED + group] = visited
            scratch[_SIGNIFICANT + group] |= found << CORNER


@inlined(_PASS)
def raw_refinement_pass(scratch, words, width, height, contexts, below, plane):  # type: ignore[no-untyped-def]
    """The magnitude refinement pass of a bit-plane, bypassed (D.6)."""
    groups = np.uint64((width + 7) >> 3)
    pitch = groups + np.uint64(2)
    for stripe in range((height + 3) >> 2):
        for number in range(groups):
            group = np.uint64(stripe + 1) * pitch + np.uint64(number) + _1
            candidates = scratch[_SIGNIFICANT + group] >> CORNER & ~scratch[_VISITED + group]
            scratch[_REFINED + group] |= candidates
            base = np.uint64(stripe) * groups * np.uint64(32) + np.uint64(number) * np.uint64(8)
            while candidates != 0:
                at = trailing_zeros(candidates)
                candidates &= candidates - _1
                decision = _0 - raw_bit(words, scratch)
                words[base + scratch[_PLACES + at]] ^= refinement(np.int64(decision) < 0, plane)


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
        symbol = symbol << 1 | decision >> 63
    scratch[A], scratch[C], scratch[AHEAD], scratch[POSITION], scratch[_UNIFORM] = (
        interval,
        code,
        ahead,
        position,
        state,
    )
    return symbol == 0b1010
