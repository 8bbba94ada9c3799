"""The matrix where something is lost: against a second decoder, or the bound that the standard gives."""

from __future__ import annotations

import io
from collections.abc import Callable

import imagecodecs
import libjpeg
import numpy as np
import openjpeg
import pydicom
import pytest
from pydicom.pixels import pixel_array

import fastdcm
from tests.encodings.cases import Array, Case, rows
from tests.encodings.makers import dicom_file, streams, turbo

YBR = "YBR_FULL"


def richter(case: Case) -> list[Array]:
    """T. Richter's libjpeg, colours as coded."""
    return [libjpeg.decode(stream, colour_transform=0) for stream in streams(case)]


def gdcm(case: Case) -> list[Array]:
    """GDCM, which has IJG's decoder and its way of interpolating chroma."""
    data_set = pydicom.dcmread(io.BytesIO(dicom_file(case)))
    options = {"raw": True, "decoding_plugin": "gdcm"}
    return [pixel_array(data_set, index=index, **options) for index in range(case.frames)]


def other_openjpeg(case: Case) -> list[Array]:
    """OpenJPEG in the build of pylibjpeg."""
    return [openjpeg.decode(stream) for stream in streams(case)]


def openjpeg_for_openjph(case: Case) -> list[Array]:
    """OpenJPEG, which knows High Throughput too."""
    return [imagecodecs.jpeg2k_decode(stream) for stream in streams(case)]


def jpeg_inside(case: Case) -> list[Array]:
    """The JPEG that JPEG XL recompressed, by T. Richter's libjpeg, colours converted."""
    transform = int(case.samples == 3)
    return [libjpeg.decode(turbo(frame, case), colour_transform=transform) for frame in case.pixels]


Second = Callable[[Case], list[Array]]


def smooth(syntax: str, maker: str, *depth: int, **changes: object) -> Case:
    return Case(syntax, maker, *depth, smooth=True, **changes)  # type: ignore[arg-type]


JPEG: list[tuple[Second, int, list[Case]]] = [
    (
        richter,
        2,
        [
            *(smooth(syntax, "turbo", 8, frames=2) for syntax in (".4.50", ".4.51")),
            *(smooth(syntax, "turbo", 8, photometric="MONOCHROME1") for syntax in (".4.50", ".4.51")),
            *(smooth(syntax, "turbo", 8, photometric=YBR, split=200) for syntax in (".4.50", ".4.51")),
            *(smooth(syntax, "turbo", 8, photometric=YBR, planar=1) for syntax in (".4.50", ".4.51")),
            *(
                smooth(".4.51", "turbo", 16, 12, frames=frames, rows=size)
                for frames, size in ((3, 19), (1, 8))
            ),
            smooth(".4.51", "turbo", 16, 12, photometric="MONOCHROME1"),
            *(smooth(syntax, "turbo", 8, photometric="PALETTE COLOR") for syntax in (".4.50", ".4.51")),
            *(smooth(syntax, "pillow", 8, photometric="PALETTE COLOR") for syntax in (".4.53", ".4.55")),
            smooth(".4.51", "turbo", 16, 12, photometric=YBR),
            *(
                smooth(syntax, "pillow", 8, photometric=photometric, frames=2)
                for syntax in (".4.53", ".4.55")
                for photometric in ("MONOCHROME2", YBR)
            ),
        ],
    ),
    (
        gdcm,
        2,
        [
            smooth(".4.50", "turbo", 8, photometric=photometric, setting=setting, columns=columns, frames=2)
            for photometric in ("YBR_FULL_422", YBR)
            for setting in ("422", "420", "411")
            for columns in (22, 23, 1)
        ],
    ),
]
WAVELETS: list[tuple[Second, int, list[Case]]] = [
    (
        other_openjpeg,
        1,
        [
            smooth(syntax, "openjpeg", *depth, photometric=photometric, setting=4, rows=33, columns=37)
            for syntax in (".4.91", ".4.93")
            for depth in ((8, 8), (16, 12), (16, 16))
            for photometric in ("MONOCHROME2", "MONOCHROME1", "YBR_ICT", "RGB", YBR)
        ]
        + [
            smooth(".4.91", "openjpeg", *depth, signed=True, setting=4, rows=33, columns=37)
            for depth in ((8, 8), (16, 12), (16, 16))
        ],
    ),
    (
        openjpeg_for_openjph,
        1,
        [
            smooth(".4.203", "openjph", 8, photometric=photometric, setting=0.01, frames=2)
            for photometric in ("MONOCHROME2", "YBR_ICT", "RGB")
        ]
        + [smooth(".4.203", "openjph", 8, signed=True, setting=0.01)],
    ),
    (
        openjpeg_for_openjph,
        2,  # of 65536: 32-bit floats are at their end
        [
            smooth(".4.203", "openjph", 16, photometric=photometric, setting=0.001, frames=2)
            for photometric in ("MONOCHROME2", "YBR_ICT", "RGB")
        ]
        + [smooth(".4.203", "openjph", 16, signed=True, setting=0.01)],
    ),
    (
        jpeg_inside,
        2,
        [
            smooth(".4.111", "libjxl-jpeg", 8, photometric=photometric)
            for photometric in ("MONOCHROME2", "PALETTE COLOR", YBR)
        ],
    ),
]


def parameters(groups: list[tuple[Second, int, list[Case]]]) -> list[object]:
    return [
        pytest.param(second, bound, *row.values, id=f"{second.__name__}-{row.id}", marks=row.marks)
        for second, bound, cases in groups
        for row in rows(cases)
    ]


@pytest.mark.filterwarnings("ignore")  # pydicom on what it reads
@pytest.mark.parametrize(("second", "bound", "case"), parameters(JPEG + WAVELETS))
def test_as_a_second_decoder(second: Second, bound: int, case: Case) -> None:
    """And close to the image that went in, which two wrong decoders would hardly be."""
    expected = second(case)
    with fastdcm.open(dicom_file(case)) as image:
        for index, theirs in enumerate(expected):
            found = image.pixels(index, raw=True)
            assert found.dtype == case.kind
            assert np.abs(found.astype(np.int64) - theirs.reshape(found.shape)).max() <= bound
            if case.photometric in ("RGB", "YBR_ICT") or case.samples == 1:
                off = np.abs(found.astype(np.int64) - case.pixels[index]).mean()
                assert 0 < off < (1 << case.bits) / 30
        assert not image.notices


@pytest.mark.parametrize(
    "case",
    rows(
        [
            Case(".4.81", "charls", *depth, photometric=photometric, setting=(mode, near), frames=2)
            for depth in ((8, 8), (16, 12), (16, 16))
            for photometric, mode in (("MONOCHROME2", 0), ("RGB", 0), ("RGB", 1), ("RGB", 2), (YBR, 2))
            for near in (1, 5)
        ]
    ),
)
def test_near_lossless_is_as_near_as_it_says(case: Case) -> None:
    """T.87 C.2.3: no sample is off by more than NEAR, and some are by as much."""
    with fastdcm.open(dicom_file(case)) as image:
        off = np.abs(image.pixels(None, raw=True).astype(np.int64) - case.pixels)
        assert off.max() == case.setting[1]
        assert not image.notices


@pytest.mark.parametrize(
    "case",
    rows(
        [
            smooth(".4.112", "libjxl", *depth, photometric=photometric, setting=0.5, frames=2)
            for depth in ((8, 8), (16, 12), (16, 16))
            for photometric in ("MONOCHROME2", "RGB", "XYB")
        ]
        + [smooth(".4.112", "libjxl", 8, photometric="PALETTE COLOR", setting=0.5)]
    ),
)
def test_lossy_jpeg_xl_is_near(case: Case) -> None:
    """Of JPEG XL there is one decoder: what comes out is near what went in, channel by channel."""
    with fastdcm.open(dicom_file(case)) as image:
        off = np.abs(image.pixels(None, raw=True).astype(np.int64) - case.pixels)
        assert 0 < off.mean() < (1 << case.bits) / 60
        assert not image.notices
