"""Scans of JPEG-LS to samples (ITU-T T.87 annexes A and B).

Names are the standard's: Ra, Rb, Rc are the reconstructed samples to the left, above and to the upper left
(figure 3), A, B, C, N the variables of a context, SIGN is 0 or -1, so that ``(v ^ SIGN) - SIGN`` turns v by
it. Two of the three gradients lie in the line above: they are quantized for a whole line at once.
docs/jpegls.md is a tour of this file.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.golomb_codes import (
    BYTES,
    END,
    FILLED,
    PADDED,
    POSITION,
    READER_SIZE,
    SOURCE,
    WINDOW,
    fill,
    golomb,
    parameter,
)
from fastdcm.kernels.inlined import inlined, leading_zeros
from fastdcm.kernels.jit import kernel

#: What a kernel returns: all samples are there; the data ends before; a code that there cannot be; bits are
#: left over behind the last sample; arguments that do not fit each other.
WHOLE, CUT, DAMAGED, LEFT_OVER, WRONG = range(5)
#: The fields of ``coding`` (A.2.1, C.2.4.1.1). STEP is 2 * NEAR + 1, BITS is qbpp.
NEAR, STEP, MAXVAL, RANGE, BITS, LIMIT, T1, T2, T3, RESET = range(10)
CODING = RESET + 1
#: Fields of a context; K is the Golomb parameter of A and N. In those of run interruptions, B is Nn.
A, B, C, N, K = (np.uint64(field) for field in range(5))
FIELDS = 8
#: 365 of regular mode, two of run interruptions.
CONTEXTS = 367
_RUN_0, _RUN_INDEX = np.uint64(FIELDS * 365), np.uint64(FIELDS * CONTEXTS)

#: Samples of a line beside those of its columns: one to the left, and what `repeat` may write to the right.
SPARE = 9
_SPARE = np.uint64(SPARE)
_MOST_K, _MOST_ZEROS = 16, 16
#: A.7.1.1, by RUNindex.
_J = np.array([0] * 4 + [1] * 4 + [2] * 4 + [3] * 4 + [4, 4, 5, 5, 6, 6, 7, 7, *range(8, 16)], np.int64)
_LAST_ORDER = np.int64(len(_J) - 1)

_0, _1, _2 = np.uint64(0), np.uint64(1), np.uint64(2)
_LARGEST_BYTE = np.uint64(255)
_IN, _TABLE = "Array(int64, 1, 'C', readonly=True)", "Array(int8, 1, 'C', readonly=True)"
_CONTEXTS, _LINES, _GRADIENTS = "int64[::1]", "uint16[::1]", "int16[::1]"


class Tables(NamedTuple):
    """The parameters of a scan as `decode_scan` takes them."""

    coding: NDArray[np.int64]
    initial: NDArray[np.int64]
    quantized: NDArray[np.int8]


def tables(near: int, maxval: int, thresholds: tuple[int, int, int], reset: int) -> Tables:
    """What `decode_scan` is to know of the parameters of a scan (A.2.1); of 16 bits, a quarter of a megabyte.

    ``coding`` are the fields from NEAR to RESET. ``initial`` are the contexts at the start. ``quantized`` is
    `FIELDS` * Q3 for each Ra - Rc from -MAXVAL on (A.3.3), and then the same turned by SIGN.
    """
    span = (maxval + 2 * near) // (2 * near + 1) + 1
    depth = max(2, maxval.bit_length())
    limit = 2 * (depth + max(8, depth))
    fields = near, 2 * near + 1, maxval, span, (span - 1).bit_length(), limit, *thresholds, reset
    contexts = np.zeros((CONTEXTS, FIELDS), np.int64)
    contexts[:, A], contexts[:, N] = max(2, (span + 32) >> 6), 1
    contexts[:, K] = int(contexts[0, A] - 1).bit_length()
    difference = np.arange(-maxval, maxval + 1, dtype=np.int32)
    size = np.abs(difference)
    q3 = np.zeros(len(size), np.int8)
    for least in (near + 1, *thresholds):
        q3 += size >= least
    q3 *= np.where(difference > 0, -FIELDS, FIELDS).astype(np.int8)
    made = Tables(np.array(fields, np.int64), contexts.reshape(-1), np.concatenate([q3, -q3]))
    for each in made:
        each.flags.writeable = False
    return made


def work(
    columns: int, components: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16], NDArray[np.uint16]]:
    """The reader, contexts, gradients and lines of `decode_scan`, for scans of this size; for one thread."""
    size = components * (columns + SPARE)
    return (
        np.empty(READER_SIZE, np.int64),
        np.empty(FIELDS * CONTEXTS + components, np.int64),
        np.empty(size, np.int16),
        np.empty(2 * size, np.uint16),
    )


@inlined(f"void({_LINES}, uint64, uint64, {_GRADIENTS}, uint64, {_IN})")
def gradients_above(lines, above, columns, gradients, first, coding):  # type: ignore[no-untyped-def]
    """81 * Q1 + 9 * Q2 of each sample of a line, `FIELDS` times (A.3.3, A.3.4), from ``first`` on."""
    if coding[MAXVAL] > 32767:
        least, t1, t2, t3 = coding[NEAR] + 1, coding[T1], coding[T2], coding[T3]
        for x in range(columns + _1):
            wide = np.int64(lines[above + x + _1]) - np.int64(lines[above + x])
            positive = (wide >= least) + np.int64(wide >= t1) + np.int64(wide >= t2) + np.int64(wide >= t3)
            negative = (
                (wide <= -least) + np.int64(wide <= -t1) + np.int64(wide <= -t2) + np.int64(wide <= -t3)
            )
            gradients[first + x] = positive - negative
    else:  # the same in 16 bits, of which a processor compares twice as many at once
        least, t1, t2, t3 = (
            np.int16(coding[NEAR] + 1), np.int16(coding[T1]), np.int16(coding[T2]), np.int16(coding[T3])
        )  # fmt: skip
        below, b1, b2, b3 = np.int16(-least), np.int16(-t1), np.int16(-t2), np.int16(-t3)
        for x in range(columns + _1):
            d = np.int16(lines[above + x + _1] - lines[above + x])
            gradients[first + x] = np.int16(
                np.int16(d >= least) + np.int16(d >= t1) + np.int16(d >= t2) + np.int16(d >= t3)
                - np.int16(d <= below) - np.int16(d <= b1) - np.int16(d <= b2) - np.int16(d <= b3)
            )  # fmt: skip
    for x in range(columns):
        q1, q2 = gradients[first + x + _1], gradients[first + x]
        gradients[first + x] = np.int16(q1 * np.int16(81 * FIELDS) + q2 * np.int16(9 * FIELDS))


@inlined(f"void({_LINES}, uint64, uint64)")
def repeat(lines, first, length):  # type: ignore[no-untyped-def]
    """Fill so many samples with the one before them, and up to seven more, which are not decoded yet."""
    value = lines[first - _1]
    for each in range(first, first + length, np.uint64(8)):
        for more in range(8):
            lines[each + np.uint64(more)] = value


@inlined(f"Tuple((int64, int64, {WINDOW}))({SOURCE}, int64, int64)", always=True)
def run_length(data, reader, window, count, order, columns):  # type: ignore[no-untyped-def]
    """How long a run is, of at most so many columns (A.7.1.2), -1 where it cannot be; RUNindex."""
    length = np.int64(0)
    while length < columns:
        if count < FILLED:
            window, count = fill(data, reader, window, count)
        bits = _J[np.uint64(order)]
        if not window >> np.uint64(63):
            length += np.int64(window >> np.uint64(63 - bits))
            window <<= np.uint64(bits + 1)
            count -= bits + 1
            if length >= columns:
                length = np.int64(-1)
            return length, order, window, count
        window <<= _1
        count -= 1
        length += np.int64(1) << bits
        if length <= columns:
            order = min(order + 1, _LAST_ORDER)
    return columns, order, window, count


@inlined(
    f"Tuple((int64, {WINDOW}))({SOURCE}, {_CONTEXTS}, {_IN}, int64, int64, int64, int64)",
    always=True,
)
def interruption(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, coding, order, kind, ra, rb
):  # fmt: skip
    """The sample that interrupts a run (A.7.2), -1 where it cannot be; ``kind`` is RItype."""
    near, step, maxval, span = coding[NEAR], coding[STEP], coding[MAXVAL], coding[RANGE] * coding[STEP]
    context = _RUN_0 + np.uint64(FIELDS * kind)
    a, negative, n = contexts[context + A], contexts[context + B], contexts[context + N]
    k = contexts[context + K]
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    limit = coding[LIMIT] - _J[np.uint64(order)] - 1
    zeros = np.int64(leading_zeros(window))
    if zeros < min(limit - coding[BITS] - 1, np.int64(_MOST_ZEROS + 1)):
        mapped = ((zeros - 1) << k) + np.int64(window << np.uint64(zeros) >> np.uint64(63 - k))
        window <<= np.uint64(zeros + 1 + k)
        count -= zeros + 1 + k
    else:
        mapped, window, count = golomb(data, reader, window, count, k, limit, coding[BITS])
    # A.7.2.2: EMErrval is 2 * |Errval| - RItype - map.
    error = (mapped + kind + 1) >> 1
    if (mapped + kind) & 1 == (k != 0 or 2 * negative >= n):
        negative += error > 0
        error = -error
    value = ra if kind else rb
    value += error * step * (-1 if kind == 0 and ra > rb else 1)
    value += span * ((value < -near) - np.int64(value > maxval + near))
    if mapped < 0 or value < -near or value > maxval + near:
        return np.int64(-1), window, count
    a += (mapped + 1 - kind) >> 1
    if n == coding[RESET]:
        a >>= 1
        n >>= 1
        negative >>= 1
    contexts[context + A] = a
    contexts[context + B] = negative
    contexts[context + N] = n + 1
    contexts[context + K] = min(parameter(a + (n + 1 >> 1) * kind, n + 1), np.int64(_MOST_K))
    return min(max(value, np.int64(0)), maxval), window, count


@inlined(
    f"Tuple((int64, {WINDOW}))({SOURCE}, {_CONTEXTS}, {_IN}, int64, int64, int64, int64, "
    "uint64, int64, int64, int64, int64)",
    always=True,
)
def regular(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, coding, near, step, maxval, reset, context, sign,
    ra, rb, rc,
):  # fmt: skip
    """A sample by its context, where that starts, and by SIGN (A.4 to A.6); -1 where it cannot be."""
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    k = contexts[context + K]
    zeros = np.int64(leading_zeros(window))
    if zeros <= _MOST_ZEROS:  # and so no escape: LIMIT - qbpp - 1 is more
        mapped = ((zeros - 1) << k) + np.int64(window << np.uint64(zeros) >> np.uint64(63 - k))
        window <<= np.uint64(zeros + 1 + k)
        count -= zeros + 1 + k
    else:
        mapped, window, count = golomb(data, reader, window, count, k, coding[LIMIT], coding[BITS])
        if mapped < 0:
            return np.int64(-1), window, count
    b, n = contexts[context + B], contexts[context + N]
    if near == 0:  # A.5.2, for a k of 0
        mapped ^= ((2 * b + n - 1) & (k - 1)) >> 63 & 1
    error = mapped >> 1 ^ -(mapped & 1)
    predicted = min(max(ra + rb - rc, min(ra, rb)), max(ra, rb))  # A.4.1
    c = contexts[context + C]
    predicted += (c ^ sign) - sign  # A.4.2
    if np.uint64(predicted) > np.uint64(maxval):
        predicted = maxval & ~(predicted >> 63)
    error *= step
    value = predicted + ((error ^ sign) - sign)
    if np.uint64(value) > np.uint64(maxval):  # A.4.4, A.4.5
        value += coding[RANGE] * step * ((value < -near) - np.int64(value > maxval + near))
        if value < -near or value > maxval + near:
            return np.int64(-1), window, count
        value = min(max(value, np.int64(0)), maxval)
    # A.6.1
    a = contexts[context + A] + ((mapped + 1) >> 1)
    b += error
    if n == reset:
        a >>= 1
        b >>= 1
        n >>= 1
    n += 1
    # A.6.2
    low, high = (b + n - 1) >> 63, -b >> 63
    b = min(max(b + (n & low) - (n & high), 1 - n), np.int64(0))
    c += low - high
    if np.uint64(c + 128) > _LARGEST_BYTE:
        c = np.int64(127) ^ (c >> 63)
    contexts[context + A] = a
    contexts[context + B] = b
    contexts[context + C] = c
    contexts[context + N] = n
    reached = n << k
    if reached < a or (reached >> 1 >= a and k > 0):
        contexts[context + K] = min(parameter(a, n), np.int64(_MOST_K))
    return value, window, count


@inlined(
    f"Tuple((uint64, {WINDOW}))({SOURCE}, {_CONTEXTS}, {_GRADIENTS}, {_TABLE}, "
    f"{_LINES}, uint64, uint64, uint64, uint64, {_IN}, int64, int64)",
    always=True,
)
def decode_line(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, gradients, quantized, lines, above, line, columns,
    order, coding, near, step,
):  # fmt: skip
    """Decode a line of one component; how many of its samples could be.

    ``above`` and ``line`` are where the line above and this one start in ``lines``, each with a sample more
    to the left, and those of `repeat` to the right; ``order`` is where its RUNindex is. near, step: those of
    ``coding``, which may be constants.
    """
    maxval, reset = coding[MAXVAL], coding[RESET]
    x = _0
    ra, rc = np.int64(lines[line]), np.int64(lines[above])
    while x < columns:
        gradient = np.int64(gradients[x])
        rb = np.int64(lines[above + x + _1])
        sign = gradient >> 63
        if gradient == 0:
            d = ra - rc
            if -near <= d <= near:
                run_index, left = contexts[order], np.int64(columns - x)
                length, run_index, window, count = run_length(data, reader, window, count, run_index, left)
                contexts[order] = max(run_index - (length < left), np.int64(0))
                if length < 0:
                    return x, window, count
                repeat(lines, line + x + _1, np.uint64(length))
                x += np.uint64(length)
                if x == columns:
                    break
                rb = np.int64(lines[above + x + _1])
                kind = np.int64(-near <= ra - rb <= near)
                ra, window, count = interruption(
                    data, reader, window, count, contexts, coding, run_index, kind, ra, rb
                )
                if ra < 0:
                    return x, window, count
                lines[line + x + _1] = np.uint16(ra)
                x += _1
                rc = rb
                continue
            sign = -d >> 63
        # SIGN is known before Ra is: Q3 comes turned by it out of the table (A.3.4).
        offset = np.int64(quantized[np.uint64((2 * maxval + 1 & sign) + maxval - rc + ra)])
        context = np.uint64((gradient ^ sign) - sign + offset)
        ra, window, count = regular(
            data, reader, window, count, contexts, coding, near, step, maxval, reset, context,
            sign, ra, rb, rc,
        )  # fmt: skip
        if ra < 0:
            return x, window, count
        lines[line + x + _1] = np.uint16(ra)
        rc = rb
        x += _1
    return columns, window, count


@inlined(f"boolean({_GRADIENTS}, {_LINES}, uint64, uint64, uint64, uint64, uint64, int64)")
def is_flat(gradients, lines, above, line, x, components, pitch, near):  # type: ignore[no-untyped-def]
    """Whether all gradients of all components are 0, so that a run begins (B.3)."""
    for component in range(components):
        at = component * pitch + x
        d = np.int64(lines[line + at]) - np.int64(lines[above + at])
        if gradients[at] or d < -near or d > near:
            return False
    return True


@inlined(
    f"Tuple((uint64, {WINDOW}))({SOURCE}, {_CONTEXTS}, {_GRADIENTS}, {_TABLE}, "
    f"{_LINES}, uint64, uint64, uint64, {_IN}, uint64)"
)
def decode_pixels(  # type: ignore[no-untyped-def]
    data, reader, window, count, contexts, gradients, quantized, lines, above, line, columns,
    coding, components,
):  # fmt: skip
    """`decode_line` of several components that are interleaved by sample (ILV 2, B.3).

    A run is one of all components, and each of the samples that interrupt it is predicted from above.
    """
    near, step, maxval, reset = coding[NEAR], coding[STEP], coding[MAXVAL], coding[RESET]
    pitch = columns + _SPARE
    x = _0
    while x < columns:
        flat = is_flat(gradients, lines, above, line, x, components, pitch, near)
        if flat:
            run_index, left = contexts[_RUN_INDEX], np.int64(columns - x)
            length, run_index, window, count = run_length(data, reader, window, count, run_index, left)
            contexts[_RUN_INDEX] = run_index
            if length < 0:
                return x, window, count
            for component in range(components):
                repeat(lines, line + component * pitch + x + _1, np.uint64(length))
            x += np.uint64(length)
            if x == columns:
                break
        for component in range(components):
            at = component * pitch + x
            ra, rb = np.int64(lines[line + at]), np.int64(lines[above + at + _1])
            if flat:
                value, window, count = interruption(
                    data, reader, window, count, contexts, coding, run_index, np.int64(0), ra, rb
                )
            else:
                rc = np.int64(lines[above + at])
                gradient = np.int64(gradients[at])
                sign = gradient >> 63
                if gradient == 0:
                    sign = np.int64(rc - ra < -near) * np.int64(-1)
                offset = np.int64(quantized[np.uint64((2 * maxval + 1 & sign) + maxval - rc + ra)])
                context = np.uint64((gradient ^ sign) - sign + offset)
                value, window, count = regular(
                    data, reader, window, count, contexts, coding, near, step, maxval, reset,
                    context, sign, ra, rb, rc,
                )  # fmt: skip
            if value < 0:
                return x, window, count
            lines[line + at + _1] = np.uint16(value)
        if flat:
            contexts[_RUN_INDEX] = max(run_index - 1, np.int64(0))
        x += _1
    return columns, window, count


@inlined(
    f"boolean({BYTES}, {_IN}, {_IN}, int64, {_IN}, {_IN}, {_TABLE}, int64[::1], {_CONTEXTS}, {_GRADIENTS}, "
    f"{_LINES}, int64, int64, int64, int64, int64)"
)
def is_possible(  # type: ignore[no-untyped-def]
    data, starts, ends, interval, coding, initial, quantized, reader, contexts, gradients, lines, columns,
    components, first, stride, size,
):  # fmt: skip
    """Whether the arguments of a kernel lead to nothing outside of its arrays."""
    if len(coding) != CODING or len(starts) != len(ends) or interval < 1:
        return False
    if not 1 <= columns <= 65535 or first < 0 or components < 1 or not first + components <= stride <= 255:
        return False
    if size % (columns * stride) or not 1 <= coding[MAXVAL] <= 65535:
        return False
    if len(quantized) != 2 * (2 * coding[MAXVAL] + 1) or len(initial) != FIELDS * CONTEXTS:
        return False
    if len(reader) != READER_SIZE or len(contexts) != len(initial) + components:
        return False
    if len(gradients) != components * (columns + SPARE) or len(lines) != 2 * len(gradients):
        return False
    # Codes of these bits have place in a window.
    if not (1 <= coding[BITS] <= 16 and coding[BITS] + _MOST_ZEROS < coding[LIMIT] - 1 <= 63):
        return False
    if coding[NEAR] < 0 or coding[STEP] != 2 * coding[NEAR] + 1 or not 2 <= coding[RANGE] <= 65536:
        return False
    possible = True
    for number in range(len(starts)):
        possible &= 0 <= starts[number] <= ends[number] <= len(data)
    return possible


@inlined(f"UniTuple(int64, 2)({SOURCE})")
def end_of_interval(data, reader, window, count):  # type: ignore[no-untyped-def]
    """`WHOLE`, `CUT` or `LEFT_OVER`, and how many bytes are left over behind the last sample."""
    if count < FILLED:
        window, count = fill(data, reader, window, count)
    left = count - reader[PADDED]
    more = reader[END] - reader[POSITION]
    if left < 0:
        return CUT, np.int64(0)
    # Zeros fill up the last byte; CharLS takes another one of them.
    if more > 0 or left >= 16 or window:
        return LEFT_OVER, (left >> 3) + more
    return WHOLE, left >> 3


@inlined(f"void({_LINES}, uint64, uint64, uint64, uint64, uint8[::1], uint16[::1])")
def store(lines, source, columns, target, stride, narrow, wide):  # type: ignore[no-untyped-def]
    """Write a line of one component to where its pixels have it."""
    if len(narrow) and stride == 1:
        for x in range(columns):
            narrow[target + x] = lines[source + x]
    elif len(narrow):
        for x in range(columns):
            narrow[target + x * stride] = lines[source + x]
    elif stride == 1:
        for x in range(columns):
            wide[target + x] = lines[source + x]
    else:
        for x in range(columns):
            wide[target + x * stride] = lines[source + x]


@kernel(
    f"UniTuple(int64, 3)({BYTES}, {_IN}, {_IN}, int64, boolean, {_IN}, {_IN}, {_TABLE}, int64[::1], "
    f"{_CONTEXTS}, {_GRADIENTS}, {_LINES}, int64, int64, int64, int64, uint8[::1], uint16[::1])"
)
def decode_scan(  # type: ignore[no-untyped-def]
    data, starts, ends, interval, by_sample, coding, initial, quantized, reader, contexts, gradients, lines,
    columns, components, first, stride, narrow, wide,
):  # fmt: skip
    """Decode a scan; what became of it, how many lines are whole, how many bytes are left over.

    starts, ends: (n,) offsets of the restart intervals of ``data``, of ``interval`` lines each; the scan has
    ``components``, from the number ``first`` on, of the ``stride`` that each pixel has, and they are
    interleaved ``by_sample`` or else by line. Pixels are written to ``narrow``, or to ``wide`` where that is
    empty. coding, initial, quantized: what `tables` gives. reader, contexts, gradients, lines: what `work`
    gives.
    """
    if not is_possible(
        data, starts, ends, interval, coding, initial, quantized, reader, contexts, gradients, lines, columns,
        components, first, stride, max(len(narrow), len(wide)),
    ):  # fmt: skip
        return WRONG, 0, 0
    near, step = coding[NEAR], coding[STEP]
    width, pitch, count = np.uint64(columns), np.uint64(columns + SPARE), np.uint64(components)
    rows = max(len(narrow), len(wide)) // (columns * stride)
    y = 0
    spare = np.int64(0)
    for number in range(len(starts)):
        window, bits = np.uint64(0), np.int64(0)
        reader[POSITION], reader[END], reader[PADDED] = starts[number], ends[number], 0
        for index in range(len(initial)):
            contexts[index] = initial[index]
        for component in range(count):
            contexts[_RUN_INDEX + component] = 0
        lines[:] = 0
        above, line = _0, count * pitch
        stop = min(y + interval, rows)
        while y < stop:
            for component in range(count):
                at = component * pitch
                lines[line + at] = lines[above + at + _1]
                lines[above + at + width + _1] = lines[above + at + width]
                gradients_above(lines, above + at, width, gradients, at if by_sample else _0, coding)
                if by_sample:
                    if component + _1 < count:
                        continue
                    x, window, bits = decode_pixels(
                        data, reader, window, bits, contexts, gradients, quantized, lines,
                        above, line, width, coding, count,
                    )  # fmt: skip
                elif near == 0:
                    x, window, bits = decode_line(
                        data, reader, window, bits, contexts, gradients, quantized, lines,
                        above + at, line + at, width, _RUN_INDEX + component, coding, np.int64(0),
                        np.int64(1),
                    )  # fmt: skip
                else:
                    x, window, bits = decode_line(
                        data, reader, window, bits, contexts, gradients, quantized, lines,
                        above + at, line + at, width, _RUN_INDEX + component, coding, near, step,
                    )  # fmt: skip
                if x < width:
                    return CUT if reader[PADDED] else DAMAGED, y, 0
            if bits < reader[PADDED]:
                return CUT, y, 0
            for component in range(count):
                target = np.uint64(y * columns * stride + first) + component
                store(lines, line + component * pitch + _1, width, target, np.uint64(stride), narrow, wide)
            above, line = line, above
            y += 1
        code, left = end_of_interval(data, reader, window, bits)
        if code != WHOLE:
            return code, y, left
        spare = max(spare, left)
    return WHOLE if y == rows else CUT, y, spare
