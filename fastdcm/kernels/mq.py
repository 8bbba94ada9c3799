"""The MQ decoder (ITU-T T.800 annex C) and the raw bits of bypassed passes (D.6), several bits at a time.

The registers A and C of annex C.3 are kept in 64 bits, with A's 0x8000 at bit 62, so that C holds what
comes next besides: ``ahead`` bits of it behind the 16 that are compared with Qe. A context is one word: the
MPS in the place of a sign, Qe in the place where A has it, and at its end where it is itself in a table of
what follows: the word before it there is that of an LPS, the one behind it that of an MPS without RENORMD.
Nothing branches on what is decoded, and a decision is the sign of a word.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastdcm.kernels.inlined import chosen, inlined, leading_zeros

# Table C.2: Qe, NMPS, NLPS, SWITCH.
_TABLE = [
    (0x5601, 1, 1, 1), (0x3401, 2, 6, 0), (0x1801, 3, 9, 0), (0x0AC1, 4, 12, 0),
    (0x0521, 5, 29, 0), (0x0221, 38, 33, 0), (0x5601, 7, 6, 1), (0x5401, 8, 14, 0),
    (0x4801, 9, 14, 0), (0x3801, 10, 14, 0), (0x3001, 11, 17, 0), (0x2401, 12, 18, 0),
    (0x1C01, 13, 20, 0), (0x1601, 29, 21, 0), (0x5601, 15, 14, 1), (0x5401, 16, 14, 0),
    (0x5101, 17, 15, 0), (0x4801, 18, 16, 0), (0x3801, 19, 17, 0), (0x3401, 20, 18, 0),
    (0x3001, 21, 19, 0), (0x2801, 22, 19, 0), (0x2401, 23, 20, 0), (0x2201, 24, 21, 0),
    (0x1C01, 25, 22, 0), (0x1801, 26, 23, 0), (0x1601, 27, 24, 0), (0x1401, 28, 25, 0),
    (0x1201, 29, 26, 0), (0x1101, 30, 27, 0), (0x0AC1, 31, 28, 0), (0x09C1, 32, 29, 0),
    (0x08A1, 33, 30, 0), (0x0521, 34, 31, 0), (0x0441, 35, 32, 0), (0x02A1, 36, 33, 0),
    (0x0221, 37, 34, 0), (0x0141, 38, 35, 0), (0x0111, 39, 36, 0), (0x0085, 40, 37, 0),
    (0x0049, 41, 38, 0), (0x0025, 42, 39, 0), (0x0015, 43, 40, 0), (0x0009, 44, 41, 0),
    (0x0005, 45, 42, 0), (0x0001, 45, 43, 0), (0x5601, 46, 46, 0),
]  # fmt: skip
_QE_SHIFT = 47
QE = np.uint64(0xFFFF << _QE_SHIFT)
#: A as INITDEC sets it (figure C.10), and the least that it is between decisions.
INTERVAL = np.uint64(1 << 62)
#: As many bits ahead are enough for a decision, after which so many may be left as there were before.
ENOUGH_AHEAD = 15

#: What is handed from pass to pass, behind the contexts of a code-block (table D.7): A, C, how many bits of C
#: are ahead, the number of the next word of `load_words`, and that of the last one.
CONTEXTS = 19
A, C, AHEAD, POSITION, LAST = range(CONTEXTS, CONTEXTS + 5)
_FOLLOWING = np.uint64(LAST + 1)  # and `_SUCCESSORS`, beside what points to them
_OUTCOMES = 3
MQ_SIZE = LAST + 1 + _OUTCOMES * 2 * len(_TABLE)

_ONE, _TWO, _THREE, _FOUR, _PLACE = (np.uint64(each) for each in (1, 2, 3, 4, 0xFFFF))


def _words() -> NDArray[np.uint64]:
    """The contexts' words: by 2 * (row of table C.2) + MPS."""
    words = [
        symbol << 63 | qe << _QE_SHIFT | _OUTCOMES * (2 * row + symbol) + 1
        for row, (qe, *_) in enumerate(_TABLE)
        for symbol in (0, 1)
    ]
    return np.array(words, np.uint64)


def _successors() -> NDArray[np.uint64]:
    """For each word those after an LPS, after an MPS, and after an MPS without RENORMD: itself."""
    numbers = [
        (2 * less + (symbol ^ switch), 2 * more + symbol, 2 * row + symbol)
        for row, (_, more, less, switch) in enumerate(_TABLE)
        for symbol in (0, 1)
    ]
    words: NDArray[np.uint64] = STATES[np.array(numbers).reshape(-1)]
    return words


STATES = _words()
_SUCCESSORS = _successors()


@inlined("void(uint64[::1])")
def load_states(mq):  # type: ignore[no-untyped-def]
    """Put what follows contexts where `decide` looks for it."""
    for number in range(len(_SUCCESSORS)):
        mq[_FOLLOWING + np.uint64(number)] = _SUCCESSORS[number]


@inlined("UniTuple(uint64, 5)(uint64[::1], uint64, uint64, uint64, uint64)")
def decide(mq, interval, code, state, qe):  # type: ignore[no-untyped-def]
    """DECODE of figure C.15: a decision in the context of which ``state`` is the word.

    qe: that of the state; with 0 instead nothing changes. Returns A, C, the context's next word, a word with
    the decision as its sign, and by how many bits A and C were shifted.
    """
    rest = code - qe
    upper = interval - qe
    # Of the two sub-intervals the larger one is that of the MPS (figures C.16, C.17): that of Qe, in which C
    # lies where nothing is left of it, or the upper one.
    is_unlikely = np.uint64(np.int64(rest ^ (upper - qe)) >> 63)  # ones where it is an LPS
    is_lower = code < qe
    interval = chosen(is_lower, qe, upper)
    code = chosen(is_lower, code, rest)
    # RENORMD (figure C.18), without which A stays above 0x8000. After an LPS it always takes place.
    following = mq[_FOLLOWING + (state & _PLACE) + is_unlikely + (interval >> 62)]
    shift = leading_zeros(interval) - _ONE
    return interval << shift, code << shift, following, state ^ is_unlikely, shift


#: Words that stand behind those of the bytes.
SPARE_WORDS = 3
_WORDS, _MQ, _BYTES = "uint32[::1]", "uint64[::1]", "uint8[::1]"
_ALL, _LOWEST_BITS, _HIGHEST_BITS = (np.uint64(each) for each in (0xFFFFFFFF, 0x01010101, 0x80808080))


@inlined(f"UniTuple(uint64, 6)({_MQ}, {_WORDS}, uint64, uint64, uint64, uint64, uint64, uint64)")
def decode(mq, words, last, interval, code, ahead, position, state):  # type: ignore[no-untyped-def]
    """`decide`, and take the next word where few bits are left ahead (BYTEIN of figure C.19).

    Returns A, C, the bits ahead, the next word's number, the context's next word and the decision as a sign.
    """
    interval, code, state, decision, shift = decide(mq, interval, code, state, state & QE)
    ahead -= shift
    if np.int64(ahead) < ENOUGH_AHEAD:
        code += np.uint64(words[position]) << (np.uint64(ENOUGH_AHEAD) - ahead)
        ahead += np.uint64(32)
        position = min(position + _ONE, last)
    return interval, code, ahead, position, state, decision


@inlined(f"uint64({_BYTES}, uint64, uint64, {_WORDS}, uint64, uint64, boolean)")
def load_words(source, position, end, words, first, count, has_carries):  # type: ignore[no-untyped-def]
    """The bytes of a codeword segment as words of 32 bits without stuffed bits, from the ``first`` one on.

    A byte behind FF has seven bits. The one above is added to what was there before in the MQ decoder
    (``has_carries``); in raw segments it is a zero. Behind the end, as behind a marker, come ones (C.3.4).
    ``count`` is how many zeros stand before the first byte. Returns the last word's number; it is of ones.
    """
    number = first
    bits = np.uint64(0)  # of these ``count`` are in no word yet
    is_stuffed = False
    while position < end:
        byte = np.uint64(source[position])
        if is_stuffed:
            if byte > 0x8F:
                break
            if not has_carries:
                byte &= np.uint64(0x7F)
            bits = (bits << 7) + byte
            count += np.uint64(7)
            if bits >> count:
                carried = number
                while carried > first:
                    carried -= _ONE
                    words[carried] += np.uint32(1)
                    if words[carried]:
                        break
        else:
            while position + _FOUR <= end:
                four = (
                    np.uint64(source[position]) << 24
                    | np.uint64(source[position + _ONE]) << 16
                    | np.uint64(source[position + _TWO]) << 8
                    | np.uint64(source[position + _THREE])
                )
                if (~four & _ALL) - _LOWEST_BITS & four & _HIGHEST_BITS:
                    break  # one is FF
                bits = bits << 32 | four
                words[number] = np.uint32(bits >> count)
                number += _ONE
                bits &= (_ONE << count) - _ONE
                position += _FOUR
            if position == end:
                break
            byte = np.uint64(source[position])
            bits = bits << 8 | byte
            count += np.uint64(8)
        position += _ONE
        is_stuffed = byte == 0xFF
        if count >= 32:
            count -= np.uint64(32)
            words[number] = np.uint32(bits >> count)
            number += _ONE
        bits &= (_ONE << count) - _ONE
    left = np.uint64(32) - count
    words[number] = np.uint32(bits << left | ((_ONE << left) - _ONE))
    words[number + _ONE] = np.uint32(_ALL)
    words[number + _TWO] = np.uint32(_ALL)
    return number + _ONE


@inlined(f"void({_BYTES}, uint64, uint64, {_WORDS}, uint64, {_MQ})")
def start_mq(source, position, end, words, first, mq):  # type: ignore[no-untyped-def]
    """INITDEC of figure C.10."""
    mq[LAST] = load_words(source, position, end, words, first, _ONE, True)
    mq[A] = INTERVAL
    mq[C] = np.uint64(words[first]) << 31
    mq[AHEAD] = 16
    mq[POSITION] = first + _ONE


@inlined(f"void({_BYTES}, uint64, uint64, {_WORDS}, uint64, {_MQ})")
def start_raw(source, position, end, words, first, mq):  # type: ignore[no-untyped-def]
    """Go to a segment of raw bits (D.6), of which C has those to come."""
    mq[LAST] = load_words(source, position, end, words, first, np.uint64(0), False)
    mq[C] = 0
    mq[AHEAD] = 0
    mq[POSITION] = first


@inlined(f"uint64({_WORDS}, {_MQ})")
def raw_bit(words, mq):  # type: ignore[no-untyped-def]
    """The next bit of a raw segment."""
    if mq[AHEAD] == 0:
        mq[C] = np.uint64(words[mq[POSITION]]) << 32
        mq[AHEAD] = 32
        mq[POSITION] = min(mq[POSITION] + _ONE, mq[LAST])
    bit = mq[C] >> 63
    mq[C] <<= np.uint64(1)
    mq[AHEAD] -= _ONE
    return bit
