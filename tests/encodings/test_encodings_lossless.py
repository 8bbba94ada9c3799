"""The matrix: every lossless encoding gives back the values that went in, colour and palettes their RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastdcm
from tests.encodings.cases import (
    BIG_ENDIAN,
    DECODED_AS,
    NATIVE,
    Array,
    Case,
    palette_elements,
    palette_of,
    rows,
)
from tests.encodings.colours import to_rgb
from tests.encodings.makers import dicom_file

CAPSULE, DEFLATED, RLE = ".1.98", ".8.1", ".5"
UNCOMPRESSED = [(syntax, "layout") for syntax in (*NATIVE, CAPSULE)] + [(DEFLATED, "zlib")]
DEPTHS = [(8, 5), (8, 8), (16, 9), (16, 12), (16, 16)]
RGB, YBR, PALETTE = "RGB", "YBR_FULL", "PALETTE COLOR"


def uncompressed() -> list[Case]:
    """Native, encapsulated and deflated alike: every depth, sign, arrangement."""
    found = []
    for syntax, maker in UNCOMPRESSED:
        found += [
            Case(syntax, maker, 1, frames=3),
            Case(syntax, maker, 12, frames=3),
            Case(syntax, maker, 12, signed=True),
            Case(syntax, maker, 8, photometric=PALETTE, frames=2),
            Case(syntax, maker, 16, photometric=PALETTE),
            Case(syntax, maker, 16, 10, photometric=PALETTE),
            Case(syntax, maker, 8, photometric="MONOCHROME1"),
            Case(syntax, maker, 32, is_float=True, frames=2),
            Case(syntax, maker, 64, is_float=True, frames=2),
            Case(syntax, maker, 16, 12, high_bit=13, signed=True),
            Case(syntax, maker, 32, 20, high_bit=27, signed=True),
            *(Case(syntax, maker, *depth, signed=signed) for depth in DEPTHS for signed in (False, True)),
            *(Case(syntax, maker, 32, stored, frames=2) for stored in (17, 24, 32)),
            Case(syntax, maker, 32, signed=True),
            *(Case(syntax, maker, 64, signed=signed, frames=2) for signed in (False, True)),
            *(
                Case(syntax, maker, bits, photometric=photometric, planar=planar, frames=2)
                for bits in (8, 16)
                for photometric in (RGB, YBR)
                for planar in (0, 1)
            ),
            Case(syntax, maker, 16, 12, photometric=RGB),
            Case(syntax, maker, 32, photometric=RGB, planar=1),
            *(
                Case(syntax, maker, 8, photometric=shared, frames=3)
                for shared in ("YBR_FULL_422", "YBR_PARTIAL_422")
            ),
        ]
    wide = ("big-endian-words",)
    found = [case._replace(notices=wide) if _is_ambiguous(case) else case for case in found]
    return [
        *found,
        Case(BIG_ENDIAN, "layout", 8, vr="OB", frames=3),
        Case(BIG_ENDIAN, "layout", 1, vr="OB", frames=3),
    ]


def _is_ambiguous(case: Case) -> bool:
    return case.syntax == BIG_ENDIAN and case.allocated == 32 and not case.is_float


def run_length() -> list[Case]:
    return [
        Case(RLE, "pylibjpeg", 1, frames=3),
        Case(RLE, "pylibjpeg", 8, photometric=RGB, frames=2),
        Case(RLE, "pylibjpeg", 16),
        *(Case(RLE, "pydicom", *depth, signed=signed) for depth in DEPTHS for signed in (False, True)),
        *(Case(RLE, "pydicom", 32, stored, signed=signed) for stored in (17, 32) for signed in (False, True)),
        Case(RLE, "pydicom", 16, 10, high_bit=12, signed=True, frames=3),
        Case(RLE, "pydicom", 8, photometric="MONOCHROME1"),
        Case(RLE, "pydicom", 8, photometric=PALETTE, frames=2),
        Case(RLE, "pydicom", 16, photometric=PALETTE),
        *(
            Case(RLE, "pydicom", bits, photometric=photometric, planar=planar, frames=2)
            for bits in (8, 16, 32)
            for photometric in (RGB, YBR)
            for planar in (0, 1)
        ),
        Case(RLE, "pydicom", 8, photometric="YBR_FULL_422"),
    ]


def lossless_jpeg() -> list[Case]:
    found = []
    for syntax, predictors in ((".4.57", range(1, 8)), (".4.70", [1])):
        for predictor in predictors:
            found += [
                Case(syntax, "turbo-lossless", 8, setting=predictor, split=100),
                Case(syntax, "turbo-lossless", 16, setting=predictor, signed=True),
                Case(syntax, "turbo-lossless", 8, photometric=RGB, setting=predictor),
            ]
        found += [Case(syntax, "turbo-lossless", 16, bits, frames=2) for bits in (9, 10, 11, 12, 13, 14, 15)]
        found += [
            *(Case(syntax, "turbo-lossless", 8, bits) for bits in (2, 4, 7)),
            Case(syntax, "turbo-lossless", 16, 12, signed=True, frames=2),
            Case(syntax, "turbo-lossless", 16, photometric=RGB),
            Case(syntax, "turbo-lossless", 8, photometric=YBR),
            Case(syntax, "turbo-lossless", 8, photometric=RGB, planar=1),
            Case(syntax, "turbo-lossless", 8, photometric="MONOCHROME1"),
            Case(syntax, "turbo-lossless", 8, photometric=PALETTE, frames=2),
            Case(syntax, "turbo-lossless", 16, photometric=PALETTE),
        ]
    raw = [Case(".4.57", "liblj92", 16, bits) for bits in (9, 12, 14, 16)]
    raw += [Case(".4.57", "liblj92", 8, frames=2), Case(".4.57", "liblj92", 16, 16, signed=True)]
    return found + raw


def jpeg_ls() -> list[Case]:
    return [
        *(Case(".4.80", "charls", *depth, signed=signed) for depth in DEPTHS for signed in (False, True)),
        *(Case(".4.80", "charls", 16, bits, frames=2, split=120) for bits in (10, 14, 15)),
        *(
            Case(".4.80", "charls", bits, photometric=photometric, planar=planar, setting=(mode, 0))
            for bits in (8, 16)
            for photometric in (RGB, YBR)
            for planar in (0, 1)
            for mode in (0, 1, 2)
        ),
        Case(".4.80", "charls", 16, 12, photometric=RGB, frames=2),
        Case(".4.80", "charls", 8, photometric="MONOCHROME1"),
        Case(".4.80", "charls", 8, photometric=PALETTE, frames=2),
        Case(".4.80", "charls", 16, photometric=PALETTE),
        Case(".4.81", "charls", 8, frames=2),
        Case(".4.81", "charls", 16, 12, signed=True),
        Case(".4.81", "charls", 8, photometric=RGB),
        Case(".4.81", "charls", 8, photometric=YBR),
        Case(".4.81", "charls", 8, photometric=PALETTE),
    ]


def jpeg_2000() -> list[Case]:
    found = []
    for syntax in (".4.90", ".4.91", ".4.92", ".4.93"):
        found += [
            *(
                Case(syntax, "openjpeg", *depth, signed=signed)
                for depth in DEPTHS
                for signed in (False, True)
            ),
            Case(syntax, "openjpeg", 8, 1, frames=2),
            Case(syntax, "openjpeg", 16, 15, signed=True, frames=3, split=150),
            Case(syntax, "openjpeg", 8, photometric="YBR_RCT", frames=2),
            Case(syntax, "openjpeg", 16, photometric="YBR_RCT"),
            Case(syntax, "openjpeg", 8, photometric=RGB),
            Case(syntax, "openjpeg", 8, photometric=RGB, planar=1),
            Case(syntax, "openjpeg", 8, photometric=YBR),
            Case(syntax, "openjpeg", 8, photometric="YBR_FULL_422"),
            Case(syntax, "openjpeg", 16, 12, photometric=RGB),
            Case(syntax, "openjpeg", 8, photometric="MONOCHROME1"),
            Case(syntax, "openjpeg", 8, photometric=PALETTE),
            Case(syntax, "openjpeg", 16, 10, photometric=PALETTE),
        ]
    # The binding always makes six resolutions, for which it wants 32 x 32 pixels.
    return [case._replace(rows=33, columns=37) for case in found]


def high_throughput() -> list[Case]:
    found = []
    for syntax in (".4.201", ".4.202", ".4.203"):
        found += [
            *(
                Case(syntax, "openjph", *depth, signed=signed, frames=frames)
                for depth in ((8, 8), (16, 10), (16, 12), (16, 16))
                for signed, frames in ((False, 3), (True, 1))
            ),
            Case(syntax, "openjph", 8, 1),
            Case(syntax, "openjph", 8, 6, signed=True),
            Case(syntax, "openjph", 16, 16, split=200, frames=2),
            Case(syntax, "openjph", 8, photometric=RGB),
            Case(syntax, "openjph", 8, photometric="YBR_RCT", frames=2),
            Case(syntax, "openjph", 16, photometric="YBR_RCT"),
            Case(syntax, "openjph", 8, photometric=YBR),
            Case(syntax, "openjph", 8, photometric="MONOCHROME1"),
            Case(syntax, "openjph", 8, photometric=PALETTE),
            Case(syntax, "openjph", 16, photometric=PALETTE),
        ]
    return found


def jpeg_xl() -> list[Case]:
    found = []
    for syntax in (".4.110", ".4.112"):
        found += [
            *(Case(syntax, "libjxl", *depth, signed=signed) for depth in DEPTHS for signed in (False, True)),
            Case(syntax, "libjxl", 8, 1),
            Case(syntax, "libjxl", 16, 12, frames=3, split=150),
            Case(syntax, "libjxl", 8, photometric=RGB, frames=2),
            Case(syntax, "libjxl", 8, photometric=RGB, planar=1),
            Case(syntax, "libjxl", 16, photometric=RGB),
            Case(syntax, "libjxl", 16, 12, photometric=RGB),
            Case(syntax, "libjxl", 8, photometric="MONOCHROME1"),
            Case(syntax, "libjxl", 8, photometric=PALETTE),
            Case(syntax, "libjxl", 16, photometric=PALETTE),
        ]
    return found


CASES = [
    *uncompressed(),
    *run_length(),
    *lossless_jpeg(),
    *jpeg_ls(),
    *jpeg_2000(),
    *high_throughput(),
    *jpeg_xl(),
]


@pytest.mark.parametrize("case", rows(CASES))
def test_values_that_went_in_come_out(case: Case) -> None:
    colours = palette_of(200, 7, 16 if case.allocated == 16 else 8)
    extra = palette_elements(colours, 7, 16 if case.allocated == 16 else 8, little=case.syntax != BIG_ENDIAN)
    data = dicom_file(case, extra=extra if case.photometric == PALETTE else [])
    with fastdcm.open(data) as image:
        assert len(image) == case.frames
        for index, expected in enumerate(case.pixels):
            found = image.pixels(index, raw=True)
            assert found.dtype == case.kind
            np.testing.assert_array_equal(found, expected)
            if case.samples == 3:
                assert_shown(image.pixels(index), expected, case)
            if case.photometric == PALETTE:
                shown = colours[np.clip(expected.astype(int) - 7, 0, 199)]
                shown = shown >> 8 if case.allocated == 16 else shown
                np.testing.assert_array_equal(image.render(index), shown)
        assert {notice.code for notice in image.notices} == set(case.notices)


def assert_shown(found: Array, coded: Array, case: Case) -> None:
    """RGB of a frame, within the rounding of one step."""
    photometric: Any = DECODED_AS.get(case.photometric, case.photometric)
    expected = to_rgb(coded, photometric, case.bits)
    assert found.dtype == case.kind
    assert np.abs(found.astype(np.int64) - expected).max() <= (photometric != "RGB")
