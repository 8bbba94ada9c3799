"""JPEG 2000 and HTJ2K frames that are cut: neither decoder sees it where Psot is 0, the walk does."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.codecs.decoders import reported
from fastdcm.codestream import jpeg2000
from fastdcm.errors import CodestreamError, DecodeError
from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codestream.jpeg2000_streams import cut, smooth, with_length

DEEP, COLOUR = smooth(61, 83, bits=12), smooth(61, 83, samples=3)
STREAMS: dict[str, tuple[str, Any, bytes]] = {
    "jpeg2000": (
        "jpeg2000",
        DEEP,
        bytes(imagecodecs.jpeg2k_encode(DEEP, codecformat="j2k", reversible=True)),
    ),
    "jpeg2000 colour": (
        "jpeg2000",
        COLOUR,
        bytes(imagecodecs.jpeg2k_encode(COLOUR, codecformat="j2k", reversible=True)),
    ),
    "htj2k": ("htj2k", DEEP, bytes(imagecodecs.htj2k_encode(DEEP, reversible=True))),
    "htj2k colour": ("htj2k", COLOUR, bytes(imagecodecs.htj2k_encode(COLOUR, reversible=True))),
}


@pytest.mark.parametrize("name", list(STREAMS))
def test_tile_part_of_unknown_length(name: str) -> None:
    syntax, array, stream = STREAMS[name]
    open_ended = with_length(stream, jpeg2000.parse(stream).tile_parts[-1], 0)
    samples, _ = decoded(open_ended, header_of(array, syntax))
    assert (samples.array == array).all()


@pytest.mark.parametrize("open_ended", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", list(STREAMS))
def test_cut_and_closed(name: str, share: float, open_ended: bool) -> None:
    """Psot is 0, or made to fit what is left."""
    syntax, array, stream = STREAMS[name]
    (part,) = jpeg2000.parse(stream).tile_parts
    at = part.packets + int(share * (part.end - part.packets))
    with pytest.raises(CodestreamError):
        decoded(cut(stream, at, open_ended=open_ended), header_of(array, syntax))


def test_htj2k_decoder_needs_it() -> None:
    """What the walk is for: OpenJPH returns an image, and it is another one."""
    _, array, stream = STREAMS["htj2k"]
    (part,) = jpeg2000.parse(stream).tile_parts
    damaged = cut(stream, part.end - 100)
    assert not np.array_equal(imagecodecs.htj2k_decode(damaged), array)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("samples", [1, 3])
def test_overshoot_of_irreversible_htj2k(samples: int, bits: int) -> None:
    """At hard edges of black and white, values go beyond the range: they are clipped (T.800 G.1.2)."""
    most = (1 << bits) - 1
    edges = np.kron(np.random.default_rng(1).integers(0, 2, (12, 10)), np.ones((7, 7))).astype(np.int64)
    array = np.squeeze(np.stack([edges * most] * samples, -1)).astype(f"u{bits // 8}")
    stream = bytes(imagecodecs.htj2k_encode(array, level=0.02))
    assert np.abs(imagecodecs.htj2k_decode(stream).astype(int) - array).max() > most // 2  # what it is for
    samples_, _ = decoded(stream, header_of(array, "htj2k"))
    assert np.abs(samples_.array.astype(int) - array).max() < most // 8


def test_errors_that_the_binding_keeps_to_itself(capfd: pytest.CaptureFixture[str]) -> None:
    """imagecodecs prints some of OpenJPH's errors and returns an image all the same."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    stream = bytearray(imagecodecs.htj2k_encode(noise))
    stream[296:300] = bytes(4)
    assert not np.array_equal(imagecodecs.htj2k_decode(bytes(stream)), noise)
    assert "ojph error" in capfd.readouterr().err
    with pytest.raises(DecodeError, match="OpenJPH cannot decode it: ojph error"):
        decoded(bytes(stream), header_of(noise, "htj2k"))


def test_other_errors_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are no decoder's go where they went before."""
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.object))
    reported.raising(len)(b"")
    sys.unraisablehook(SimpleNamespace(object="somebody's", exc_value=ValueError()))
    sys.unraisablehook(SimpleNamespace(object=["unhashable"], exc_value=ValueError()))
    assert told == ["somebody's", ["unhashable"]]
