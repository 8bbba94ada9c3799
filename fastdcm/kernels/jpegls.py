"""Scans of JPEG-LS to samples (ITU-T T.87 annexes A and B).

Names are the standard's: Ra, Rb, Rc are the reconstructed samples to the left, above and to the upper left
(figure 3), A, B, C, N the variables of a context, SIGN is 0 or -1, so that ``(v ^ SIGN) - SIGN`` turns v by
it. Two of the three gradients lie in the line above: they are quantized for a whole line at once.
docs/jpegls.md is a tour of these kernels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.golomb_codes import BYTES, CODES, ahead, unstuff, words
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.jpegls_gradients import (
    GRADIENTS,
    QUANTIZED,
    beyond,
    context_of,
    gradients_above,
    is_flat,
)
from fastdcm.kernels.jpegls_runs import REPEATED, interruption, lines_of_runs, repeat, run_length
from fastdcm.kernels.jpegls_samples import regular
from fastdcm.kernels.jpegls_tables import (
    BITS,
    CODING,
    CODING_SIZE,
    CONTEXT_ARRAY,
    CONTEXTS,
    FIELDS,
    LIMIT,
    LINES,
    MAXVAL,
    NEAR,
    RANGE,
    STEP,
)

#: What a kernel returns: all samples are there; the data ends before; a code that there cannot be; bits are
#: left over behind the last sample; arguments that do not fit each other.
WHOLE, CUT, DAMAGED, LEFT_OVER, WRONG = range(5)

#: Samples of a line beside those of its columns: one to the left, and what `repeat` may write to the right.
SPARE = 1 + REPEATED
_SPARE = np.uint64(SPARE)
#: RUNindex of each component lies behind the contexts.
_RUN_INDEX = np.uint64(FIELDS * CONTEXTS)
_MOST_ZEROS = 16
_BITS = 64

_0, _1 = np.uint64(0), np.uint64(1)
_IN = "Array(int64, 1, 'C', readonly=True)"


def work(
    size: int, columns: int, components: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int16], NDArray[np.uint16]]:
    """Codes, contexts, gradients and lines of `decode_scan`; for one thread.

    ``size`` is that of the largest restart interval in bytes.
    """
    samples = components * (columns + SPARE)
    return (
        np.empty(words(size), np.uint64),
        np.empty(FIELDS * CONTEXTS + components, np.int64),
        np.empty(samples, np.int16),
        np.empty(2 * samples, np.uint16),
    )


@inlined(
    f"Tuple((uint64, int64, boolean))({CODES}, int64, {CONTEXT_ARRAY}, {GRADIENTS}, {QUANTIZED}, {LINES}, "
    f"uint64, uint64, uint64, uint64, {CODING})",
    always=True,
)
def decode_line(  # type: ignore[no-untyped-def]
    codes, position, contexts, gradients, quantized, lines, above, line, columns, order, coding
):  # fmt: skip
    """Decode a line of one component; how many of its samples could be, and whether they are one run.

    ``above`` and ``line`` are where the line above and this one start in ``lines``, each with a sample more
    to the left, and those of `repeat` to the right; ``order`` is where its RUNindex is.
    """
    near = coding[NEAR]
    x, is_run = _0, False
    ra, rc = np.int64(lines[line]), np.int64(lines[above])
    while x < columns:
        gradient, difference = np.int64(gradients[x]), ra - rc
        rb = np.int64(lines[above + x + _1])
        if gradient | beyond(difference, near) == 0:
            left = np.int64(columns - x)
            length, index, position = run_length(codes, position, contexts[order], left)
            contexts[order] = max(index - (length < left), np.int64(0))
            if length < 0:
                break
            repeat(lines, line + x + _1, np.uint64(length))
            is_run = x == _0
            x += np.uint64(length)
            if x == columns:
                break
            is_run = False
            rb = np.int64(lines[above + x + _1])
            kind = np.int64(-near <= ra - rb <= near)
            ra, position = interruption(codes, position, contexts, coding, index, kind, ra, rb)
        else:
            context, sign = context_of(quantized, gradient, ra, rc, near, coding[MAXVAL])
            ra, position = regular(codes, position, contexts, coding, context, sign, ra, rb, rc)
        if ra < 0:
            break
        lines[line + x + _1] = np.uint16(ra)
        rc = rb
        x += _1
    return x, position, is_run


@inlined(
    f"Tuple((uint64, int64))({CODES}, int64, {CONTEXT_ARRAY}, {GRADIENTS}, {QUANTIZED}, {LINES}, "
    f"uint64, uint64, uint64, {CODING}, uint64)"
)
def decode_pixels(  # type: ignore[no-untyped-def]
    codes, position, contexts, gradients, quantized, lines, above, line, columns, coding, components
):  # fmt: skip
    """`decode_line` of several components that are interleaved by sample (ILV 2, B.3).

    A run is one of all components, and each of the samples that interrupt it is predicted from above.
    """
    near, pitch = coding[NEAR], columns + _SPARE
    index = np.int64(0)
    x = _0
    while x < columns:
        flat = is_flat(gradients, lines, above, line, x, components, pitch, near)
        if flat:
            left = np.int64(columns - x)
            length, index, position = run_length(codes, position, contexts[_RUN_INDEX], left)
            contexts[_RUN_INDEX] = max(index - (length < left), np.int64(0))
            if length < 0:
                break
            for component in range(components):
                repeat(lines, line + component * pitch + x + _1, np.uint64(length))
            x += np.uint64(length)
            if x == columns:
                break
        for component in range(components):
            at = component * pitch + x
            ra, rb = np.int64(lines[line + at]), np.int64(lines[above + at + _1])
            if flat:
                value, position = interruption(codes, position, contexts, coding, index, np.int64(0), ra, rb)
            else:
                rc = np.int64(lines[above + at])
                context, sign = context_of(quantized, np.int64(gradients[at]), ra, rc, near, coding[MAXVAL])
                value, position = regular(codes, position, contexts, coding, context, sign, ra, rb, rc)
            if value < 0:
                return x, position
            lines[line + at + _1] = np.uint16(value)
        x += _1
    return x, position


@inlined(
    f"boolean({BYTES}, {_IN}, {_IN}, int64, {_IN}, {_IN}, {QUANTIZED}, {CODES}, {CONTEXT_ARRAY}, "
    f"{GRADIENTS}, {LINES}, int64, int64, int64, int64, int64)"
)
def is_possible(  # type: ignore[no-untyped-def]
    data, starts, ends, interval, coding, initial, quantized, codes, contexts, gradients, lines, columns,
    components, first, stride, size,
):  # fmt: skip
    """Whether the arguments of a kernel lead to nothing outside of its arrays."""
    if len(coding) != CODING_SIZE or len(starts) != len(ends) or interval < 1:
        return False
    if not 1 <= columns <= 65535 or first < 0 or components < 1 or not first + components <= stride <= 255:
        return False
    if size % (columns * stride) or not 1 <= coding[MAXVAL] <= 65535:
        return False
    if len(quantized) != 3 * (2 * coding[MAXVAL] + 1) or len(initial) != FIELDS * CONTEXTS:
        return False
    if len(contexts) != len(initial) + components:
        return False
    if len(gradients) != components * (columns + SPARE) or len(lines) != 2 * len(gradients):
        return False
    # A code has place in the 64 bits that are looked at, and what J takes of LIMIT (A.7.2.2) leaves a zero.
    if not (1 <= coding[BITS] <= 16 and coding[BITS] + _MOST_ZEROS < coding[LIMIT] - 1 <= 63):
        return False
    if coding[NEAR] < 0 or coding[STEP] != 2 * coding[NEAR] + 1 or not 2 <= coding[RANGE] <= 65536:
        return False
    possible = True
    for number in range(len(starts)):
        possible &= 0 <= starts[number] <= ends[number] <= len(data)
        possible &= words(ends[number] - starts[number]) <= len(codes)
    return possible


@inlined(f"UniTuple(int64, 2)({CODES}, int64, int64, int64)")
def end_of_interval(codes, position, end, more):  # type: ignore[no-untyped-def]
    """`WHOLE` or `LEFT_OVER`, and how many bytes are left over behind the last sample.

    more: bytes behind the last bit.
    """
    left = end - position
    # Zeros fill up the last byte; CharLS takes another one of them.
    if more > 0 or left >= 16 or ahead(codes, position):
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
    f"UniTuple(int64, 3)({BYTES}, {_IN}, {_IN}, int64, boolean, {_IN}, {_IN}, {QUANTIZED}, {CODES}, "
    f"{CONTEXT_ARRAY}, {GRADIENTS}, {LINES}, int64, int64, int64, int64, uint8[::1], uint16[::1])"
)
def decode_scan(  # type: ignore[no-untyped-def]
    data, starts, ends, interval, by_sample, given, initial, quantized, codes, contexts, gradients, lines,
    columns, components, first, stride, narrow, wide,
):  # fmt: skip
    """Decode a scan; what became of it, how many lines are whole, how many bytes are left over.

    starts, ends: (n,) offsets of the restart intervals of ``data``, of ``interval`` lines each; the scan has
    ``components``, from the number ``first`` on, of the ``stride`` that each pixel has, and they are
    interleaved ``by_sample`` or else by line. Pixels are written to ``narrow``, or to ``wide`` where that is
    empty. given, initial, quantized: what `tables` gives. codes, contexts, gradients, lines: what `work`
    gives.
    """
    if not is_possible(
        data, starts, ends, interval, given, initial, quantized, codes, contexts, gradients, lines, columns,
        components, first, stride, max(len(narrow), len(wide)),
    ):  # fmt: skip
        return WRONG, 0, 0
    coding = (
        given[0], given[1], given[2], given[3], given[4], given[5], given[6], given[7], given[8], given[9]
    )  # fmt: skip
    lossless = (np.int64(0), np.int64(1), *coding[2:])
    width, pitch, count = np.uint64(columns), np.uint64(columns + SPARE), np.uint64(components)
    rows = max(len(narrow), len(wide)) // (columns * stride)
    y = 0
    spare = np.int64(0)
    for number in range(len(starts)):
        end, stopped = unstuff(data, starts[number], ends[number], codes)
        position = np.int64(0)
        for index in range(len(initial)):
            contexts[index] = initial[index]
        for component in range(count):
            contexts[_RUN_INDEX + component] = 0
        lines[:] = 0
        above, line = _0, count * pitch
        stop = min(y + interval, rows)
        runs, is_run = 0, False  # lines above that are a run each: behind two, there are no gradients
        while y < stop:
            if runs > 1:
                more = lines_of_runs(codes, position, end, contexts[_RUN_INDEX], columns, stop - y)
                for _ in range(more):
                    target = np.uint64(y * columns * stride + first)
                    store(lines, line + _1, width, target, np.uint64(stride), narrow, wide)
                    y += 1
                position += more
                if y == stop:
                    break
            for component in range(count):
                at = component * pitch
                lines[line + at] = lines[above + at + _1]
                lines[above + at + width + _1] = lines[above + at + width]
                if runs < 2:
                    gradients_above(lines, above + at, width, gradients, at if by_sample else _0, coding)
                if by_sample:
                    if component + _1 < count:
                        continue
                    x, position = decode_pixels(
                        codes, position, contexts, gradients, quantized, lines, above, line, width, coding,
                        count,
                    )  # fmt: skip
                elif coding[NEAR] == 0:
                    x, position, is_run = decode_line(
                        codes, position, contexts, gradients, quantized, lines, above + at, line + at,
                        width, _RUN_INDEX + component, lossless,
                    )  # fmt: skip
                else:
                    x, position, is_run = decode_line(
                        codes, position, contexts, gradients, quantized, lines, above + at, line + at,
                        width, _RUN_INDEX + component, coding,
                    )  # fmt: skip
                if x < width:
                    return CUT if position + _BITS > end else DAMAGED, y, 0
            if position > end:
                return CUT, y, 0
            for component in range(count):
                target = np.uint64(y * columns * stride + first) + component
                store(lines, line + component * pitch + _1, width, target, np.uint64(stride), narrow, wide)
            above, line = line, above
            runs = runs + 1 if is_run and count == _1 else 0
            y += 1
        code, left = end_of_interval(codes, position, end, ends[number] - stopped)
        if code != WHOLE:
            return code, y, left
        spare = max(spare, left)
    return WHOLE if y == rows else CUT, y, spare
