"""What the colours of a JPEG stream are: APP14, JFIF, component identifiers, the data set, in that order."""

from __future__ import annotations

from typing import NamedTuple

import imagecodecs
import numpy as np
import pytest

import fastdcm
from tests.builders import encapsulated, image
from tests.encodings.cases import ROOT_UID, Array
from tests.encodings.colours import to_rgb
from tests.encodings.markers import signed

PHOTOMETRIC = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420")

#: Every combination of signs -> what is coded, under each of PHOTOMETRIC.
LOSSY = """
adobe jfif identifiers  RGB  YBR_FULL  YBR_FULL_422  YBR_PARTIAL_420
-     -    123          RGB  YBR       YBR           YBR
-     -    RGB          RGB  RGB       RGB           RGB
-     jfif 123          YBR  YBR       YBR           YBR
-     jfif RGB          YBR  YBR       YBR           YBR
0     -    123          RGB  RGB       RGB           RGB
0     -    RGB          RGB  RGB       RGB           RGB
0     jfif 123          RGB  RGB       RGB           RGB
0     jfif RGB          RGB  RGB       RGB           RGB
1     -    123          YBR  YBR       YBR           YBR
1     -    RGB          YBR  YBR       YBR           YBR
1     jfif 123          YBR  YBR       YBR           YBR
1     jfif RGB          YBR  YBR       YBR           YBR
"""

#: JFIF is no sign in lossless streams: encoders that know no other APP0 write it in front of RGB, too.
LOSSLESS = """
adobe jfif identifiers  RGB  YBR_FULL  YBR_FULL_422  YBR_PARTIAL_420
-     -    123          RGB  YBR       YBR           YBR
-     -    RGB          RGB  RGB       RGB           RGB
-     jfif 123          RGB  YBR       YBR           YBR
-     jfif RGB          RGB  RGB       RGB           RGB
0     -    123          RGB  RGB       RGB           RGB
0     jfif 123          RGB  RGB       RGB           RGB
1     -    123          YBR  YBR       YBR           YBR
1     jfif 123          YBR  YBR       YBR           YBR
"""


class Row(NamedTuple):
    """Signs of a stream, what the data set says, and what is right."""

    adobe: int | None
    jfif: bool
    identifiers: bytes
    photometric: str
    coded: str


def parsed(table: str, syntax: str) -> list[object]:
    """A parameter for each cell of a table."""
    found: list[object] = []
    for line in table.strip().splitlines()[1:]:
        adobe, jfif, identifiers, *answers = line.split()
        for photometric, coded in zip(PHOTOMETRIC, answers, strict=True):
            row = Row(
                None if adobe == "-" else int(adobe),
                jfif == "jfif",
                b"RGB" if identifiers == "RGB" else b"\1\2\3",
                photometric,
                coded,
            )
            name = f"adobe {adobe}, jfif {jfif}, {identifiers}, {photometric}"
            found.append(pytest.param(row, id=name, marks=pytest.mark.encodes(syntax, 8, photometric)))
    return found


def tiles() -> Array:
    """Blocks of 8 x 8 of one colour each, which the cosine transform leaves as they are: 64 colours."""
    colours = np.random.default_rng(5).integers(0, 256, (8, 8, 3), np.uint8)
    return colours.repeat(8, 0).repeat(8, 1)


def shown(stream: bytes, syntax: str, photometric: str) -> Array:
    data = image(
        encapsulated([stream]), ROOT_UID + syntax, rows=64, columns=64, samples=3, photometric=photometric
    )
    with fastdcm.open(data) as found:
        rendered = found.render()
        assert not found.notices
        np.testing.assert_array_equal(found.pixels(), rendered)
        return rendered


def as_coded(array: Array, **options: object) -> bytes:
    """Three components as they are."""
    return bytes(imagecodecs.jpeg8_encode(array, colorspace="RGB", outcolorspace="RGB", **options))


@pytest.mark.parametrize("row", parsed(LOSSY, ".4.50"))
def test_baseline(row: Row) -> None:
    array = tiles()
    stream = signed(as_coded(array, level=100), adobe=row.adobe, jfif=row.jfif, identifiers=row.identifiers)
    expected = to_rgb(array, "YBR_FULL" if row.coded == "YBR" else "RGB")
    found = shown(stream, ".4.50", row.photometric).astype(int)
    assert np.abs(found - expected).max() <= (row.coded == "YBR")


@pytest.mark.parametrize("row", parsed(LOSSLESS, ".4.70"))
def test_lossless(row: Row) -> None:
    array = np.random.default_rng(6).integers(0, 256, (64, 64, 3), np.uint8)
    stream = as_coded(array, lossless=True, predictor=1, bitspersample=8)
    stream = signed(stream, adobe=row.adobe, jfif=row.jfif, identifiers=row.identifiers)
    expected = to_rgb(array, "YBR_FULL" if row.coded == "YBR" else "RGB")
    found = shown(stream, ".4.70", row.photometric).astype(int)
    assert np.abs(found - expected).max() <= (row.coded == "YBR")


@pytest.mark.encodes(".4.50", 8, "YBR_FULL_422")
@pytest.mark.parametrize("subsampling", ["422", "420", "411", "440"])
@pytest.mark.parametrize("photometric", PHOTOMETRIC)
@pytest.mark.parametrize("columns", [64, 63, 33])
def test_chroma_of_lower_resolution_is_a_sign(subsampling: str, photometric: str, columns: int) -> None:
    """Nobody codes green at half of red's resolution. Flat areas do not depend on the interpolation."""
    array = np.full((64, columns, 3), (200, 30, 40), np.uint8)
    stream = signed(bytes(imagecodecs.jpeg8_encode(array, level=100, subsampling=subsampling)))
    data = image(
        encapsulated([stream]),
        ROOT_UID + ".4.50",
        rows=64,
        columns=columns,
        samples=3,
        photometric=photometric,
    )
    assert np.abs(fastdcm.render(data).astype(int) - array).max() <= 1
