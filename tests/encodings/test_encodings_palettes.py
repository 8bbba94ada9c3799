"""Palettes of every kind through whole files (PS3.3 C.7.6.3.1.5-6, C.7.9.2, C.7.6.23); refused colours."""

from __future__ import annotations

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import UnsupportedError
from tests.builders import Element, image, words
from tests.encodings.cases import Array, Case, palette_elements, palette_of
from tests.encodings.layout import native
from tests.encodings.makers import dicom_file

#: (syntax, maker) of all that carry palettes without loss.
CARRIERS = [
    ("", "layout"),
    (".1", "layout"),
    (".1.99", "layout"),
    (".2", "layout"),
    (".1.98", "layout"),
    (".8.1", "zlib"),
    (".5", "pydicom"),
    (".4.70", "turbo-lossless"),
    (".4.80", "charls"),
    (".4.90", "openjpeg"),
    (".4.201", "openjph"),
    (".4.110", "libjxl"),
]
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"


def palette_case(syntax: str, maker: str, bits: int, **changes: object) -> Case:
    case = Case(syntax, maker, bits, photometric="PALETTE COLOR", **changes)  # type: ignore[arg-type]
    return case._replace(rows=33, columns=37) if maker == "openjpeg" else case


def shown(stored: Array, colours: Array, first: int, bits: int) -> Array:
    """The definition: below the first value its entry, past the end the last; 16 bits show the high byte."""
    index = np.clip(stored.astype(np.int64) - first, 0, len(colours) - 1)
    return colours[index] >> (bits - 8)


@pytest.mark.encodes(cell=lambda carrier, bits, entries, first: (carrier[0], bits, "PALETTE COLOR"))
@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier[0] or "implicit")
@pytest.mark.parametrize(
    ("bits", "entries", "first"), [(8, 256, 0), (8, 100, 30), (16, 4096, 100), (16, 65536, 0)]
)
@pytest.mark.parametrize("depth", [8, 16])
def test_carriers(carrier: tuple[str, str], bits: int, entries: int, first: int, depth: int) -> None:
    case = palette_case(*carrier, bits, frames=2)
    colours = palette_of(entries, first, depth)
    extra = palette_elements(colours, first, depth, little=case.syntax != ".2")
    with fastdcm.open(dicom_file(case, extra=extra)) as found:
        for index, stored in enumerate(case.pixels):
            np.testing.assert_array_equal(found.render(index), shown(stored, colours, first, depth))
            np.testing.assert_array_equal(found.pixels(index), stored)
            fine = shown(stored, colours, first, 8) * (257 if depth == 8 else 1)
            np.testing.assert_array_equal(found.render(index, bits=16), fine)
        assert not found.notices


@pytest.mark.encodes(cell=lambda carrier, first, written: (carrier[0], 16, "PALETTE COLOR"))
@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier[0] or "implicit")
@pytest.mark.parametrize("first", [-32768, -300, 0, 200])
@pytest.mark.parametrize("written", ["SS", "US"])
def test_signed_values(carrier: tuple[str, str], first: int, written: str) -> None:
    """The first value has the sign of the pixels, whatever VR was written (C.7.6.3.1.5)."""
    case = palette_case(*carrier, 16, signed=True)
    colours = palette_of(600, first, 16)
    extra = palette_elements(colours, first, 16, little=case.syntax != ".2", signed=written == "SS")
    rendered = fastdcm.render(dicom_file(case, extra=extra))
    np.testing.assert_array_equal(rendered, shown(case.pixels[0], colours, first, 16))


@pytest.mark.encodes(".1", 8, "PALETTE COLOR")
@pytest.mark.parametrize("entries", [255, 256])
def test_8_bit_entries_two_in_a_word(entries: int) -> None:
    case = palette_case(".1", "layout", 8)
    colours = palette_of(entries, 0, 8)
    extra = palette_elements(colours, 0, 8)[:3]
    for channel in range(3):
        data = colours[:, channel].astype(np.uint8).tobytes()
        extra.append(Element(0x281201 + channel, "OW", data + bytes(len(data) % 2)))
    rendered = fastdcm.render(dicom_file(case, extra=extra))
    np.testing.assert_array_equal(rendered, shown(case.pixels[0], colours, 0, 8))


#: All three kinds of segments: 4 entries as they are, 60 on a line, both again from their byte offset,
#: the line alone: 4 + 60 + 64 + 60 entries.
SEGMENTS = [0, 4, 9, 60, 30, 10, 1, 60, 250, 2, 2, 0, 0, 2, 1, 12, 0]
EXPANDED = [
    *(first := [9, 60, 30, 10, *(10 + 4 * step for step in range(1, 61))]),
    *first,
    *[250] * 60,
]


@pytest.mark.encodes(".1", 8, "PALETTE COLOR")
@pytest.mark.encodes(".2", 8, "PALETTE COLOR")
@pytest.mark.encodes(".5", 8, "PALETTE COLOR")
@pytest.mark.parametrize("carrier", [(".1", "layout"), (".2", "layout"), (".5", "pydicom")])
@pytest.mark.parametrize("depth", [8, 16])
def test_segmented(carrier: tuple[str, str], depth: int) -> None:
    case = palette_case(*carrier, 8)
    little = case.syntax != ".2"
    count = len(EXPANDED)
    numbers = SEGMENTS
    if depth == 8:
        # Offsets have four bytes, and the line lies at byte 6.
        packed = [*SEGMENTS[:9], 2, 2, 0, 0, 0, 0, 2, 1, 6, 0, 0, 0, 0]
        numbers = np.frombuffer(bytes(packed), "<u2").tolist()
    data = words(numbers, little=little)
    extra = [
        Element(0x281101 + channel, "US", words([count, 5, depth], little=little)) for channel in range(3)
    ]
    extra += [Element(0x281221 + channel, "OW", data) for channel in range(3)]
    colours = np.repeat(np.array(EXPANDED)[:, None], 3, 1)
    rendered = fastdcm.render(dicom_file(case, extra=extra), bits=16)
    expected = shown(case.pixels[0], colours, 5, 8)
    # All entries fit 8 bits, and so are taken for such in 16, too.
    np.testing.assert_array_equal(rendered, expected * 257)


@pytest.mark.encodes(".1", 12, "MONOCHROME2")
@pytest.mark.encodes(".5", 12, "MONOCHROME2")
@pytest.mark.parametrize("carrier", [(".1", "layout"), (".5", "pydicom"), (".4.90", "openjpeg")])
def test_supplemental(carrier: tuple[str, str]) -> None:
    """Stored values from the palette's first on are coloured, all below are gray (C.7.6.23)."""
    case = Case(*carrier, 16, 12, rows=33, columns=37)
    colours = palette_of(96, 4000, 16)
    window = [Element(0x281050, "DS", "2000"), Element(0x281051, "DS", "4001")]
    extra = [*palette_elements(colours, 4000, 16), *window]
    data = dicom_file(case, extra=extra, pixel_presentation="COLOR")
    stored = case.pixels[0].astype(int)
    gray = np.floor(np.clip(((stored - 1999.5) / 4000 + 0.5) * 255, 0, 255) + 0.5).astype(int)
    expected = np.where(stored[..., None] >= 4000, shown(stored, colours, 4000, 16), gray[..., None])
    assert 10 < (stored >= 4000).sum() < stored.size / 2
    np.testing.assert_array_equal(fastdcm.render(data), expected)
    # Without COLOR the palette does not count.
    assert fastdcm.render(dicom_file(case, extra=extra)).shape == stored.shape


@pytest.mark.encodes(".1", 8, "PALETTE COLOR")
@pytest.mark.encodes(".5", 16, "PALETTE COLOR")
@pytest.mark.parametrize("carrier", [(".1", "layout", 8), (".5", "pydicom", 16)])
def test_label_map(carrier: tuple[str, str, int]) -> None:
    """A Label Map Segmentation whose labels have colours: they are no gray values, and keep their edges."""
    case = palette_case(*carrier, frames=3)
    colours = palette_of(12, 0, 16)
    data = dicom_file(case, extra=palette_elements(colours, 0, 16), sop_class=LABEL_MAP, modality="SEG")
    with fastdcm.open(data) as found:
        for index, labels in enumerate(case.pixels):
            np.testing.assert_array_equal(found.render(index), shown(labels, colours, 0, 16))


@pytest.mark.parametrize(
    ("photometric", "samples"),
    [("ARGB", 4), ("CMYK", 4), ("HSV", 3), ("RGB", 2), ("RGB", 4), ("MONOCHROME2", 2)],
)
def test_colours_that_are_refused_by_name(photometric: str, samples: int) -> None:
    with pytest.raises(UnsupportedError) as error:
        fastdcm.open(image(bytes(96), rows=4, columns=6, samples=samples, photometric=photometric))
    assert photometric in error.value.message
    assert "not supported" in error.value.message


def test_native_chroma_of_4_2_0_is_refused_by_name() -> None:
    """YBR_PARTIAL_420 is defined for MPEG only (PS3.3 C.7.6.3.1.2)."""
    case = Case(".1", "layout", photometric="YBR_PARTIAL_420")
    assert native(case.pixels, case)
    with pytest.raises(UnsupportedError, match="YBR_PARTIAL_420"):
        fastdcm.read(dicom_file(case))
