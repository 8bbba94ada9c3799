"""Bits Stored at any High Bit, whatever lies beside them (PS3.5 8.1.1): all there are."""

from __future__ import annotations

import numpy as np
import pytest

import fastdcm
from tests.builders import BIG_ENDIAN, EXPLICIT, encapsulated, image
from tests.encodings.cases import Array, Case
from tests.encodings.makers import MAKERS, pydicom_rle

RLE = "1.2.840.10008.1.2.5"


def stored(words: Array, bits: int, high_bit: int, signed: bool) -> Array:
    """The values by plain arithmetic of unsigned words."""
    values = words.astype(np.int64) // 2 ** (high_bit - bits + 1) % 2**bits
    # One bit has no room for a sign.
    return np.where(signed & (bits > 1) & (values >= 2 ** (bits - 1)), values - 2**bits, values)


def places(allocated: int, *, least: int = 1) -> list[tuple[int, int, bool]]:
    """(Bits Stored, High Bit, signed): all that are legal."""
    return [
        (bits, high_bit, signed)
        for bits in range(least, allocated + 1)
        for high_bit in range(bits - 1, allocated)
        for signed in (False, True)
    ]


def wrong(words: Array, syntax: str, wanted: list[tuple[int, int, bool]]) -> list[object]:
    """The places at which an image of these words gives other values."""
    size = words.itemsize
    order = ">" if syntax == BIG_ENDIAN else "<"
    pixels = words.astype(f"{order}u{size}").tobytes()
    if syntax == RLE:
        case = Case(".5", "pydicom", 8 * size, rows=words.shape[0], columns=words.shape[1])
        value = encapsulated([pydicom_rle(words, case)])
    found: list[object] = []
    for bits, high_bit, signed in wanted:
        data = image(
            value if syntax == RLE else pixels,
            syntax,
            vr="OB" if syntax == RLE or size == 1 else "OW",
            rows=words.shape[0],
            columns=words.shape[1],
            bits=8 * size,
            stored=bits,
            high_bit=high_bit,
            representation=int(signed),
        )
        values = fastdcm.read(data)
        kind = f"{'i' if signed and bits > 1 else 'u'}{size}"
        if values.dtype != kind or not np.array_equal(values, stored(words, bits, high_bit, signed)):
            found.append((bits, high_bit, signed))
    return found


@pytest.mark.encodes(".1", 8, "MONOCHROME2")
@pytest.mark.encodes(".2", 8, "MONOCHROME2")
@pytest.mark.encodes(".5", 8, "MONOCHROME2")
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, RLE])
def test_every_word_of_8_bits(syntax: str) -> None:
    words = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert not wrong(words, syntax, places(8))


@pytest.mark.encodes(".1", 16, "MONOCHROME2")
def test_every_word_of_16_bits() -> None:
    words = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert not wrong(words, EXPLICIT, places(16))


@pytest.mark.encodes(cell=lambda syntax, allocated: (syntax[17:], allocated, "MONOCHROME2"))
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN, RLE])
@pytest.mark.parametrize("allocated", [16, 32])
def test_words_of_noise(syntax: str, allocated: int) -> None:
    """Junk above and below; the extremes of both are among them."""
    random = np.random.default_rng(allocated)
    words = random.integers(0, 1 << allocated, (8, 9), np.uint64).astype(f"u{allocated // 8}")
    words[0, :4] = (0, (1 << allocated) - 1, 1 << (allocated - 1), (1 << (allocated - 1)) - 1)
    assert not wrong(words, syntax, places(allocated))


@pytest.mark.parametrize("high_bit", [11, 12, 15])
def test_values_inside_their_bits_among_words_that_are_not(high_bit: int) -> None:
    """One pixel with junk beside it, among thousands without: none is overlooked."""
    shift = high_bit - 11
    words = (np.arange(4096, dtype=np.uint16) << shift).reshape(64, 64)
    for place in (0, 2000, 4095):
        dirty = words.copy()
        dirty[place // 64, place % 64] ^= np.uint16(0xFFFF ^ (0xFFF << shift))
        assert not wrong(dirty, EXPLICIT, [(12, high_bit, False), (12, high_bit, True)])


WORDS_AS_THEY_ARE = {
    ".4.70": "turbo-lossless",
    ".4.80": "charls",
    ".4.90": "openjpeg",
    ".4.201": "openjph",
    ".4.110": "libjxl",
}


@pytest.mark.encodes(cell=lambda syntax, bits, high_bit, signed, size: (syntax, bits, "MONOCHROME2"))
@pytest.mark.parametrize("syntax", WORDS_AS_THEY_ARE)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("bits", "high_bit", "size"),
    [(12, 15, 16), (12, 13, 16), (12, 11, 16), (10, 9, 16), (6, 7, 8), (6, 5, 8)],
)
def test_words_compressed_as_they_are(syntax: str, bits: int, high_bit: int, signed: bool, size: int) -> None:
    """DCMTK's true lossless encoders give the codestream all Bits Allocated, and keep Bits Stored, High Bit.

    So a signed value has its sign where the data set says, and zeros above.
    """
    native = Case(syntax, "", size, bits, signed, high_bit=high_bit, rows=33, columns=37)
    words = (native.pixels[0].astype(np.int64) & ((1 << bits) - 1)) << native.shift
    coded = Case(syntax, WORDS_AS_THEY_ARE[syntax], size, rows=33, columns=37)
    stream = MAKERS[coded.maker](words.astype(coded.kind), coded)
    data = image(
        encapsulated([stream]),
        native.uid,
        rows=33,
        columns=37,
        bits=size,
        stored=bits,
        high_bit=high_bit,
        representation=int(signed),
    )
    with fastdcm.open(data) as found:
        np.testing.assert_array_equal(found.pixels(), native.pixels[0])
        assert found.pixels().dtype == native.kind
        says_sign = signed and syntax in (".4.90", ".4.201")
        assert [notice.code for notice in found.notices] == ["precision", *["sign"] * says_sign]


@pytest.mark.encodes(".4.80", 12, "MONOCHROME2")
def test_values_beyond_bits_stored_keep_their_sign() -> None:
    """Samples on both sides of the range of Bits Stored are what the codestream says, with a notice."""
    values = np.array([[-2049, -1, 0, 2048, 3000, -3000] * 2] * 8, np.int16)
    case = Case(".4.80", "charls", 16, signed=True, rows=8, columns=12)
    stream = MAKERS["charls"](values, case)
    data = image(encapsulated([stream]), case.uid, rows=8, columns=12, bits=16, stored=12, representation=1)
    with fastdcm.open(data) as found:
        np.testing.assert_array_equal(found.pixels(), values)
        assert [notice.code for notice in found.notices] == ["precision"]
