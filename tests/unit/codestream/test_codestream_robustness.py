"""Whatever the bytes are: a header or one of our errors, soon; and every cut is seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm import codestream
from fastdcm.codestream import jpeg, jpeg2000, jpegxl, rle, signatures
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codestream.streams import small

PARSERS: dict[str, Callable[[bytes], object]] = {
    "jpeg": jpeg.parse,
    "jpeg-ls": jpeg.parse,
    "jpeg2000": jpeg2000.parse,
    "htj2k": jpeg2000.parse,
    "jpegxl": jpegxl.parse,
    "rle": lambda data: rle.parse(data, data[0] if data else 1),
}
NAMES = list(small())


def _parser(name: str) -> Callable[[bytes], object]:
    return PARSERS[name.split()[0]]


@pytest.mark.parametrize("name", NAMES)
def test_kind(name: str) -> None:
    stream = small()[name]
    assert codestream.sniff(stream) == name.split()[0]
    _parser(name)(stream)


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd9", bytes(100), b"\x02" + bytes(63), b"\0\0\0\x0cjP"]
)
def test_kind_of_anything_else(data: bytes) -> None:
    assert codestream.sniff(data) is None


def test_kind_of_a_cut_stream() -> None:
    assert codestream.sniff(b"\xff\xd8") == "jpeg"
    assert codestream.sniff(small()["jpeg2000"][:6]) == "jpeg2000"
    assert codestream.sniff(small()["jpeg2000 jp2"][:20]) == "jpeg2000"


# A bare JPEG XL codestream does not say how long it is: no parser of headers can see the cut.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "jpegxl bare"])
def test_every_cut_is_seen(name: str) -> None:
    stream, parse = small()[name], _parser(name)
    for length in range(len(stream)):
        with pytest.raises(CodestreamError):
            parse(stream[:length])


@given(data=st.binary(max_size=300))
@pytest.mark.parametrize("kind", list(PARSERS))
def test_random_bytes(kind: str, data: bytes) -> None:
    codestream.sniff(data)
    starts = [b"", b"\xff\xd8\xff", signatures.JPEG_2000, signatures.JP2]
    starts += [signatures.JPEG_XL, signatures.JPEG_XL_CONTAINER]
    for signature in starts:
        with suppress(CodestreamError, UnsupportedError):
            PARSERS[kind](signature + data)


@given(data=st.data())
@pytest.mark.parametrize("name", NAMES)
def test_mutations(name: str, data: st.DataObject) -> None:
    stream = bytearray(small()[name])
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(stream) - 1))
        value = data.draw(st.binary(min_size=1, max_size=4))
        if data.draw(st.booleans()):
            stream[at : at + len(value)] = value
        else:
            stream[at:at] = value
    codestream.sniff(bytes(stream))
    with suppress(CodestreamError, UnsupportedError):
        _parser(name)(bytes(stream))


def test_import_is_light() -> None:
    """No numpy, no codec: the parsers run before any decoder is needed."""
    code = (
        "import sys, fastdcm.codestream.jpeg, fastdcm.codestream.rle;"
        "print(*{'numpy', 'imagecodecs', 'pydicom', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
