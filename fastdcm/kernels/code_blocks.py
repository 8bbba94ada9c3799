"""Coefficient bit modelling (ITU-T T.800 annex D): from the bytes of code-blocks to their coefficients.

A bit-plane after the other is coded in passes (`coding_passes`) over windows on samples (`block_windows`).
docs/jpeg2000.md is a tour of these files.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.block_windows import (
    COLUMN,
    ROW_1,
    TABLES_SIZE,
)
from fastdcm.kernels.coding_passes import (
    CODE,
    FLAGS,
    LONGEST_SIDE,
    MOST_SAMPLES,
    SCRATCH_SIZE,
    START,
    cleanup_pass,
    is_symbol,
    raw_refinement_pass,
    raw_significance_pass,
    refinement_pass,
    significance_pass,
)
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.mq import CONTEXTS, MQ_SIZE, SPARE_WORDS, STATES, load_states, start_mq, start_raw

#: The columns of ``blocks``.
(
    CHUNK, CHUNK_END, SEGMENT, SEGMENT_END, PLANES, ORIENTATION, WIDTH, HEIGHT, STYLE, OUT, STRIDE, BYTES,
) = range(12)  # fmt: skip
FIELDS = BYTES + 1
#: What `decode_blocks` returns.
DECODED, WRONG_TABLE, WRONG_SYMBOL = range(3)
#: More than these have no place in 32 bits with a fractional bit and a sign.
MOST_PLANES = 30
# Bits of the code-block style (table A.19).
_BYPASS, _RESET, _TERMINATE_ALL, _CAUSAL, _PREDICTABLE, _SYMBOLS = 1, 2, 4, 8, 16, 32

_0 = np.uint64(0)
#: Initial states (table D.7), by row of table C.2 with an MPS of 0.
_INITIAL = np.full(CONTEXTS, STATES[0])
_INITIAL[[0, 17, 18]] = STATES[2 * 4], STATES[2 * 3], STATES[2 * 46]

_W, _F = "uint32[::1]", "uint64[::1]"


def work(longest: int) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint8]]:
    """The scratch memory of `decode_blocks` for code-blocks of up to ``longest`` bytes; for one thread."""
    words = longest // 4 + 1 + SPARE_WORDS
    return (
        np.empty(SCRATCH_SIZE, np.uint64),
        np.empty(CODE + words, np.uint32),
        np.empty(longest, np.uint8),
    )


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
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE and width <= stride <= room):
        return False
    if width * height > MOST_SAMPLES or not 0 <= blocks[row, OUT] <= room - (height - 1) * stride - width:
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


@inlined("void(int32[::1], int64, int64, int64, int64)")
def clear_block(out, first, width, height, stride):  # type: ignore[no-untyped-def]
    """Coefficients of 0, of a code-block without anything that is to be decoded."""
    for line in range(height):
        start = first + line * stride
        out[start : start + width] = 0


@kernel(
    f"int64({_DATA}, {_TABLE}, {_TABLE}, {_TABLE}, int64, int64, int64, {_SCRATCH}, int32[::1])",
)
def decode_blocks(data, blocks, chunks, segments, first, end, lowest, scratch, words, source, out):  # type: ignore[no-untyped-def]
    """Decode the code-blocks of rows ``first`` to ``end`` - 1 of ``blocks``.

    data: (n,) uint8, the codestream.
    blocks: (m, `FIELDS`) int64, by column: rows of ``chunks``, which are the pieces of the code-block's bytes
    in ``data``; rows of ``segments``; magnitude bit-planes that are coded (Mb - P of B.10.5); 0 for LL and
    LH, 1 for HL, 2 for HH (table D.1); width and height; the code-block style (table A.19); where in ``out``
    the first coefficient is, and how far it is from there to the one below; its bytes, which are not used.
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
    if len(scratch) < SCRATCH_SIZE:
        return WRONG_TABLE
    if len(words) < CODE + len(source) // 4 + 1 + SPARE_WORDS:
        return WRONG_TABLE
    load_states(scratch)
    returned = DECODED
    for row in range(first, end):
        if not is_possible(data, blocks, chunks, segments, row, source, out):
            return WRONG_TABLE
        width, height, style = blocks[row, WIDTH], blocks[row, HEIGHT], blocks[row, STYLE]
        if blocks[row, PLANES] <= lowest:
            clear_block(out, blocks[row, OUT], width, height, blocks[row, STRIDE])
            continue
        # Indices are unsigned: for others numba would look whether they count from the end.
        length = _0
        for chunk in range(blocks[row, CHUNK], blocks[row, CHUNK_END]):
            offset = np.uint64(chunks[chunk, 0])
            for number in range(np.uint64(chunks[chunk, 1])):
                source[length + number] = data[offset + number]
            length += np.uint64(chunks[chunk, 1])
        groups, stripes = (width + 7) >> 3, (height + 3) >> 2
        for kind in range(4):
            begin = START + kind * FLAGS
            scratch[begin : begin + (groups + 2) * (stripes + 2)] = 0
        words[: 32 * groups * stripes] = 0
        for column in range(8):
            for line in range(4):
                scratch[MQ_SIZE + COLUMN * column + line] = line * 8 * groups + column
        reset(scratch)
        contexts = np.uint64(blocks[row, ORIENTATION] * TABLES_SIZE)
        below = _0 if style & _CAUSAL else ROW_1
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
                        start_raw(source, position, behind, words, np.uint64(CODE), scratch)
                    else:
                        start_mq(source, position, behind, words, np.uint64(CODE), scratch)
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
