"""A code-block decoder straight from ITU-T T.800 annexes C and D, one coefficient after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

BYPASS, RESET, TERMINATE_ALL, CAUSAL, PREDICTABLE, SYMBOLS = 1, 2, 4, 8, 16, 32

# Table C.2.
QE = [
    0x5601, 0x3401, 0x1801, 0x0AC1, 0x0521, 0x0221, 0x5601, 0x5401, 0x4801, 0x3801, 0x3001, 0x2401,
    0x1C01, 0x1601, 0x5601, 0x5401, 0x5101, 0x4801, 0x3801, 0x3401, 0x3001, 0x2801, 0x2401, 0x2201,
    0x1C01, 0x1801, 0x1601, 0x1401, 0x1201, 0x1101, 0x0AC1, 0x09C1, 0x08A1, 0x0521, 0x0441, 0x02A1,
    0x0221, 0x0141, 0x0111, 0x0085, 0x0049, 0x0025, 0x0015, 0x0009, 0x0005, 0x0001, 0x5601,
]  # fmt: skip
NMPS = [
    1, 2, 3, 4, 5, 38, 7, 8, 9, 10, 11, 12, 13, 29, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 45, 46,
]  # fmt: skip
NLPS = [
    1, 6, 9, 12, 29, 33, 6, 14, 14, 14, 17, 18, 20, 21, 14, 14, 15, 16, 17, 18, 19, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 46,
]  # fmt: skip
SWITCH = {0, 6, 14}
RUN_LENGTH, UNIFORM = 17, 18
# Table D.3, by contributions of left and right, and of above and below.
SIGNS = {
    (1, 1): (13, 0), (1, 0): (12, 0), (1, -1): (11, 0), (0, 1): (10, 0), (0, 0): (9, 0),
    (0, -1): (10, 1), (-1, 1): (11, 1), (-1, 0): (12, 1), (-1, -1): (13, 1),
}  # fmt: skip


class Mq:
    """Figures C.15 to C.20, with the registers as they are there."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data + b"\xff\xff", 0
        self.c = self.data[0] << 16
        self.ct = 0
        self.byte_in()
        self.c <<= 7
        self.ct -= 7
        self.a = 0x8000

    def byte_in(self) -> None:
        if self.data[self.at] == 0xFF:
            if self.data[self.at + 1] > 0x8F:
                self.c += 0xFF00
                self.ct = 8
            else:
                self.at += 1
                self.c += self.data[self.at] << 9
                self.ct = 7
        else:
            self.at += 1
            self.c += self.data[self.at] << 8
            self.ct = 8

    def decode(self, context: list[int]) -> int:
        index, symbol = context
        qe = QE[index]
        self.a -= qe
        if self.c >> 16 < qe:
            is_likely = self.a < qe
            self.a = qe
        else:
            self.c -= qe << 16
            if self.a & 0x8000:
                return symbol
            is_likely = self.a >= qe
        if is_likely:
            context[:] = NMPS[index], symbol
        else:
            context[:] = NLPS[index], symbol ^ (index in SWITCH)
            symbol ^= 1
        while not self.a & 0x8000:
            if self.ct == 0:
                self.byte_in()
            self.a <<= 1
            self.c <<= 1
            self.ct -= 1
        return symbol


def raw_bits(data: bytes) -> Iterator[int]:
    """D.6: behind FF comes a stuffed bit; behind the end, ones."""
    before = 0
    for byte in data:
        count = 7 if before == 0xFF else 8
        if count == 7 and byte > 0x8F:
            break
        yield from ((byte >> place) & 1 for place in reversed(range(count)))
        before = byte
    while True:
        yield 1


class Block:
    """A code-block in decoding; magnitudes have a fractional bit."""

    def __init__(self, width: int, height: int, orientation: int, style: int) -> None:
        self.width, self.height, self.orientation, self.style = width, height, orientation, style
        self.magnitude: dict[tuple[int, int], int] = {}
        self.negative: dict[tuple[int, int], int] = {}
        self.refined: set[tuple[int, int]] = set()
        self.visited: set[tuple[int, int]] = set()
        self.symbols_are_right = True
        self.reset()

    def reset(self) -> None:
        """Table D.7."""
        self.contexts = [[0, 0] for _ in range(19)]
        self.contexts[0][0], self.contexts[RUN_LENGTH][0], self.contexts[UNIFORM][0] = 4, 3, 46

    def is_significant(self, x: int, y: int, stripe: int) -> int:
        """Whether a neighbour counts; in vertically causal contexts the next stripe does not (D.7)."""
        return (x, y) in self.magnitude and not (self.style & CAUSAL and y >= stripe + 4)

    def zero_context(self, x: int, y: int, stripe: int) -> int:
        """Table D.1."""
        h = sum(self.is_significant(x + i, y, stripe) for i in (-1, 1))
        v = sum(self.is_significant(x, y + j, stripe) for j in (-1, 1))
        d = sum(self.is_significant(x + i, y + j, stripe) for i in (-1, 1) for j in (-1, 1))
        if self.orientation == 2:
            if d >= 2:
                return 8 if d > 2 else 6 + (h + v > 0)
            return 3 * d + min(2, h + v)
        if self.orientation == 1:
            h, v = v, h
        if h == 2:
            return 8
        if h == 1:
            return 7 if v else 5 + (d > 0)
        return 2 + v if v else min(d, 2)

    def sign(self, x: int, y: int, stripe: int) -> tuple[int, int]:
        """Tables D.2, D.3: the context and the XORbit."""

        def contribution(*places: tuple[int, int]) -> int:
            signs = [1 - 2 * self.negative[p] for p in places if self.is_significant(*p, stripe)]
            return max(-1, min(1, sum(signs)))

        return SIGNS[contribution((x - 1, y), (x + 1, y)), contribution((x, y - 1), (x, y + 1))]

    def refinement_context(self, x: int, y: int, stripe: int) -> int:
        """Table D.4."""
        return 16 if (x, y) in self.refined else 14 + (self.zero_context(x, y, stripe) > 0)

    def scan(self) -> Iterator[tuple[int, int, int]]:
        """Figure D.1: x, y and where the stripe starts."""
        for stripe in range(0, self.height, 4):
            for x in range(self.width):
                for y in range(stripe, min(stripe + 4, self.height)):
                    yield x, y, stripe

    def pass_(self, kind: int, plane: int, mq: Mq | None, raw: Iterator[int]) -> None:
        """Kind 0 is significance propagation, 1 magnitude refinement, 2 cleanup."""

        def decide(context: int) -> int:
            return next(raw) if mq is None else mq.decode(self.contexts[context])

        def wake(x: int, y: int, stripe: int) -> None:
            context, flip = self.sign(x, y, stripe)
            self.negative[x, y] = next(raw) if mq is None else decide(context) ^ flip
            self.magnitude[x, y] = 3 << plane

        if kind == 2:
            self.cleanup(decide, wake)
            return
        for x, y, stripe in self.scan():
            if kind == 0 and (x, y) not in self.magnitude and (context := self.zero_context(x, y, stripe)):
                self.visited.add((x, y))
                if decide(context):
                    wake(x, y, stripe)
            elif kind == 1 and (x, y) in self.magnitude and (x, y) not in self.visited:
                bit = decide(self.refinement_context(x, y, stripe))
                self.refined.add((x, y))
                self.magnitude[x, y] += (2 * bit - 1) << plane

    def cleanup(self, decide, wake) -> None:  # type: ignore[no-untyped-def]
        for stripe in range(0, self.height, 4):
            for x in range(self.width):
                left = [(x, y) for y in range(stripe, min(stripe + 4, self.height))]
                is_run = len(left) == 4 and not any(
                    place in self.magnitude or place in self.visited or self.zero_context(*place, stripe)
                    for place in left
                )
                known = False
                if is_run:
                    if not decide(RUN_LENGTH):
                        continue
                    run = 2 * decide(UNIFORM)
                    left, known = left[run + decide(UNIFORM) :], True
                for place in left:
                    if place in self.magnitude or place in self.visited:
                        continue
                    if known or decide(self.zero_context(*place, stripe)):
                        wake(*place, stripe)
                    known = False
        self.visited.clear()
        if self.style & SYMBOLS:
            self.symbols_are_right &= [decide(UNIFORM) for _ in range(4)] == [1, 0, 1, 0]


def decode(
    segments: Sequence[tuple[bytes, int]],
    planes: int,
    orientation: int,
    width: int,
    height: int,
    style: int,
    lowest: int = 0,
) -> tuple[NDArray[np.int32], bool]:
    """Doubled coefficients of codeword segments (bytes, passes); whether segmentation symbols are right."""
    block, coded = Block(width, height, orientation, style), 0
    for data, passes in segments:
        is_raw = bool(style & BYPASS) and coded >= 10 and coded % 3 != 0
        mq, raw = None if is_raw else Mq(data), raw_bits(data)
        for _ in range(passes):
            plane = planes - 1 - (coded + 2) // 3
            if plane < lowest:
                break
            block.pass_((coded + 2) % 3, plane, mq, raw)
            coded += 1
            if style & RESET:
                block.reset()
    out = np.zeros((height, width), np.int32)
    for (x, y), magnitude in block.magnitude.items():
        out[y, x] = -magnitude if block.negative[x, y] else magnitude
    return out, block.symbols_are_right
