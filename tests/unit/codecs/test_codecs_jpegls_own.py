"""Our own JPEG-LS decoder against CharLS and the tests' own encoder; which of the two decodes, and when."""

from __future__ import annotations

import csv
import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm.codecs.decode import decoded_by
from fastdcm.codecs.decoders import jpegls as decoder
from fastdcm.codecs.jpegls.decode import decode
from fastdcm.codecs.jpegls.takes import library_refusal
from fastdcm.codestream import jpeg, jpegls
from fastdcm.errors import CodestreamError, DecodeError, UnsupportedError
from tests.corpus.reading import stored_rows
from tests.fuzz.jpegls import accepted_cut, by_charls, content, made, wrong_pixels
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codecs.jpegls_encoder import Presets, encode
from tests.unit.codestream.streams import segment

Array = NDArray[Any]
EOI = b"\xff\xd9"
SYNTAXES = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


def own(stream: bytes) -> Array:
    header = jpeg.parse(stream)
    return decode(stream, header, jpegls.codings(stream, header)).array


def picture(bits: int, *shape: int, seed: int = 1) -> Array:
    return content(random.Random(f"{seed} {bits} {shape}"), (*shape, 1)[:3], (1 << bits) - 1)


def noise(bits: int, *shape: int) -> Array:
    values = np.random.default_rng(bits).integers(0, 1 << bits, shape)
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


@pytest.mark.parametrize("bits", range(2, 17))
def test_as_charls_does(bits: int) -> None:
    """Every depth, NEAR and interleave mode; contents that are runs, edges and noise."""
    for number in range(24):
        samples, near = (1, 3)[number % 2], min((0, 1, 3)[number % 3], ((1 << bits) - 1) // 2)
        shape = 9 + number, 31 - number, samples
        pixels = content(random.Random(f"{bits} {number}"), shape, (1 << bits) - 1)
        interleave = number // 2 % 3 if samples == 3 else 0
        ordered = np.ascontiguousarray(pixels.transpose(2, 0, 1) if interleave == 0 else pixels)
        arguments = ordered.tobytes(), *shape, bits, near, interleave if samples == 3 else None
        try:
            stream = bytes(jpeg_ls.encode_buffer(*arguments))
        except RuntimeError:  # its buffer is too small for so few samples
            stream, _ = encode(pixels, bits, near=near, interleave=interleave)
        found = own(stream)
        assert found.dtype == (np.uint8 if bits <= 8 else np.uint16)
        assert np.array_equal(found.reshape(shape), by_charls(stream, shape)), (shape, near, interleave)
        assert near or np.array_equal(found.reshape(shape), pixels)


@pytest.mark.parametrize("number", range(0, 400, 4))
def test_presets_and_restart_intervals(number: int) -> None:
    """What encoders at hand do not write."""
    assert wrong_pixels(made(3, number)) == ""


@pytest.mark.parametrize("reset", [3, 31, 63, 65, 255, 4095])
@pytest.mark.parametrize("interleave", [0, 1, 2])
def test_reset(reset: int, interleave: int) -> None:
    pixels = (noise(3, 40, 40, 3) + np.arange(40)[:, None] * 20).astype(np.uint16)
    stream, _ = encode(pixels, 12, interleave=interleave, presets=Presets(reset=reset))
    assert np.array_equal(own(stream), pixels)
    refused = library_refusal(jpeg.parse(stream), jpegls.codings(stream, jpeg.parse(stream)))
    assert ("RESET" in refused) == (interleave == 2)
    if interleave != 2:
        assert np.array_equal(by_charls(stream, pixels.shape), pixels)


def test_maxval_below_that_of_the_depth() -> None:
    """RANGE, qbpp and LIMIT follow from it (T.87 A.2.1); CharLS has those of the depth, and other pixels."""
    pixels = noise(8, 30, 30, 1) % np.uint8(141)
    stream, _ = encode(pixels, 8, presets=Presets(140))
    assert np.array_equal(own(stream), pixels[..., 0])
    found, _ = decoded(stream, header_of(pixels[..., 0], "jpeg-ls"))
    assert np.array_equal(found.array, pixels[..., 0])
    with pytest.raises(UnsupportedError, match="a MAXVAL below that of 8 bits"):
        decoded(stream, header_of(pixels[..., 0], "jpeg-ls"), decoder="library")


def test_scans_in_any_order() -> None:
    pixels = picture(9, 13, 17, 3)
    for order in ((2, 0, 1), (1, 0, 2)):
        stream, _ = encode(pixels, 9, order=order)
        assert np.array_equal(own(stream), pixels)


def test_presets_between_scans() -> None:
    """A scan is coded by those that stand before it."""
    pixels = picture(8, 12, 15, 3)
    first, _ = encode(pixels, 8)
    second, _ = encode(pixels, 8, presets=Presets(t1=9, t2=30, t3=90, reset=7))
    sos = [at for at in range(len(first)) if first[at : at + 2] == b"\xff\xda"]
    others = [at for at in range(len(second)) if second[at : at + 2] == b"\xff\xda"]
    lse = segment(0xF8, b"\x01" + b"".join(value.to_bytes(2, "big") for value in (0, 9, 30, 90, 7)))
    stream = first[: sos[1]] + lse + second[others[1] :]
    assert np.array_equal(own(stream), pixels)
    assert [coding.reset for coding in jpegls.codings(stream, jpeg.parse(stream))] == [64, 7, 7]


@pytest.mark.parametrize("near", [0, 2])
@pytest.mark.parametrize("restart", [0, 150])
@pytest.mark.parametrize("columns", [1, 2, 63, 64, 65, 256, 300])
def test_lines_that_are_a_run_each(columns: int, restart: int, near: int) -> None:
    """Many come at once, as one bit each; between them are lines with one sample or a few that differ."""
    pixels = np.full((400, columns), 9, np.uint8)
    chance = random.Random(f"{columns} {restart}")
    for _ in range(6):
        row, column = chance.randrange(400), chance.randrange(columns)
        pixels[row : row + chance.choice([1, 1, 3, 80]), column : column + chance.choice([1, 5, 300])] += 7
    stream, coded = encode(pixels[..., None], 8, near=near, restart=restart)
    assert np.array_equal(own(stream), coded[..., 0])
    (scan,) = jpeg.parse(stream).scans
    for at in range(scan.start, scan.end):
        cut = stream[:at] + EOI
        with pytest.raises(CodestreamError):
            own(cut)
        if not restart:
            header = jpeg.parse(cut, partial=True)
            found = decode(cut, header, jpegls.codings(cut, header), partial=True)
            assert np.array_equal(found.array[: found.rows], coded[: found.rows, :, 0])


def test_every_cut() -> None:
    """Of every length, with an end marker and without: none gives pixels, not even when padding is lost."""
    chance = random.Random(5)
    for number in range(60):
        one = made(4, number)
        for _ in range(8):
            assert accepted_cut(one, chance) == ""


@pytest.mark.parametrize("interleave", [0, 1, 2])
def test_rows_of_a_cut_stream(interleave: int) -> None:
    pixels = noise(12, 40, 30, 3)
    stream, _ = encode(pixels, 12, interleave=interleave)
    header = jpeg.parse(stream)
    last = header.scans[-1]
    cut = stream[: last.start + (last.end - last.start) // 2]
    header = jpeg.parse(cut, partial=True)
    found = decode(cut, header, jpegls.codings(cut, header), partial=True)
    assert 10 < found.rows < 30
    assert np.array_equal(found.array[: found.rows], pixels[: found.rows])


def test_a_restart_interval_is_missing() -> None:
    pixels = picture(8, 20, 20)
    stream, _ = encode(pixels, 8, restart=4)
    first, second = stream.index(b"\xff\xd0"), stream.index(b"\xff\xd1")
    for damaged, reason in (
        (stream[:first] + stream[second:], "out of order"),
        (stream[: stream.index(b"\xff\xd3")] + EOI, "cut: the scan ends after 16 of 20 lines"),
        (stream[: len(stream) - 2] + b"\xff\xd4\0" + EOI, "5 restart markers, where 4 belong"),
    ):
        with pytest.raises(CodestreamError, match=reason):
            own(damaged)


def test_what_is_left_over() -> None:
    """A byte of zeros is told of, as CharLS takes it, too; more, or another byte, is damage."""
    pixels = noise(8, 9, 9)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    found, notices = decoded(stream[:-2] + b"\0" + EOI, header_of(pixels, "jpeg-ls"), decoder="own")
    assert np.array_equal(found.array, pixels)
    assert notices == ["trailing-data"]
    for more in (b"\0\0", b"\1", b"\x80", bytes(100)):
        with pytest.raises(CodestreamError, match="left over behind line 9 of 9"):
            own(stream[:-2] + more + EOI)


def lse(kind: int, body: bytes = bytes(10)) -> bytes:
    return segment(0xF8, bytes([kind]) + body)


@pytest.mark.parametrize("choice", ["auto", "own", "library"])
@pytest.mark.parametrize(
    ("inserted", "reason"),
    [
        (lse(2), "mapping tables"),
        (lse(3), "mapping tables"),
        (lse(4), "dimensions in an LSE segment"),
        (lse(7), "an LSE segment of type 7"),
    ],
)
def test_segments_that_are_refused(inserted: bytes, reason: str, choice: str) -> None:
    pixels = noise(8, 9, 9)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    stream = stream[: stream.index(b"\xff\xda")] + inserted + stream[stream.index(b"\xff\xda") :]
    with pytest.raises(UnsupportedError, match=reason):
        decoded(stream, header_of(pixels, "jpeg-ls"), decoder=choice)


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [(6, 1, "mapping tables"), (9, 1, "point transform")],
)
def test_scans_that_are_refused(at: int, value: int, reason: str) -> None:
    """Mapping tables (Tm), point transforms (Pt)."""
    pixels = noise(8, 9, 9)
    stream = bytearray(imagecodecs.jpegls_encode(pixels))
    stream[stream.index(b"\xff\xda") + at] = value
    with pytest.raises(UnsupportedError, match=reason):
        decoded(bytes(stream), header_of(pixels, "jpeg-ls"))


@pytest.mark.parametrize(
    ("presets", "reason"),
    [
        ((300, 0, 0, 0, 0), "MAXVAL of JPEG-LS is 300"),
        ((0, 9, 8, 0, 0), "thresholds of JPEG-LS are 9, 8"),
        ((0, 0, 0, 256, 0), "thresholds of JPEG-LS"),
        ((0, 0, 0, 0, 2), "RESET of JPEG-LS is 2"),
        ((0, 0, 0, 0, 256), "RESET of JPEG-LS is 256"),
    ],
)
def test_presets_that_there_cannot_be(presets: tuple[int, ...], reason: str) -> None:
    pixels = noise(8, 9, 9)
    stream = bytes(imagecodecs.jpegls_encode(pixels))
    body = b"".join(value.to_bytes(2, "big") for value in presets)
    stream = stream[: stream.index(b"\xff\xda")] + lse(1, body) + stream[stream.index(b"\xff\xda") :]
    with pytest.raises(CodestreamError, match=reason):
        own(stream)


def test_near_that_there_cannot_be() -> None:
    stream = bytearray(imagecodecs.jpegls_encode(noise(8, 9, 9)))
    stream[stream.index(b"\xff\xda") + 7] = 128
    with pytest.raises(CodestreamError, match="NEAR of JPEG-LS is 128"):
        own(bytes(stream))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Who decodes."""
    found: list[str] = []
    for module, name, word in ((imagecodecs, "jpegls_decode", "library"), (decoder, "_by_us", "own")):
        real: Callable[..., Any] = getattr(module, name)

        def called(*arguments: Any, real: Any = real, word: str = word, **options: Any) -> Any:
            found.append(word)
            return real(*arguments, **options)

        monkeypatch.setattr(module, name, called)
    return found


@pytest.mark.parametrize(
    ("choice", "pays", "expected"),
    [
        ("auto", True, ["own"]),
        ("own", False, ["own"]),
        # CharLS is asked for one bit more first, or our own decoder walks the scan.
        ("auto", False, ["library", "library"]),
        ("library", False, ["library", "library"]),
        ("library", True, ["own", "library"]),
    ],
)
def test_who_decodes(
    choice: str, pays: bool, expected: list[str], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(pays))
    pixels = noise(8, 9, 9)
    found, _ = decoded(bytes(imagecodecs.jpegls_encode(pixels)), header_of(pixels, "jpeg-ls"), decoder=choice)
    assert np.array_equal(found.array, pixels)
    assert calls == expected


@pytest.mark.parametrize("pays", [False, True])
@pytest.mark.parametrize("choice", ["auto", "library"])
def test_bits_of_the_last_code_are_missing(
    choice: str, pays: bool, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CharLS takes zeros for them, and may give another last sample."""
    monkeypatch.setattr(decoder, "_PAYOFF", Fixed(pays))
    accepted = 0
    for seed in range(80):
        pixels = np.random.default_rng(seed).integers(0, 4096, (5, 5)).astype(np.uint16)
        stream, _ = encode(pixels[..., None], 12)
        cut = stream[:-3] + EOI
        header = header_of(pixels, "jpeg-ls", bits_stored=12)
        whole, _ = decoded(stream, header, decoder=choice)
        assert np.array_equal(whole.array, pixels)
        try:
            imagecodecs.jpegls_decode(cut)
            accepted += 1
        except RuntimeError:
            pass
        with pytest.raises(CodestreamError):
            decoded(cut, header, decoder=choice)
    assert accepted > 2


def transformed(pixels: Array) -> bytes:
    """A stream of which HP's marker says that its colours are transformed, which they are not."""
    stream = bytes(jpeg_ls.encode_buffer(pixels.tobytes(), *pixels.shape, 8, 0, 2))
    return stream[:2] + segment(0xE8, b"mrfx\x01") + stream[2:]


def test_colour_transform_of_hp() -> None:
    """CharLS undoes it; our decoder does not take it, but proves that the stream is whole."""
    pixels = noise(8, 9, 9, 3)
    stream = transformed(pixels)
    expected = imagecodecs.jpegls_decode(stream)
    assert not np.array_equal(expected, pixels)
    header = header_of(pixels, "jpeg-ls")
    for choice in ("auto", "library"):
        found, _ = decoded(stream, header, decoder=choice)
        assert np.array_equal(found.array, expected)
    with pytest.raises(UnsupportedError, match=r"does not take a colour transform of HP's \(mrfx\)"):
        decoded(stream, header, decoder="own")
    with pytest.raises(CodestreamError):
        decoded(stream[:-3] + EOI, header)
    assert decoded_by(memoryview(stream), header) == "CharLS: a colour transform of HP's (mrfx)"


def test_decoded_by() -> None:
    pixels = noise(8, 9, 9)
    stream = memoryview(bytes(imagecodecs.jpegls_encode(pixels)))
    header = header_of(pixels, "jpeg-ls")
    assert decoded_by(stream, header) == "own JPEG-LS decoder (CharLS in small jobs)"
    assert decoded_by(stream, header, decoder="library") == "CharLS through imagecodecs"


def test_errors_of_the_library_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(imagecodecs, "jpegls_decode", refuse)
    pixels = noise(8, 9, 9)
    stream, _ = encode(pixels[..., None], 8)
    with pytest.raises(DecodeError, match="CharLS cannot decode it: no"):
        decoded(stream, header_of(pixels, "jpeg-ls"), decoder="library")


def test_real_files(corpus: Path) -> None:
    """Frames of the corpus, by the hashes that it comes with."""
    with (corpus / "MANIFEST.csv").open(newline="") as manifest:
        names = {row["file"] for row in csv.DictReader(manifest) if row["transfer_syntax"] in SYNTAXES}
    compared = 0
    for row in stored_rows(corpus):
        if row.file not in names or not row.frame:
            continue
        with fastdcm.open(corpus / "files" / row.file, decoder="own") as image:
            assert image.decoded_by(row.frame - 1) == "own JPEG-LS decoder"
            pixels = image.pixels(row.frame - 1, raw=True)
        assert (pixels.dtype.name, pixels.shape) == (row.dtype, row.shape)
        found = hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
        assert found == row.sha256, f"{row.file}, frame {row.frame}"
        compared += 1
    assert compared > 20
