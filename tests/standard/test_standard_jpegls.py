"""The worked example of ITU-T T.87, annex H: an image of 4 x 4 samples, and the bytes that it is coded by."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest

from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codecs.jpegls_encoder import encode

IMAGE = np.array([[0, 0, 90, 74], [68, 50, 43, 205], [64, 145, 145, 145], [100, 145, 145, 145]], np.uint8)
STREAM = bytes.fromhex(
    "ffd8 fff7 000b 08 0004 0004 01 011100 ffda 0008 01 0100 00 00 00"
    "c000006c80208e01c0000057400000 6ee600 0001bc18000005d800009160 ffd9"
)


@pytest.mark.parametrize("decoder", ["own", "library"])
def test_decoders(decoder: str) -> None:
    found, notices = decoded(STREAM, header_of(IMAGE, "jpeg-ls"), decoder=decoder)
    assert found.array.tolist() == IMAGE.tolist()
    assert notices == []


def test_the_encoder_of_the_tests() -> None:
    assert encode(IMAGE[..., None], 8)[0] == STREAM
    assert imagecodecs.jpegls_decode(STREAM).tolist() == IMAGE.tolist()
