"""One case of the matrix of encodings: what an object holds, in which form, and made by whom."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.builders import Element, words

Array = NDArray[Any]

ROOT_UID = "1.2.840.10008.1.2"
#: Native ones, by the end of their UID (the one of Implicit VR Little Endian is empty).
NATIVE = ("", ".1", ".1.99", ".2")
BIG_ENDIAN = ".2"
#: What Photometric Interpretation says -> what samples are after their codec (PS3.3 C.7.6.3.1.2).
DECODED_AS = {"YBR_ICT": "RGB", "YBR_RCT": "RGB"}
SHARED_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")


class _Fields(NamedTuple):
    syntax: str  # what follows ROOT_UID
    maker: str  # a key of MAKERS
    allocated: int = 8
    stored: int = 0  # 0: all that are allocated
    signed: bool = False
    photometric: str = "MONOCHROME2"
    planar: int = 0
    frames: int = 1
    split: int = 0  # bytes a fragment, 0: one fragment a frame
    high_bit: int = -1  # -1: Bits Stored - 1
    is_float: bool = False
    setting: Any = None  # of the maker: a predictor, an interleave mode, ...
    rows: int = 19
    columns: int = 23
    vr: str = ""
    smooth: bool = False  # a gradient with little noise, for codecs that lose something
    notices: tuple[str, ...] = ()


class Case(_Fields):
    """A row of a table. Rows x Columns are odd, so that bits and chroma do not end with the line."""

    @property
    def uid(self) -> str:
        """The transfer syntax."""
        return ROOT_UID + self.syntax

    @property
    def samples(self) -> int:
        """Samples per Pixel."""
        return 1 if self.photometric.startswith(("MONO", "PALETTE")) else 3

    @property
    def bits(self) -> int:
        """Bits Stored."""
        return self.stored or self.allocated

    @property
    def shift(self) -> int:
        """Bits below the stored ones."""
        return self.high_bit - (self.bits - 1) if self.high_bit >= 0 else 0

    @property
    def kind(self) -> str:
        """The type of stored values."""
        size = max(8, 16 if self.allocated == 12 else self.allocated) // 8
        return f"{'f' if self.is_float else 'i' if self.signed else 'u'}{size}"

    @property
    def codestream_kind(self) -> str:
        """The narrowest type of stored values: what encoders are given."""
        return f"{'i' if self.signed else 'u'}{1 if self.bits <= 8 else 2}"

    @cached_property
    def pixels(self) -> Array:
        """Stored values (frames, rows, columns[, 3]): noise over their whole range, its ends included."""
        shape = (self.frames, self.rows, self.columns) + ((3,) if self.samples == 3 else ())
        random = np.random.default_rng([self.bits, self.frames, self.samples])
        if self.is_float:
            values = random.normal(0, 1e6, shape)
            values.reshape(-1)[:4] = (np.inf, -0.0, 1e-40, np.nan)
            return values.astype(self.kind)
        half = 1 << (self.bits - 1)
        low, high = (-half, half - 1) if self.signed else (0, 2 * half - 1)
        if self.smooth:
            ramp = np.linspace(low + half / 8, high - half / 8, shape[1] * shape[2])
            ramp = ramp.reshape(1, *shape[1:3]) if self.samples == 1 else _mixed(ramp.reshape(1, *shape[1:3]))
            return (ramp + random.uniform(-half / 40, half / 40, shape)).astype(self.kind)
        numbers: Array = random.integers(low, high, shape, np.int64 if low else np.uint64, endpoint=True)
        numbers.reshape(self.frames, -1)[:, :2] = (low, high)
        if self.photometric in SHARED_CHROMA and self.maker in ("layout", "zlib"):
            numbers[:, :, 1::2, 1:] = numbers[:, :, : self.columns // 2 * 2 : 2, 1:]
        return numbers.astype(self.kind)

    @property
    def cell(self) -> tuple[str, int | str, str]:
        """The cell of the support table (tests/support_table.py)."""
        return self.syntax, "float" if self.is_float else self.bits, self.photometric

    @property
    def name(self) -> str:
        """As in ``.4.70-gdcm-16/12s-MONOCHROME2-2f``."""
        sign = "f" if self.is_float else "s" if self.signed else "u"
        high = f"@{self.high_bit}" if self.high_bit >= 0 else ""
        parts = [self.syntax or "implicit", self.maker, f"{self.allocated}/{self.bits}{high}{sign}"]
        parts += [self.photometric]
        parts += [f"planar{self.planar}"] if self.planar else []
        parts += [f"{self.frames}f"] if self.frames > 1 else []
        parts += [f"split{self.split}"] if self.split else []
        parts += [str(self.setting)] if self.setting is not None else []
        parts += [self.vr] if self.vr else []
        return "-".join(parts)


def _mixed(ramp: Array) -> Array:
    """Three channels that differ: up, down, and from side to side."""
    return np.stack([ramp, ramp[:, ::-1, ::-1], ramp[:, :, ::-1]], -1)


def rows(cases: list[Case]) -> list[Any]:
    """The cases as parameters of a test that counts for their cells of the support table."""
    return [pytest.param(case, id=case.name, marks=pytest.mark.encodes(*case.cell)) for case in cases]


def palette_of(entries: int, first: int, bits: int, *, seed: int = 1) -> Array:
    """Colours (entries, 3) of a palette of 8 or 16 bits an entry."""
    random = np.random.default_rng([entries, bits, seed])
    colours: Array = random.integers(0, 1 << bits, (entries, 3), np.int64)
    colours[0] = (1 << bits) - 1  # entries of 16 bits that all fit 8 would be taken for such
    return colours


def palette_elements(
    colours: Array, first: int, bits: int, *, little: bool = True, signed: bool = False
) -> list[Element]:
    """Descriptors and data of the three tables (PS3.3 C.7.6.3.1.5-6), entries in words of 16 bits."""
    descriptor = words([len(colours), first, bits], little=little)
    found = [Element(tag, "SS" if signed else "US", descriptor) for tag in (0x281101, 0x281102, 0x281103)]
    for channel in range(3):
        data = words(colours[:, channel].tolist(), little=little)
        found.append(Element(0x281201 + channel, "OW", data))
    return found
