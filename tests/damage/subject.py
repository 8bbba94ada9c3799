"""What is damaged: one small frame of a codec, and the object around what is left of it.

Half of the images end in a flat area, where a decoder that fills what is missing would be right by luck and
wrong by a little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tests.builders import SEQUENCE_END, Encapsulated, delimiter, image, item_head
from tests.unit.codecs.decoding import UIDS
from tests.unit.codestream import streams

Array = NDArray[Any]

SIZE = 40, 56
EOI = EOC = b"\xff\xd9"


@dataclass(frozen=True)
class Subject:
    """One frame: ``stream`` is what is damaged, ``file`` puts what is left of it, as the fragments of one
    frame where it is encapsulated, into a DICOM object that says nothing of the damage."""

    codec: str
    name: str
    stream: bytes
    file: Callable[[Sequence[bytes]], bytes]
    pixels: Array
    exact: bool
    end: bytes = b""
    splits: bool = False

    def __str__(self) -> str:
        return f"{self.codec}, {self.name}"


def picture(bits: int = 8, samples: int = 1, *, flat: bool = False) -> Array:
    """A gradient with noise; with ``flat`` the lower 30 of 40 rows have one value."""
    array = streams.image(*SIZE, bits=bits, samples=samples)
    if flat:
        array[SIZE[0] // 4 :] = 1 << (bits - 2)
    return array


def pictures(*kinds: tuple[int, int]) -> Iterator[tuple[str, int, Array]]:
    """(name, bits, image) for kinds of (bits, samples), each with and without a flat area."""
    for bits, samples in kinds:
        for flat in (False, True):
            name = f"{'gray' if samples == 1 else 'colour'} {bits}{' flat' if flat else ''}"
            yield name, bits, picture(bits, samples, flat=flat)


def attributes_of(array: Array, stored: int, **changes: Any) -> dict[str, Any]:
    """The Image Pixel module of an array, for `tests.builders.image`."""
    rows, columns, *samples = array.shape
    values: dict[str, Any] = {"rows": rows, "columns": columns, "samples": samples[0] if samples else 1}
    return values | {"bits": 8 * array.itemsize, "stored": stored} | changes


def fragments(parts: Sequence[bytes]) -> Encapsulated:
    """The value of Pixel Data, without the padding to even lengths: a zero where the last byte is missing
    would be another damage, which codecs without checksums cannot tell."""
    items = b"".join(item_head(len(part)) + part for part in parts)
    return Encapsulated(item_head(0) + items + delimiter(SEQUENCE_END))


def encapsulating(
    codec: str, syntax: str, name: str, array: Array, bits: int, stream: bytes, **more: Any
) -> Subject:
    """A subject whose parts are fragments."""
    changes = {key: more.pop(key) for key in ("photometric", "allocated", "high_bit") if key in more}
    attributes = attributes_of(array, bits, **changes)
    return Subject(
        codec,
        name,
        stream,
        lambda parts: image(fragments(parts), UIDS.get(syntax, syntax), **attributes),
        array,
        **({"exact": True, "splits": True} | more),
    )
