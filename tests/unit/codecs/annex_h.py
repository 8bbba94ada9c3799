"""An encoder of lossless JPEG straight from ITU-T T.81 annexes B, C and H: what no library writes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.unit.codestream.streams import segment

Array = NDArray[Any]
SOF3, DHT, SOS, DRI, RST0 = 0xC3, 0xC4, 0xDA, 0xDD, 0xD0
CATEGORIES = 17


class Table(NamedTuple):
    """A Huffman table: the code's length for each category, 0 where it has none."""

    lengths: tuple[int, ...]

    @property
    def values(self) -> list[int]:
        """The categories in the order of their codes."""
        present = [category for category in range(CATEGORIES) if self.lengths[category]]
        return sorted(present, key=lambda category: (self.lengths[category], category))

    @property
    def definition(self) -> bytes:
        """BITS and HUFFVAL (B.2.4.2)."""
        return bytes(self.lengths.count(length) for length in range(1, 17)) + bytes(self.values)

    def codes(self) -> Array:
        """The code of each category (figure C.2)."""
        codes = np.zeros(CATEGORIES, np.int64)
        code = length = 0
        for category in self.values:
            code <<= self.lengths[category] - length
            length = self.lengths[category]
            codes[category] = code
            code += 1
        return codes


def table(seed: int, *, deep: bool = False, sorted_by: Sequence[int] = ()) -> Table:
    """A legal table of all categories, whose code of ones only is not used.

    deep: with codes of 16 bits. sorted_by: the categories by how often they are there, the first one most.
    """
    chance = random.Random(seed)
    leaves = [0]
    while len(leaves) < CATEGORIES + 1:
        shallow = [number for number, depth in enumerate(leaves) if depth < 16]
        number = max(shallow, key=lambda each: leaves[each]) if deep else chance.choice(shallow)
        leaves[number] += 1
        leaves.append(leaves[number])
    lengths = sorted(leaves)[:-1]
    order = list(sorted_by) or chance.sample(range(CATEGORIES), CATEGORIES)
    return Table(tuple(lengths[order.index(category)] for category in range(CATEGORIES)))


def suited(array: Array, **options: Any) -> Table:
    """A table whose shorter codes are those of the more frequent differences, as encoders make them."""
    values = array if array.ndim == 3 else array[..., None]
    counts = sum(
        np.bincount(categories(differences(values[..., number], **options)).ravel(), minlength=CATEGORIES)
        for number in range(values.shape[2])
    )
    order = list(np.argsort(-counts, kind="stable"))
    # Depths as Huffman's algorithm gives them, but at most 16.
    weights = [(max(int(counts[each]), 1) * 16 + 1, [each]) for each in order] + [(0, [CATEGORIES])]
    depths = [0] * (CATEGORIES + 1)
    while len(weights) > 1:
        weights.sort(key=lambda each: -each[0])
        (one, below), (two, other) = weights.pop(), weights.pop()
        for each in below + other:
            depths[each] += 1
        weights.append((one + two, below + other))
    deepest = sorted(depths)[:-1]  # the last one is the code of ones
    if deepest[-1] > 16:
        return table(1, sorted_by=order)
    return Table(tuple(deepest[order.index(category)] for category in range(CATEGORIES)))


def differences(
    plane: Array, *, predictor: int = 1, bits: int = 8, transform: int = 0, rows: int = 0
) -> Array:
    """What is coded of a component (H.1.2.1), -32767 to 32768. rows: of a restart interval."""
    values = plane.astype(np.int64) >> transform
    a, b, c = (np.zeros_like(values) for _ in range(3))
    a[:, 1:], b[1:], c[1:, 1:] = values[:, :-1], values[:-1], values[:-1, :-1]
    chosen = [a, b, c, a + b - c, a + (b - c >> 1), b + (a - c >> 1), a + b >> 1][predictor - 1]
    predicted = chosen.copy()
    predicted[:, 0] = b[:, 0]
    first = slice(None, None, rows or len(values))
    predicted[first] = a[first]
    predicted[first, 0] = 1 << bits - transform - 1
    found = values - predicted & 0xFFFF
    return np.where(found > 32768, found - 65536, found)


def categories(found: Array) -> Array:
    """SSSS of differences (table H.2)."""
    return np.ceil(np.log2(np.abs(found) + 1)).astype(np.int64)


def coded(found: Array, tables: Sequence[Table]) -> bytes:
    """The entropy-coded bytes of differences (n, components), padded with ones and stuffed."""
    count = found.shape[1]
    kinds = categories(found)
    codes = np.stack([tables[each].codes()[kinds[:, each]] for each in range(count)], 1).ravel()
    sizes = np.stack([np.array(tables[each].lengths)[kinds[:, each]] for each in range(count)], 1).ravel()
    assert sizes.all(), "a category has no code"
    kinds, found = kinds.ravel(), found.ravel()
    extra = np.where(kinds == 16, 0, kinds)
    follow = np.where(found < 0, found - 1, found) & (1 << extra) - 1
    words, lengths = codes << extra | follow, sizes + extra
    ends = np.cumsum(lengths)
    owners = np.repeat(np.arange(len(words)), lengths)
    places = np.repeat(ends, lengths) - np.arange(ends[-1]) - 1
    bits = words[owners] >> places & 1
    padded = np.concatenate([bits, np.ones(-len(bits) % 8, np.int64)])
    return np.packbits(padded.astype(np.uint8)).tobytes().replace(b"\xff", b"\xff\0")


def encoded(
    array: Array,
    *,
    bits: int,
    predictor: int = 1,
    transform: int = 0,
    rows: int = 0,
    tables: Sequence[Table] = (),
    interleaved: bool = True,
    fill: bytes = b"",
) -> bytes:
    """A stream of (rows, columns[, components]).

    rows: of a restart interval, 0 for none. tables: one for all, or one for each component. fill: FF before
    restart markers and EOI.
    """
    values = array if array.ndim == 3 else array[..., None]
    height, width, count = values.shape
    how: dict[str, Any] = {"predictor": predictor, "bits": bits, "transform": transform, "rows": rows}
    tables = list(tables or [suited(values, **how)])
    chosen = tables * count if len(tables) == 1 else tables
    found = np.stack([differences(values[..., each], **how) for each in range(count)], 2)
    parts = [b"\xff\xd8"]
    frame = bytes([bits]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes([count])
    parts.append(segment(SOF3, frame + b"".join(bytes([each + 1, 0x11, 0]) for each in range(count))))
    parts += [segment(DHT, bytes([each]) + one.definition) for each, one in enumerate(tables)]
    if rows:
        parts.append(segment(DRI, (rows * width).to_bytes(2, "big")))
    every = list(range(count))
    for scan in [every] if interleaved else [[each] for each in every]:
        selected = b"".join(bytes([each + 1, (each if len(tables) > 1 else 0) << 4]) for each in scan)
        parts.append(segment(SOS, bytes([len(scan)]) + selected + bytes([predictor, 0, transform])))
        for number, top in enumerate(range(0, height, rows or height)):
            if number:
                parts.append(fill + bytes([0xFF, RST0 + (number - 1) % 8]))
            part = found[top : top + (rows or height)][..., scan].reshape(-1, len(scan))
            parts.append(coded(part, [chosen[each] for each in scan]))
    return b"".join([*parts, fill, b"\xff\xd9"])
