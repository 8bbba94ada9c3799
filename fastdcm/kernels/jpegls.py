"""Scans of JPEG-LS to samples (ITU-T T.87 annexes A and B).

Names are the standard's: Ra, Rb, Rc are the reconstructed samples to the left, above and to the upper left
(figure 3), A, B, C, N the variables of a context, SIGN is 0 or -1, so that ``(v ^ SIGN) - SIGN`` turns v by
it. Two of the three gradients lie in the line above: they are quantized for a whole line at once.
docs/jpegls.md is a tour of these kernels.
"""

from __future__ import annotations

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
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpegls_gradients import GRADIENTS, QUANTIZED, gradients_above, is_flat
from fastdcm.kernels.jpegls_runs import interruption, repeat, run_length
from fastdcm.kernels.jpegls_samples import regular
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CODING,
    CONTEXT_ARRAY,
    CONTEXTS,
    FIELDS,
    INTEGERS,
    LIMIT,
    LINES,
    MAXVAL,
    MOST_ZEROS,
    NEAR,
    RANGE,
    RESET,
    STEP,
)

#: What a kernel returns: all samples are there; the data ends before; a code that there cannot be; bits are
#: left over behind the last sample; arguments that do not fit each other.
WHOLE, CUT, DAMAGED, LEFT_OVER, WRONG = range(5)
#: Samples of a line beside those of its columns: one to the left, and what `repeat` may write to the right.
SPARE = 9
_SPARE = np.uint64(SPARE)
#: RUNindex of each component lies behind the contexts.
_RUN_INDEX = np.uint64(FIELDS * CONTEXTS)
_0, _1 = np.uint64(0), np.uint64(1)


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


@inlined(
    f"Tuple((uint64, {WINDOW}))({SOURCE}, {CONTEXT_ARRAY}, {GRADIENTS}, {QUANTIZED}, "
    f"{LINES}, uint64, uint64, uint64, uint64, {INTEGERS}, int64, int64)",
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


@inlined(
    f"Tuple((uint64, {WINDOW}))({SOURCE}, {CONTEXT_ARRAY}, {GRADIENTS}, {QUANTIZED}, "
    f"{LINES}, uint64, uint64, uint64, {INTEGERS}, uint64)"
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
    f"boolean({BYTES}, {INTEGERS}, {INTEGERS}, int64, {INTEGERS}, {INTEGERS}, {QUANTIZED}, "
    f"int64[::1], {CONTEXT_ARRAY}, {GRADIENTS}, {LINES}, int64, int64, int64, int64, int64)"
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
    if not (1 <= coding[BITS] <= 16 and coding[BITS] + MOST_ZEROS < coding[LIMIT] - 1 <= 63):
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


@inlined(f"void({LINES}, uint64, uint64, uint64, uint64, uint8[::1], uint16[::1])")
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
    f"UniTuple(int64, 3)({BYTES}, {INTEGERS}, {INTEGERS}, int64, boolean, {INTEGERS}, {INTEGERS}, "
    f"{QUANTIZED}, int64[::1], {CONTEXT_ARRAY}, {GRADIENTS}, {LINES}, int64, int64, int64, int64, "
    "uint8[::1], uint16[::1])"
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
