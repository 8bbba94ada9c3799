"""Writes JPEG of 8 bits in any scans (ITU-T T.81 annexes F and G), of coefficients that are given or random.

Encoders have a few scripts each; here scans may be cut into bands and bits in any way that there is, with
runs of blocks that end together, restart intervals that change, and Huffman codes of all lengths.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.unit.codestream.streams import segment

Array = NDArray[Any]
#: A code's value with the bits behind it; of value None, these alone.
Token = tuple[int | None, int, int]
RESTART: Token = (None, 0, -1)
_MOST_RUN = 0x7FFF


class Component(NamedTuple):
    """Quantized coefficients in zigzag order, (rows of blocks, blocks, 64), with those that fill up MCUs."""

    horizontal: int
    vertical: int
    blocks: Array


class Scan(NamedTuple):
    """Components by number, the band, Ah and Al, and MCUs between restart markers."""

    components: tuple[int, ...]
    first: int = 0
    last: int = 63
    high: int = 0
    low: int = 0
    interval: int = 0


class Drawing(NamedTuple):
    """An image as its coefficients."""

    rows: int
    columns: int
    components: tuple[Component, ...]
    steps: tuple[Array, ...]


def drawing(
    chance: random.Random, rows: int, columns: int, samplings: tuple[tuple[int, int], ...]
) -> Drawing:
    """Random coefficients, from few to all, and tables."""
    numbers = np.random.default_rng(chance.randrange(1 << 30))
    wide, high = (max(each) for each in zip(*samplings, strict=True))
    across, down = -(-columns // (8 * wide)), -(-rows // (8 * high))
    components, steps = [], []
    for horizontal, vertical in samplings:
        shape = (down * vertical, across * horizontal, 64)
        scale = chance.choice([0.3, 1, 3, 12, 60]) * np.exp(-np.arange(64) / chance.choice([2, 8, 30]))
        blocks = np.clip(np.rint(numbers.laplace(0, scale, shape)), -1023, 1023).astype(np.int64)
        blocks[..., 0] = np.clip(numbers.normal(0, chance.choice([3, 60, 300]), shape[:2]), -1000, 1000)
        # Images have many blocks, next to each other, of which little is known.
        blocks[..., 1:][numbers.random(shape[:2]) < chance.choice([0, 0.3, 0.9])] = 0
        components.append(Component(horizontal, vertical, blocks))
        steps.append(numbers.integers(1, chance.choice([2, 3, 8]), 64))
    return Drawing(rows, columns, tuple(components), tuple(steps))


def progression(chance: random.Random, count: int, most_low: int = 3) -> list[Scan]:
    """A random script: DC before AC, each coefficient once, then bit by bit."""
    low = chance.randint(0, most_low)
    parts = [tuple(range(count))] if chance.random() < 0.6 else [(number,) for number in range(count)]
    found = [Scan(part, 0, 0, 0, low) for part in parts]
    # What is to come next: of DC coefficients, and of each component's bands.
    waiting = [[Scan(part, 0, 0, bit + 1, bit) for bit in reversed(range(low))] for part in parts]
    for number in range(count):
        cuts = sorted(chance.sample(range(2, 64), chance.choice([0, 1, 1, 2, 4])))
        for first, behind in zip([1, *cuts], [*cuts, 64], strict=True):
            low = chance.randint(0, most_low)
            bits = [Scan((number,), first, behind - 1, 0, low)]
            for bit in reversed(range(low)):
                middle = chance.randint(first, behind - 1)
                bands = [(first, middle), (middle + 1, behind - 1)] if chance.random() < 0.3 else []
                bands = [band for band in bands if band[0] <= band[1]] or [(first, behind - 1)]
                bits += [Scan((number,), *band, bit + 1, bit) for band in bands]
            waiting.append(bits)
    while waiting := [each for each in waiting if each]:
        found.append(chance.choice(waiting).pop(0))
    return found


def with_intervals(chance: random.Random, script: list[Scan]) -> list[Scan]:
    """The same scans, some of them with restart markers."""
    return [scan._replace(interval=chance.choice([0, 0, 1, 2, 5, 40])) for scan in script]


def written(
    chance: random.Random,
    image: Drawing,
    script: list[Scan],
    *,
    sof: int = 0xC2,
    bits: int = 8,
    late_steps: bool = False,
    identifiers: bytes = b"\1\2\3",
    ahead: bytes = b"",
) -> bytes:
    """A stream of these scans. With ``late_steps`` tables are overwritten behind the first scan of all."""
    parts = [b"\xff\xd8", ahead, *_steps(image.steps)]
    each = b"".join(
        bytes([identifiers[number], component.horizontal << 4 | component.vertical, number])
        for number, component in enumerate(image.components)
    )
    size = image.rows.to_bytes(2, "big") + image.columns.to_bytes(2, "big")
    parts.append(segment(sof, bytes([bits]) + size + bytes([len(image.components)]) + each))
    interval = 0
    for number, scan in enumerate(script):
        if scan.interval != interval:
            interval = scan.interval
            parts.append(segment(0xDD, interval.to_bytes(2, "big")))
        if late_steps and number == 1:
            parts += _steps(tuple(each[::-1] + 1 for each in image.steps))
        tokens = list(_tokens(chance, image, scan, sequential=sof != 0xC2))
        tables = {kind: _codes(chance, tokens, kind) for kind in (0, 1)}
        for kind, codes in tables.items():
            if codes:
                parts.append(segment(0xC4, bytes([kind << 4]) + _definition(codes)))
        chosen = b"".join(bytes([identifiers[component], 0]) for component in scan.components)
        head = (
            bytes([len(scan.components)]) + chosen + bytes([scan.first, scan.last, scan.high << 4 | scan.low])
        )
        parts += [segment(0xDA, head), _coded(tokens, tables)]
    return b"".join([*parts, b"\xff\xd9"])


def _steps(steps: tuple[Array, ...]) -> list[bytes]:
    return [segment(0xDB, bytes([number]) + bytes(map(int, each))) for number, each in enumerate(steps)]


# Codes: (class of table, value, bits behind, how many of these)


def _tokens(
    chance: random.Random, image: Drawing, scan: Scan, *, sequential: bool
) -> Iterator[tuple[int, Token]]:
    before = [0, 0, 0]
    ends = _Ends(chance)
    for number, mcu in enumerate(_mcus(image, scan)):
        if scan.interval and number and number % scan.interval == 0:
            yield from ends.coded()
            yield 0, RESTART
            before = [0, 0, 0]
        for component, block in mcu:
            if sequential:
                yield _difference(int(block[0]), before, component)
                yield from _sequential(block)
            elif scan.first == 0 and scan.high == 0:
                yield _difference(int(block[0]) >> scan.low, before, component)
            elif scan.first == 0:
                yield 0, (None, int(block[0]) >> scan.low & 1, 1)
            elif scan.high == 0:
                yield from _first_of_band(block, scan, ends)
            else:
                yield from _refined_band(block, scan, ends)
    yield from ends.coded()


def _mcus(image: Drawing, scan: Scan) -> Iterator[list[tuple[int, Array]]]:
    """The blocks of each MCU with their components (A.2)."""
    wide = max(each.horizontal for each in image.components)
    high = max(each.vertical for each in image.components)
    if len(scan.components) == 1:
        only = scan.components[0]
        component = image.components[only]
        across = _up(_up(image.columns * component.horizontal, wide), 8)
        down = _up(_up(image.rows * component.vertical, high), 8)
        for row in range(down):
            for column in range(across):
                yield [(only, component.blocks[row, column])]
        return
    for row in range(-(-image.rows // (8 * high))):
        for column in range(-(-image.columns // (8 * wide))):
            yield [
                (number, each.blocks[row * each.vertical + y, column * each.horizontal + x])
                for number in scan.components
                for each in [image.components[number]]
                for y in range(each.vertical)
                for x in range(each.horizontal)
            ]


def _up(number: int, by: int) -> int:
    """A quotient, upwards."""
    return -(-number // by)


class _Ends:
    """Blocks that end together, and correction bits of theirs (G.1.2.2, G.1.2.3)."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.longest = chance.choice([1, 2, 5, 300, _MOST_RUN])
        self.run = 0
        self.bits: list[int] = []

    def one_more(self, bits: list[int]) -> Iterator[tuple[int, Token]]:
        self.run += 1
        self.bits += bits
        if self.run >= self.longest:
            yield from self.coded()

    def coded(self) -> Iterator[tuple[int, Token]]:
        if self.run:
            size = self.run.bit_length() - 1
            yield 1, (size << 4, self.run - (1 << size), size)
            yield from ((1, (None, bit, 1)) for bit in self.bits)
        self.run, self.bits = 0, []


def _number(value: int) -> tuple[int, int]:
    """The bits of a value, and how many (F.1.2.1)."""
    size = abs(value).bit_length()
    return (value if value >= 0 else value + (1 << size) - 1), size


def _difference(value: int, before: list[int], component: int) -> tuple[int, Token]:
    bits, size = _number(value - before[component])
    before[component] = value
    return 0, (size, bits, size)


def _sequential(block: Array) -> Iterator[tuple[int, Token]]:
    zeros = 0
    for value in map(int, block[1:]):
        if value == 0:
            zeros += 1
            continue
        while zeros > 15:
            yield 1, (0xF0, 0, 0)
            zeros -= 16
        bits, size = _number(value)
        yield 1, (zeros << 4 | size, bits, size)
        zeros = 0
    if zeros:
        yield 1, (0, 0, 0)


def _first_of_band(block: Array, scan: Scan, ends: _Ends) -> Iterator[tuple[int, Token]]:
    zeros = 0
    for value in map(int, block[scan.first : scan.last + 1]):
        shifted = abs(value) >> scan.low
        if shifted == 0:
            zeros += 1
            continue
        yield from ends.coded()
        while zeros > 15:
            yield 1, (0xF0, 0, 0)
            zeros -= 16
        bits, size = _number(shifted if value > 0 else -shifted)
        yield 1, (zeros << 4 | size, bits, size)
        zeros = 0
    if zeros:
        yield from ends.one_more([])


def _refined_band(block: Array, scan: Scan, ends: _Ends) -> Iterator[tuple[int, Token]]:
    shifted = [abs(int(value)) >> scan.low for value in block]
    new = [k for k in range(scan.first, scan.last + 1) if shifted[k] == 1]
    zeros, bits = 0, list[int]()
    for k in range(scan.first, scan.last + 1):
        if shifted[k] == 0:
            zeros += 1
            continue
        while zeros > 15 and new and k <= new[-1]:
            yield from ends.coded()
            yield 1, (0xF0, 0, 0)
            yield from ((1, (None, bit, 1)) for bit in bits)
            zeros, bits = zeros - 16, []
        if shifted[k] > 1:
            bits.append(shifted[k] & 1)
            continue
        yield from ends.coded()
        yield 1, (zeros << 4 | 1, int(block[k] > 0), 1)
        yield from ((1, (None, bit, 1)) for bit in bits)
        zeros, bits = 0, []
    if zeros or bits:
        yield from ends.one_more(bits)


# Huffman codes (C.2, F.1.2)


def _codes(chance: random.Random, tokens: list[tuple[int, Token]], kind: int) -> dict[int, tuple[int, int]]:
    """A code and its length for each value of a class: random lengths, the shortest for the most frequent."""
    counts = Counter(value for of, (value, _, _) in tokens if of == kind and value is not None)
    if not counts:
        return {}
    lengths = [0]
    while len(lengths) <= len(counts):  # one more: no code has ones only
        short = sorted(length for length in lengths if length < (16 if len(counts) < 100 else 12))
        split = short[0] if chance.random() < 0.7 else short[-1]
        lengths.remove(split)
        lengths += [split + 1, split + 1]
    lengths.sort()
    found, code, before = {}, 0, 0
    for (value, _), length in zip(counts.most_common(), lengths, strict=False):
        code <<= length - before
        found[value] = code, length
        code, before = code + 1, length
    return found


def _definition(codes: dict[int, tuple[int, int]]) -> bytes:
    counts = Counter(length for _, length in codes.values())
    return bytes(counts[length] for length in range(1, 17)) + bytes(codes)


def _coded(tokens: list[tuple[int, Token]], tables: dict[int, dict[int, tuple[int, int]]]) -> bytes:
    parts, bits, marker = [], list[str](), 0
    for kind, token in tokens:
        value, behind, size = token
        if token is RESTART:
            parts += [_stuffed("".join(bits)), bytes([0xFF, 0xD0 | marker])]
            bits, marker = [], (marker + 1) & 7
            continue
        if value is not None:
            code, length = tables[kind][value]
            bits.append(f"{code:0{length}b}")
        if size:
            bits.append(f"{behind:0{size}b}")
    return b"".join([*parts, _stuffed("".join(bits))])


def _stuffed(bits: str) -> bytes:
    bits += "1" * (-len(bits) % 8)
    return int(f"0{bits}", 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
