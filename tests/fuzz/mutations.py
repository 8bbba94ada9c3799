"""One mutated file a number: the same for the same seed, number and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.seeds import Range, Seed

_ODD_BYTES = (0x00, 0x01, 0x02, 0x7F, 0x80, 0xC0, 0xD8, 0xD9, 0xDA, 0xFE, 0xFF)
_ODD_NUMBERS = (0, 1, 2, 7, 8, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_END_MARKER = b"\xff\xd9"


@dataclass(frozen=True)
class Mutant:
    """A mutated file and where it comes from."""

    number: int
    area: str
    seed: str
    data: bytes


def mutant(seed: int, number: int, areas: dict[str, list[Seed]]) -> Mutant:
    """Number ``number`` of a run: areas take turns, so that each gets as many inputs."""
    chance = Random(f"{seed} {number}")
    area = list(areas)[number % len(areas)]
    original = chance.choice(areas[area])
    donor = chance.choice(areas[area])
    ranges = original.areas[area]
    if original.is_in_fragment(area):
        data = _in_fragment(chance, original, ranges, _piece(chance, donor, area))
    else:
        changed = bytearray(original.data)
        mutate(chance, changed, ranges, _piece(chance, donor, area))
        data = bytes(changed)
    return Mutant(number, area, original.name, data)


def _in_fragment(chance: Random, original: Seed, ranges: Sequence[Range], piece: bytes) -> bytes:
    """A changed codestream in an item of its new length, so that the decoder is what meets the change."""
    assert original.fragment is not None
    start, end = original.fragment
    stream = bytearray(original.data[start:end])
    mutate(chance, stream, [(first - start, last - start) for first, last in ranges], piece)
    if chance.random() < 0.3:
        stream += _END_MARKER
    length = len(stream).to_bytes(4, "little")
    return original.data[: start - 4] + length + bytes(stream) + original.data[end:]


def _piece(chance: Random, donor: Seed, area: str) -> bytes:
    """Up to 256 bytes of the same area of a file."""
    start, end = chance.choice(donor.areas[area])
    first = chance.randrange(start, end) if end > start else start
    return donor.data[first : min(end, first + chance.randint(1, 256))]


def mutate(chance: Random, data: bytearray, ranges: Sequence[Range], piece: bytes) -> None:
    """One to four changes inside the ranges; half of the files keep their length.

    A change of length moves what comes after it: elements and items are lost then.
    """
    changes = chance.choice((_CHANGES, _IN_PLACE))
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        if not data:
            return
        start, end = chance.choice([each for each in ranges if each[1] > each[0]])
        at = min(chance.randrange(start, end), len(data) - 1)
        chance.choice(changes)(chance, data, at, max(end - at, 1), piece)


def _flip(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    data[at] ^= 1 << chance.randrange(8)


def _set(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    data[at] = chance.choice((*_ODD_BYTES, chance.randrange(256)))


def _number(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    """A number of 2 or 4 bytes: an odd one, or the one there a little more or less."""
    size = chance.choice((2, 4))
    order = chance.choice(("little", "big"))
    near = int.from_bytes(data[at : at + size], order) + chance.randint(-16, 16)
    value = chance.choice((near, chance.choice(_ODD_NUMBERS))) % (1 << (8 * size))
    data[at : at + size] = value.to_bytes(size, order)


def _fill(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    count = min(_length(chance), room, len(data) - at)
    data[at : at + count] = bytes([chance.choice((0, 0, 0xFF, chance.randrange(256)))]) * count


def _remove(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    del data[at : at + min(_length(chance), room)]


def _repeat(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    some = data[at : at + min(_length(chance), room)]
    data[at:at] = some * chance.choice((1, 1, 2, 20))


def _insert(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    data[at:at] = piece


def _splice(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    data[at : at + min(len(piece), room)] = piece[:room]


def _cut(chance: Random, data: bytearray, at: int, room: int, piece: bytes) -> None:
    del data[at:]


def _length(chance: Random) -> int:
    return chance.choice((1, 2, 4, 8, chance.randint(1, 32), chance.randint(1, 1024)))


_Change = Callable[[Random, bytearray, int, int, bytes], None]
_IN_PLACE: tuple[_Change, ...] = (_flip, _flip, _set, _set, _number, _number, _fill, _splice)
_CHANGES: tuple[_Change, ...] = (*_IN_PLACE, _remove, _repeat, _insert, _cut)
