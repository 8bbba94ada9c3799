"""Every prefix of a file, and files with bytes changed: the right pixels or an error of our tree.

Never a crash, a warning, another exception, or wrong pixels of a file that is merely cut. CharLS may hang on
damaged data, but no prefix gets so far: a cut fragment is seen by its length.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import FastdcmError
from tests.builders import (
    EXPLICIT,
    IMPLICIT,
    Element,
    attributes,
    image,
    lut_item,
    words,
)
from tests.conftest import PYDICOM_FILES

#: At least one file a way of coding, the smaller ones that the pydicom package has.
FILES = {
    "native, implicit": "MR_small_implicit.dcm",
    "native, explicit": "MR_small.dcm",
    "native, big endian": "MR_small_bigendian.dcm",
    "native, deflated": "image_dfl.dcm",
    "native, several frames of 32 bits": "rtdose.dcm",
    "native, odd colour": "SC_rgb_small_odd.dcm",
    "native, odd colour, big endian": "SC_rgb_small_odd_big_endian.dcm",
    "native, shared chroma": "SC_ybr_full_422_uncompressed.dcm",
    "native, sequences of undefined length": "rtdose_expb_1frame.dcm",
    "rle": "MR_small_RLE.dcm",
    "rle, frames": "SC_rgb_rle_2frame.dcm",
    "rle, frames of 32 bits": "SC_rgb_rle_32bit_2frame.dcm",
    "jpeg baseline": "SC_rgb_small_odd_jpeg.dcm",
    "jpeg extended": "JPEG-lossy.dcm",
    "jpeg in fragments": "SC_rgb_dcmtk_+eb+cy+n2.dcm",
    "jpeg lossless": "SC_rgb_jpeg_gdcm.dcm",
    "jpeg-ls": "MR_small_jpeg_ls_lossless.dcm",
    "jpeg-ls, lossy": "JPEGLSNearLossless_16.dcm",
    "jpeg 2000": "MR_small_jp2klossless.dcm",
    "jpeg 2000, lossy": "JPEG2000.dcm",
    "no pixels": "rtplan.dcm",
    "sequence in UN": "UN_sequence.dcm",
    "private sequences": "nested_priv_SQ.dcm",
}
ALL_PREFIXES_UP_TO = 3000
SAMPLES = 150


@cache
def contents(name: str) -> bytes:
    return (PYDICOM_FILES / FILES[name]).read_bytes()


@cache
def frames(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The whole file's pixels and display values; none where it has no pixels or is refused."""
    try:
        with fastdcm.open(contents(name)) as found:
            indexes = range(len(found))
            return [found.pixels(i).copy() for i in indexes], [found.render(i).copy() for i in indexes]
    except FastdcmError:
        return [], []


def ends(name: str) -> list[int]:
    """All, or those around the pixels and the end, and some by chance."""
    size = len(contents(name))
    if size <= ALL_PREFIXES_UP_TO:
        return list(range(size))
    found = set(random.Random(name).sample(range(size), SAMPLES))
    pixels = contents(name).rfind(b"\xe0\x7f\x10\x00")
    pixels = pixels if pixels >= 0 else contents(name).rfind(b"\x7f\xe0\x00\x10")
    found |= set(range(max(pixels - 40, 0), pixels + 100)) | set(range(size - 60, size)) | set(range(200))
    return sorted(end for end in found if 0 <= end < size)


@pytest.mark.parametrize("name", FILES)
def test_prefixes(name: str) -> None:
    data = contents(name)
    pixels, display = frames(name)
    complete = 0
    for end in ends(name):
        try:
            found = fastdcm.open(data[:end])
        except FastdcmError:
            continue
        assert len(found) == len(pixels), end
        for index in range(len(found)):
            try:
                values = found.pixels(index)
            except FastdcmError:
                with pytest.raises(FastdcmError) as caught:
                    found.render(index)
                assert caught.value.frame == index + 1
                continue
            complete += 1
            assert np.array_equal(values, pixels[index]), end
            assert np.array_equal(found.render(index), display[index]), end
    if len(pixels) > 1:
        assert complete > len(pixels), "frames before the cut can be read"


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes(name: str) -> None:
    """In the data set, where they change lengths, tags and values; then anywhere."""
    data = contents(name)
    chance = random.Random(name)
    start = data.rfind(b"\xe0\x7f\x10\x00")
    start = start if start > 0 else len(data)
    for number in range(300):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            where = chance.randrange(128, start if number % 3 else len(data))
            changed[where] = chance.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, chance.randrange(256)])
        outcome(bytes(changed))


def gray_with_everything(syntax: str) -> bytes:
    """LUTs, groups, windows, padding and a supplemental palette, few pixels."""
    window = [Element(0x00289132, "SQ", [attributes(center="3", width="5", function="SIGMOID")])]
    rescale = [Element(0x00289145, "SQ", [attributes(intercept="-1", slope="2")])]
    luts = [lut_item((4, 0, 12), words([0, 100, 1000, 4095])), lut_item((4, 65534, 8), words([9, 8, 7, 6]))]
    extra = [
        Element(0x00283000, "SQ", luts[1:]),
        Element(0x00283010, "SQ", luts, undefined=True),
        Element(0x20500010, "SQ", luts[:1]),
        Element(0x52009229, "SQ", [rescale], undefined=True),
        Element(0x52009230, "SQ", [window, rescale, [*window, *rescale]]),
        *palette([0, 2, 1, 2, 1, 2, 9], 0x00281221),
    ]
    pixels = words(range(18))
    return image(
        pixels,
        syntax,
        bits=16,
        frames=3,
        extra=extra,
        pixel_presentation="COLOR",
        representation=1,
        padding=3,
        padding_limit=5,
        center="3\\4",
        width="5\\6",
        slope="2",
        intercept="-3",
        shape="INVERSE",
    )


def palette(entries: list[int], first_tag: int) -> list[Element]:
    found = [Element(0x00281101 + channel, "US", [4, 1, 16]) for channel in range(3)]
    return found + [Element(first_tag + channel, "OW", words(entries)) for channel in range(3)]


def coloured(syntax: str) -> bytes:
    extra = palette([0, 2, 1, 2, 2, 1, 0, 0], 0x00281221)
    return image(bytes(range(6)), syntax, photometric="PALETTE COLOR", extra=extra)


@pytest.mark.parametrize("make", [gray_with_everything, coloured])
@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_changed_bytes_of_what_is_displayed(make: Callable[[str], bytes], syntax: str) -> None:
    data = make(syntax)
    for index in range(len(fastdcm.open(data))):
        fastdcm.open(data).render(index)
    chance = random.Random(syntax)
    for _ in range(1000):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(300, len(data))] = chance.choice(
                [0, 1, 0x7F, 0xFE, 0xFF, chance.randrange(256)]
            )
        outcome(bytes(changed))


@pytest.mark.parametrize("name", ["native, explicit", "rle, frames", "jpeg baseline", "private sequences"])
def test_spliced_files(name: str) -> None:
    """Pieces left out, doubled, and moved."""
    data = contents(name)
    chance = random.Random(name)
    for _ in range(200):
        first, second = sorted(chance.sample(range(132, len(data)), 2))
        piece = data[first:second]
        where = chance.randrange(132, len(data))
        for changed in pieces(data, first, second, where, piece):
            outcome(changed)


def pieces(data: bytes, first: int, second: int, where: int, piece: bytes) -> Iterator[bytes]:
    yield data[:first] + data[second:]
    yield data[:where] + piece + data[where:]
    yield data[:first] + bytes(len(piece)) + data[second:]


def outcome(data: bytes) -> None:
    """Whatever the bytes are: arrays of the header's shape, or errors of our tree."""
    with suppress(FastdcmError):
        found = fastdcm.open(data)
        header = found.header
        for index in {0, min(1, len(found) - 1), len(found) - 1}:
            with suppress(FastdcmError):
                assert found.pixels(index).shape[:2] == (header.rows, header.columns)
            with suppress(FastdcmError):
                assert found.render(index).shape[:2] == (header.rows, header.columns)
            assert len(found.notices) < 50
