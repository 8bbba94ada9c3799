"""Values of elements as Python numbers and strings (PS3.5 6.2)."""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Sequence
from functools import lru_cache

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.elements import Element, Encoding, tag_name
from fastdcm.reader.scan import DataSet
from fastdcm.reader.sequences import Walk


class Values:
    """Typed access to the elements of a data set or of one item.

    ``data`` is what the elements' offsets point into: an item's bytes, or None for the top level.
    """

    def __init__(
        self,
        encoding: Encoding,
        elements: dict[int, Element],
        data: bytes | None = None,
        data_set: DataSet | None = None,
        walk: Walk | None = None,
    ) -> None:
        self.encoding = encoding
        self._elements = elements
        self._data = data
        self._data_set = data_set
        self.walk = walk or (data_set.walk if data_set is not None else Walk())

    @property
    def tags(self) -> Collection[int]:
        """The tags of all elements."""
        return self._elements.keys()

    def __contains__(self, tag: int) -> bool:
        return tag in self._elements

    def vr(self, tag: int) -> bytes:
        """The VR as written, empty in implicit encoding."""
        return self._elements[tag][0]

    def raw(self, tag: int) -> bytes | None:
        """The value's bytes, None where the element is absent or empty."""
        found = self._elements.get(tag)
        if found is None or found[2] == 0:
            return None
        if self._data is None:
            assert self._data_set is not None
            return self._data_set.value(tag)
        data = self._data[found[1] : found[1] + found[2]]
        if len(data) < found[2]:
            raise TruncatedError(f"{tag_name(tag)} is cut")
        return data

    def text(self, tag: int, default: str = "") -> str:
        """A string without padding."""
        raw = self.raw(tag)
        return default if raw is None else text_of(raw)

    def texts(self, tag: int) -> Sequence[str]:
        """The values of a string element, each without padding."""
        raw = self.raw(tag)
        return () if raw is None else _texts(raw)

    def numbers(self, tag: int, *, signed: bool = False) -> list[int]:
        """US or SS values; ``signed`` decides where the VR does not."""
        raw = self.raw(tag)
        if raw is None:
            return []
        if len(raw) % 2:
            raise DicomError(f"{tag_name(tag)} has {len(raw)} bytes, which are no 16-bit numbers")
        vr = self._elements[tag][0]
        kind = "h" if vr == b"SS" or (signed and vr != b"US") else "H"
        return list(struct.unpack(f"{self.encoding.order}{len(raw) // 2}{kind}", raw))

    def words(self, tag: int) -> list[int]:
        """Unsigned 16-bit words, two for each value of VR AT."""
        raw = self.raw(tag) or b""
        return list(struct.unpack(f"{self.encoding.order}{len(raw) // 2}H", raw[: len(raw) & ~1]))

    def number(self, tag: int, name: str, default: int | None = None) -> int:
        """A single unsigned 16-bit value; absent without ``default`` is a `DicomError`."""
        raw = self.raw(tag)
        if raw is None:
            if default is None:
                raise DicomError(f"{name} {tag_name(tag)} is missing")
            return default
        if len(raw) != 2:
            raise DicomError(f"{name} {tag_name(tag)} has {len(raw)} bytes where one 16-bit value must be")
        return int.from_bytes(raw, "little" if self.encoding.little else "big")

    def decimals(self, tag: int) -> Sequence[float]:
        """DS values; what cannot be read is NaN. Also FD, FL where a file has them."""
        raw = self.raw(tag)
        if raw is None:
            return ()
        vr = self._elements[tag][0]
        if vr in (b"FD", b"FL"):
            return self.floats(tag, vr)
        return _decimals(raw)

    def floats(self, tag: int, vr: bytes) -> list[float]:
        """FL or FD values; ``vr`` says which."""
        raw = self.raw(tag) or b""
        kind, size = ("d", 8) if vr == b"FD" else ("f", 4)
        if len(raw) % size:
            raise DicomError(f"{tag_name(tag)} has {len(raw)} bytes, which are no {8 * size}-bit floats")
        return list(struct.unpack(f"{self.encoding.order}{len(raw) // size}{kind}", raw))


def text_of(raw: bytes) -> str:
    """A string without padding."""
    return raw.decode("latin-1").strip(" \0\t\r\n")


# Files of a series share most of their windows, slopes and explanations.


@lru_cache(maxsize=1024)
def _texts(raw: bytes) -> tuple[str, ...]:
    text = raw.decode("latin-1").strip(" \0\t\r\n")
    return tuple([part.strip(" \0") for part in text.split("\\")]) if text else ()


@lru_cache(maxsize=1024)
def _decimals(raw: bytes) -> tuple[float, ...]:
    return tuple(map(_decimal, _texts(raw)))


def _decimal(text: str) -> float:
    try:
        # Python takes 1_000 for a number, DICOM does not.
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def lut_entries(values: Values, tag: int, count: int, bits: int) -> bytes:
    """LUT Data as little-endian 16-bit entries (C.11.1.1.1), 8-bit ones unpacked.

    More data than the descriptor says is left out, less is a `DicomError`.
    """
    raw = values.raw(tag) or b""
    words = raw if values.encoding.little or values.vr(tag) == b"OB" else swap_words(raw)
    if len(words) >= 2 * count:
        return words[: 2 * count]
    if bits <= 8 and len(words) >= count:
        wide = bytearray(2 * count)
        wide[::2] = words[:count]
        return bytes(wide)
    raise DicomError(f"a LUT of {count} entries has {len(raw)} bytes of data")


def entry_bits(entries: bytes) -> int:
    """The bits that the largest of some little-endian 16-bit entries needs."""
    high = max(entries[1::2], default=0)
    return 8 + high.bit_length() if high else max(entries[0::2], default=0).bit_length()


def swap_words(raw: bytes) -> bytes:
    """Big-endian 16-bit words as little-endian ones, and the reverse; an odd last byte stays."""
    swapped = bytearray(raw)
    whole = len(raw) & ~1
    swapped[0:whole:2], swapped[1:whole:2] = raw[1:whole:2], raw[0:whole:2]
    return bytes(swapped)
