"""Every codec's stream under every transfer syntax: decoded as what it is, and said where that is another."""

from __future__ import annotations

import numpy as np
import pytest

import fastdcm
from fastdcm.codecs.table import SYNTAXES
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.builders import encapsulated, image
from tests.encodings.cases import ROOT_UID, Case
from tests.encodings.makers import streams

#: Streams -> the syntaxes that they are right under.
REAL: dict[str, tuple[Case, tuple[str, ...]]] = {
    "baseline": (Case(".4.50", "turbo", smooth=True), (".4.50", ".4.51")),
    "extended": (Case(".4.51", "turbo", 16, 12, smooth=True), (".4.51",)),
    "progressive": (Case(".4.55", "pillow", smooth=True), (".4.53", ".4.55")),
    "lossless": (Case(".4.70", "turbo-lossless", 16, 12), (".4.57", ".4.70")),
    "JPEG-LS": (Case(".4.80", "charls", 16, 12), (".4.80", ".4.81")),
    "JPEG 2000": (
        Case(".4.90", "openjpeg", 16, 12, rows=33, columns=37),
        (".4.90", ".4.91", ".4.92", ".4.93"),
    ),
    "HTJ2K": (Case(".4.201", "openjph", 16), (".4.201", ".4.202", ".4.203")),
    "JPEG XL": (Case(".4.110", "libjxl", 16), (".4.110", ".4.111", ".4.112")),
    "JPEG XL codestream": (Case(".4.110", "libjxl", 8), (".4.110", ".4.111", ".4.112")),
    "RLE": (Case(".5", "pydicom", 16, 12), (".5",)),
    "RLE, colour": (Case(".5", "pydicom", 8, photometric="RGB"), (".5",)),
}
#: Video is no codec of frames, and is decoded elsewhere (tests/unit/codecs).
DECLARED = [
    uid.removeprefix(ROOT_UID)
    for uid, syntax in SYNTAXES.items()
    if syntax.supported and syntax.family != "video"
]


def declared_as(case: Case, syntax: str, stream: bytes) -> bytes:
    return image(
        encapsulated([stream]),
        ROOT_UID + syntax,
        rows=case.rows,
        columns=case.columns,
        bits=case.allocated,
        stored=case.bits,
        samples=case.samples,
        photometric=case.photometric,
    )


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("real", REAL)
def test_decoded_as_what_it_is(real: str, declared: str) -> None:
    case, right = REAL[real]
    [stream] = streams(case)
    expected = fastdcm.read(declared_as(case, right[0], stream), raw=True)
    with fastdcm.open(declared_as(case, declared, stream)) as found:
        np.testing.assert_array_equal(found.pixels(raw=True), expected)
        assert [notice.code for notice in found.notices] == ([] if declared in right else ["other-syntax"])
    if not case.smooth:
        np.testing.assert_array_equal(expected, case.pixels[0])


@pytest.mark.parametrize("declared", DECLARED)
def test_native_samples_in_fragments_are_not_guessed(declared: str) -> None:
    """Bytes without any sign are decoded by the syntaxes that can hold such, and refused by the others."""
    case = Case(".1.98", "layout", 16, 12)
    [stream] = streams(case)
    data = declared_as(case, declared, stream)
    if declared == ".1.98":
        np.testing.assert_array_equal(fastdcm.read(data), case.pixels[0])
    else:
        with pytest.raises(CodestreamError):
            fastdcm.read(data)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xc0", b"\xff\x4f\xff\x51", b"\xff\x0a"])
def test_native_samples_that_look_like_a_codestream(start: bytes) -> None:
    """Under Encapsulated Uncompressed, of exactly the size of the image: they are samples."""
    case = Case(".1.98", "layout", rows=8, columns=9)
    samples = start + bytes(range(72 - len(start)))
    found = fastdcm.read(declared_as(case, ".1.98", samples))
    assert found.tobytes() == samples


@pytest.mark.parametrize("change", [(0, 2), (4, 60), (16, 1)])
def test_what_only_resembles_rle(change: tuple[int, int]) -> None:
    """Another number of segments, another start, an offset too many: no header of this image."""
    case, _ = REAL["RLE, colour"]
    stream = bytearray(streams(case)[0])
    stream[change[0]] = change[1]
    with pytest.raises(CodestreamError, match="does not start as jpeg data"):
        fastdcm.read(declared_as(case, ".4.50", bytes(stream)))


@pytest.mark.parametrize("uid", [uid for uid, syntax in SYNTAXES.items() if not syntax.supported])
def test_refused_by_name(uid: str) -> None:
    """What nothing here decodes, even where the frame is a JPEG."""
    case, _ = REAL["baseline"]
    data = declared_as(case, uid.removeprefix(ROOT_UID), streams(case)[0])
    with pytest.raises(UnsupportedError) as error:
        fastdcm.read(data)
    assert SYNTAXES[uid].name in error.value.message
