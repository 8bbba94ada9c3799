"""Which decoder takes a frame: what the data set declares, unless the bytes are plainly something else."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from fastdcm.codecs.decoders.common import shaped
from fastdcm.codecs.table import LIBRARIES, SYNTAXES, lookup
from fastdcm.errors import CodestreamError, DecodeError, UnsupportedError
from tests.unit.codecs.decoding import UIDS, decoded, header_of, image

GRAY = image((16, 24))
STREAMS = {
    "jpeg": bytes(imagecodecs.jpeg8_encode(GRAY, lossless=True, predictor=1, bitspersample=8)),
    "jpeg-ls": bytes(imagecodecs.jpegls_encode(GRAY)),
    "jpeg2000": bytes(imagecodecs.jpeg2k_encode(GRAY, codecformat="j2k", reversible=True, level=0)),
    "htj2k": bytes(imagecodecs.htj2k_encode(GRAY, reversible=True)),
    "jpegxl": bytes(imagecodecs.jpegxl_encode(GRAY, lossless=True)),
}
DECLARED = [
    "lossless",
    "jpeg-ls",
    "jpeg2000",
    "htj2k",
    "jpegxl",
    "rle",
    "native",
    "implicit",
    "big endian",
    "",
]


@pytest.mark.parametrize("real", STREAMS)
@pytest.mark.parametrize("declared", DECLARED)
def test_decoded_as_what_it_is(real: str, declared: str) -> None:
    """With a notice where that is another family than declared."""
    uid = UIDS.get(declared, "")
    samples, codes = decoded(STREAMS[real], header_of(GRAY, uid))
    assert np.array_equal(samples.array, GRAY)
    family = SYNTAXES[uid].family if uid else "native"
    assert codes == ([] if family == real else ["other-syntax"])


@pytest.mark.parametrize("declared", [name for name in DECLARED if name != "rle"])
def test_bytes_of_no_codec(declared: str) -> None:
    with pytest.raises(CodestreamError):
        decoded(bytes(range(1, 255)) * 4, header_of(GRAY, UIDS.get(declared, "")))


def test_bytes_that_may_look_like_anything() -> None:
    """Native samples may start as a JPEG does, and the declaration counts; deflate cannot (RFC 1951)."""
    array = image((8, 8))
    array[0, :4] = [0xFF, 0xD8, 0xFF, 0xC0]
    assert np.array_equal(decoded(array.tobytes(), header_of(array, "uncompressed"))[0].array, array)
    with pytest.raises(CodestreamError, match="SOF"):
        decoded(array.tobytes(), header_of(array, "deflated frame"))


def test_native_that_is_not_encapsulated_is_never_sniffed() -> None:
    array = image((8, 8))
    array[0, :4] = [0xFF, 0xD8, 0xFF, 0xC0]
    samples, codes = decoded(array.tobytes(), header_of(array, "native"), encapsulated=False)
    assert np.array_equal(samples.array, array)
    assert not codes


@pytest.mark.parametrize("uid", [uid for uid, syntax in SYNTAXES.items() if not syntax.supported])
def test_refused_by_name(uid: str) -> None:
    with pytest.raises(UnsupportedError, match=r"transfer syntax .* \(1\.2\.840.* is not supported"):
        decoded(STREAMS["jpeg"], header_of(GRAY, uid))


def test_unknown_syntax() -> None:
    with pytest.raises(UnsupportedError, match=r"1\.2\.3\.4 is unknown"):
        decoded(STREAMS["jpeg"], header_of(GRAY, "1.2.3.4"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((5, 7, 3), (5, 7, 3)),
        ((3, 5, 7), (5, 7, 3)),
        ((5, 7), (5, 7)),
        ((5, 7, 1), (5, 7)),
        ((1, 5, 7), (5, 7)),
        ((7, 5), None),
        ((5, 7, 4), None),
        ((105,), None),
    ],
)
def test_shapes_that_libraries_return(given: tuple[int, ...], expected: tuple[int, ...] | None) -> None:
    """By pixel, by plane, or with an axis too many; what is not the header's image is an error."""
    array = np.arange(np.prod(given)).reshape(given)
    header = header_of(np.zeros((5, 7, 3) if 3 in given else (5, 7), np.uint8), "native")
    if expected is None:
        with pytest.raises(DecodeError, match="was expected"):
            shaped(array, header, "a library")
        return
    found = shaped(array, header, "a library")
    assert found.shape == expected
    if given == (3, 5, 7):
        assert np.array_equal(found[..., 1], array[1])
    else:
        assert np.array_equal(found.ravel(), array.ravel())


def test_table() -> None:
    assert all(uid == syntax.uid for uid, syntax in SYNTAXES.items())
    assert len({syntax.name for syntax in SYNTAXES.values()}) == len(SYNTAXES)
    assert {syntax.family for syntax in SYNTAXES.values()} == set(LIBRARIES)
    assert all(bool(syntax.carries) == syntax.supported for syntax in SYNTAXES.values())
    assert lookup("1.2.840.10008.1.2.4.90").family == "jpeg2000"


def test_table_has_every_syntax_that_pydicom_knows() -> None:
    """PS3.6 table A-1, but for the two that are no way of writing an object (XML, retired papyrus)."""
    from pydicom._uid_dict import UID_dictionary

    without = {"1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.20"}
    known = {uid for uid, entry in UID_dictionary.items() if entry[1] == "Transfer Syntax"}
    assert known - SYNTAXES.keys() <= without
