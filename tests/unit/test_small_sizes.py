"""Whole objects in a smaller size: what decoders leave out, where they may, and how near the result is."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm import opened as opened_module
from fastdcm.codecs.decoders import fewer_resolutions, jpeg_means, scaled_jpeg
from fastdcm.codecs.decoders.fewer_resolutions import htj2k
from fastdcm.codecs.encoders import turbojpeg
from fastdcm.codestream import jpeg2000
from fastdcm.errors import FastdcmError, OptionError
from fastdcm.model import Less, Samples
from tests.builders import Element, encapsulated, image, lut_item
from tests.payoffs import Fixed

Array = NDArray[Any]
ROWS, COLUMNS = 384, 512
J2K, HTJ2K, BASELINE = (f"1.2.840.10008.1.2.4.{last}" for last in (90, 201, 50))
#: Both wide enough for a halving.
WINDOW, NARROW = (500, 900), (500, 400)


def smooth(top: int, samples: int = 1) -> Array:
    """Waves, with an edge."""
    y, x = np.indices((ROWS, COLUMNS))
    planes = [0.5 + 0.4 * np.sin(y / (290 + 90 * k)) * np.cos(x / (410 - 70 * k)) for k in range(samples)]
    found = np.stack(planes, -1)
    found[100:140, 200:301] *= 0.9
    return (found[..., 0] if samples == 1 else found) * top


TEN = smooth(1023).astype(np.uint16)
EIGHT = smooth(255).astype(np.uint8)
RGB = smooth(255, 3).astype(np.uint8)


def j2k(pixels: Array, bits: int, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, **{"codecformat": "j2k", "bitspersample": bits} | options))


STREAMS = {
    "j2k": (J2K, j2k(TEN, 10, reversible=True), 10),
    "j2k 9/7": ("1.2.840.10008.1.2.4.91", j2k(TEN, 10, level=60), 10),
    "htj2k": (HTJ2K, bytes(imagecodecs.htj2k_encode(EIGHT)), 8),
    "jpeg": (BASELINE, bytes(imagecodecs.jpeg8_encode(EIGHT, level=95)), 8),
}


def of(syntax: str, stream: bytes, bits: int, **changes: Any) -> bytes:
    extra = changes.pop("extra", ())
    values = {"rows": ROWS, "columns": COLUMNS, "bits": 8 if bits <= 8 else 16, "stored": bits}
    return image(encapsulated([stream]), syntax, extra=extra, **values | changes)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Less | None, Samples]]:
    """What decoders were let leave out, and what they gave."""
    found: list[tuple[Less | None, Samples]] = []
    decode = opened_module.decode_frame

    def spy(*arguments: Any, **options: Any) -> Samples:
        found.append((options.get("less"), decode(*arguments, **options)))
        return found[-1][1]

    monkeypatch.setattr(opened_module, "decode_frame", spy)
    return found


def opened(data: bytes, **options: Any) -> fastdcm.Image:
    if b"1.2.840.10008.1.2.4.9" in data[:500]:
        options = {"decoder": "own"} | options
    return fastdcm.open(data, **options)


def difference(one: Array, other: Array) -> float:
    assert one.shape == other.shape
    assert one.dtype == other.dtype
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("turned", [{}, {"rotate": 90}, {"rotate": 270, "flip": "h"}], ids=str)
@pytest.mark.parametrize(("size", "times"), [(300, 0), (256, 1), (130, 1), (100, 2), (64, 3)])
@pytest.mark.parametrize("name", STREAMS)
def test_size(name: str, size: int, times: int, turned: dict[str, Any], seen: list[Any]) -> None:
    syntax, stream, bits = STREAMS[name]
    with opened(of(syntax, stream, bits)) as file:
        found = file.render(size=size, voi="none", **turned)
        halved = seen[-1][1].halved
        exact = file.render(size=size, voi="none", exact=True, **turned)
        assert seen[-1] == (None, seen[-1][1])
    if name == "jpeg":  # an area that is no multiple of squares has one halving less
        times -= size in (130, 100)
    if name == "htj2k":  # of 8 bits: roundings of the reversible filter add up
        times = min(times, 1)
    assert (halved.times if halved else 0) == times
    assert difference(found, exact) < 0.5
    assert found.flags.writeable
    assert found.flags.c_contiguous
    if not times:
        np.testing.assert_array_equal(found, exact)


def test_colour(seen: list[Any]) -> None:
    for syntax, stream, times in (
        (J2K, j2k(RGB, 8, reversible=True, mct=True), 1),
        ("1.2.840.10008.1.2.4.91", j2k(RGB, 8, level=60, mct=True), 2),
        (HTJ2K, bytes(imagecodecs.htj2k_encode(RGB)), 1),
        (BASELINE, bytes(imagecodecs.jpeg8_encode(RGB, level=95, subsampling="420")), 2),
    ):
        with opened(of(syntax, stream, 8, samples=3, photometric="RGB")) as file:
            found, halved = file.render(size=128), seen[-1][1].halved
            assert halved.times == times
            assert difference(found, file.render(size=128, exact=True)) < 0.7


@pytest.mark.parametrize("samples", [1, 3], ids=["gray", "colour"])
@pytest.mark.parametrize("syntax", [J2K, HTJ2K])
def test_thumbnails_of_what_is_coded_without_loss_are_not_brighter(syntax: str, samples: int) -> None:
    """The reversible filter rounds up: five halves of noise in 8 bits were too bright by 2 greys."""
    noise = np.random.default_rng(5).normal(0, 2, (ROWS, COLUMNS, samples))
    pixels = np.clip(smooth(255, samples).reshape(noise.shape) + noise, 0, 255).astype(np.uint8)
    pixels = pixels[..., 0] if samples == 1 else pixels
    mct = samples == 3
    stream = j2k(pixels, 8, reversible=True, mct=mct) if syntax == J2K else imagecodecs.htj2k_encode(pixels)
    photometric = "RGB" if mct else "MONOCHROME2"
    with opened(of(syntax, bytes(stream), 8, samples=samples, photometric=photometric)) as file:
        for size in (32, 16, 8):
            assert difference(file.render(size=size), file.render(size=size, exact=True)) < 1
            assert difference(file.pixels(size=size), file.pixels(size=size, exact=True)) < 1


SIGMOID = [Element(0x00281056, "CS", "SIGMOID")]
WINDOWED = [Element(0x00281050, "DS", "500"), Element(0x00281051, "DS", "900")]
PADDING = [Element(0x00280120, "US", 0)]
VOI_LUT = [Element(0x00283010, "SQ", [lut_item([1024, 0, 8], bytes(1024))])]
MODALITY_LUT = [
    Element(0x00283000, "SQ", [[*lut_item([1024, 0, 16], bytes(2048)), Element(0x00283004, "LO", "OD")]])
]


@pytest.mark.parametrize(
    ("changes", "options", "halves"),
    [
        ({}, {"window": WINDOW}, True),
        ({}, {"voi": "none"}, True),
        ({"photometric": "MONOCHROME1"}, {"window": WINDOW}, True),
        ({"extra": WINDOWED}, {}, True),
        ({}, {"window": WINDOW, "bits": 16}, True),
        ({}, {"window": NARROW}, False),
        ({}, {}, False),  # from the least to the greatest value of the frame
        ({}, {"voi": "percentile:1,99"}, False),
        ({}, {"voi": "object"}, False),
        ({"extra": [*WINDOWED, *SIGMOID]}, {}, False),
        ({"extra": PADDING}, {"window": WINDOW}, False),
        ({"extra": VOI_LUT}, {}, False),
        ({"extra": MODALITY_LUT}, {"window": WINDOW}, False),
        ({"representation": 1}, {"window": WINDOW}, False),  # the codestream is unsigned
        ({"stored": 9}, {"window": WINDOW}, False),  # the codestream is deeper
        ({}, {"window": WINDOW, "masks": "0,0,9,9"}, False),
        ({}, {"window": WINDOW, "crop": "0,0,384,384"}, False),
        ({}, {"window": WINDOW, "resample": "linear"}, False),
        ({}, {"window": WINDOW, "overlays": True}, False),
        ({}, {"window": WINDOW, "exact": True}, False),
    ],
    ids=str,
)
def test_where_a_decoder_may_halve(
    changes: dict[str, Any], options: dict[str, Any], halves: bool, seen: list[Any]
) -> None:
    syntax, stream, bits = STREAMS["j2k"]
    with opened(of(syntax, stream, bits, **changes)) as file:
        found = file.render(size=128, **options)
        assert max(found.shape) == 128
        assert (seen[-1][1].halved is not None) is halves
        if not halves:
            assert all(samples.halved is None for _, samples in seen)
            np.testing.assert_array_equal(found, file.render(size=128, **options | {"exact": True}))


def test_not_of_files_that_may_be_cut(seen: list[Any]) -> None:
    for syntax, stream, bits in STREAMS.values():
        with fastdcm.open(of(syntax, stream, bits), allow_partial=True) as file:
            file.render(size=64, voi="none")
            assert seen[-1][1].halved is None


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_cut_is_an_error_all_the_same(name: str) -> None:
    syntax, stream, bits = STREAMS[name]
    cut = stream[: len(stream) * 9 // 10]
    for damaged in (cut, cut + b"\xff\xd9"):
        with opened(of(syntax, damaged, bits)) as file, pytest.raises(FastdcmError):
            file.render(size=64, voi="none")


def test_textures_are_decoded_further(seen: list[Any]) -> None:
    """Noise: a low-pass band is not the mean of areas, and that shows."""
    noise = np.random.default_rng(5).integers(0, 1024, (ROWS, COLUMNS)).astype(np.uint16)
    with opened(of(J2K, j2k(noise, 10, reversible=True), 10)) as file:
        found = file.render(size=256, voi="none")
        assert seen[-1][1].halved is None
        np.testing.assert_array_equal(found, file.render(size=256, voi="none", exact=True))
    gentle = np.clip(TEN + noise // 64, 0, 1023).astype(np.uint16)
    with opened(of(J2K, j2k(gentle, 10, reversible=True), 10)) as file:
        seen.clear()
        found = file.render(size=100, voi="none")
        assert seen[-1][1].halved is not None
        assert difference(found, file.render(size=100, voi="none", exact=True)) < 1


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("bits", "signed"), [(8, False), (16, False), (16, True)])
def test_high_throughput_does_not_wrap_around(
    bits: int, signed: bool, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At hard edges the low-pass band goes beyond the range of samples (and imagecodecs does not clip)."""
    monkeypatch.setattr(fewer_resolutions, "_PAYOFF", Fixed(compiled))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    kind = f"{'i' if signed else 'u'}{bits // 8}"
    blocks = np.kron(np.random.default_rng(6).integers(0, 2, (ROWS // 8, COLUMNS // 8)), np.ones((8, 8), int))
    pixels = np.where(blocks == 1, high, low).astype(kind)
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    header = jpeg2000.parse(stream)
    found = htj2k(stream, header, 1)
    assert found.dtype == kind
    assert set(np.unique(found[2::4, 2::4])) == {low, high}  # samples away from edges
    wrapped = imagecodecs.htj2k_decode(stream, skipres=1).astype(int)
    assert np.abs(wrapped - found).max() > (high - low) // 2
    np.testing.assert_array_equal(htj2k(stream, header, 0), pixels)


@pytest.mark.parametrize("name", STREAMS)
def test_stored_values(name: str, seen: list[Any]) -> None:
    syntax, stream, bits = STREAMS[name]
    rescale = [Element(0x00281052, "DS", "-100"), Element(0x00281053, "DS", "2")]
    with opened(of(syntax, stream, bits, extra=rescale)) as file:
        found = file.pixels(size=128)
        assert seen[-1][1].halved.times == (1 if name == "htj2k" else 2)
        exact = file.pixels(size=(96, 128), exact=True)
        assert difference(found, exact) < (1 << bits) / 255
        whole = file.pixels()
        means = whole.reshape(96, 4, 128, 4).mean((1, 3))
        np.testing.assert_array_equal(exact, np.floor(means + 0.5).astype(whole.dtype))
        modality = file.pixels(size="128", values="modality", exact=True)
        np.testing.assert_allclose(modality, 2 * means - 100, rtol=1e-12)
        assert modality.dtype == np.float64
        assert file.pixels(None, size=128).shape == (1, 96, 128)
        assert file.pixels(size=4096).shape == (ROWS, COLUMNS)


def test_stored_values_of_other_kinds() -> None:
    signed = (np.arange(-32, 32, dtype=np.int16) * 3).reshape(8, 8)
    native = image(signed.tobytes(), rows=8, columns=8, bits=16, representation=1)
    with fastdcm.open(native) as file:
        expected = np.floor(signed.reshape(2, 4, 2, 4).mean((1, 3)) + 0.5)
        np.testing.assert_array_equal(file.pixels(size=2), expected)
        assert file.pixels(size=2).dtype == np.int16
        with pytest.raises(OptionError, match="size"):
            file.pixels(size=0)
    bits = np.packbits(np.eye(8, dtype=np.uint8), bitorder="little")
    with fastdcm.open(image(bits.tobytes(), rows=8, columns=8, bits=1)) as file:
        np.testing.assert_array_equal(file.pixels(size=4), np.eye(8, dtype=np.uint8)[1::2, 1::2])


def test_jpeg_by_pillow_where_there_is_no_library(monkeypatch: pytest.MonkeyPatch, seen: list[Any]) -> None:
    for pixels, changes in ((EIGHT, {}), (RGB, {"samples": 3, "photometric": "RGB"})):
        stream = bytes(imagecodecs.jpeg8_encode(pixels, level=95))
        with fastdcm.open(of(BASELINE, stream, 8, **changes), decoder="library") as file:
            by_turbo = file.render(size=64)
            with monkeypatch.context() as patched:
                patched.setattr(scaled_jpeg.turbojpeg, "system_library", lambda: None)
                by_pillow = file.render(size=64)
            assert seen[-1][1].halved.times == 3
            assert difference(by_pillow, by_turbo) < 0.5
    if turbojpeg.system_library() is None:
        pytest.skip("no libjpeg-turbo of the system: Pillow was compared with itself")


@pytest.mark.parametrize("size", [256, 128, 100, 64])
def test_jpeg_by_our_own_kernel(size: int, monkeypatch: pytest.MonkeyPatch, seen: list[Any]) -> None:
    file = of(BASELINE, STREAMS["jpeg"][1], 8)
    found = []
    for compiled, decoder in ((True, "auto"), (False, "auto"), (True, "library")):
        monkeypatch.setattr(jpeg_means, "_PAYOFF", Fixed(compiled))
        with fastdcm.open(file, decoder=decoder) as image_:
            found.append((image_.render(size=size), seen[-1][1].halved))
            assert difference(found[-1][0], image_.render(size=size, exact=True)) < 1
    assert found[0][1] == found[1][1] == found[2][1]
    assert found[0][1] is not None
    assert np.abs(found[0][0].astype(int) - found[1][0]).max() <= 1
    np.testing.assert_array_equal(found[1][0], found[2][0])


def test_jpeg_with_spare_bytes_is_decoded_in_full(seen: list[Any]) -> None:
    syntax, stream, bits = STREAMS["jpeg"]
    with fastdcm.open(of(syntax, stream[:-2] + b"\0\0" + stream[-2:], bits)) as file:
        file.render(size=64)
        assert seen[-1][1].halved is None


def test_display_precision(seen: list[Any]) -> None:
    rough = np.clip(TEN + np.random.default_rng(7).integers(0, 40, TEN.shape), 0, 1023).astype(np.uint16)
    with opened(of(J2K, j2k(rough, 10, reversible=True), 10)) as file:
        full = file.render(window=(512, 1024))
        found = file.render(window=(512, 1024), precision="display")
        assert seen[-1][0] == Less(grey=1023 / 255)
        off = np.abs(found.astype(int) - full)
        assert 0 < (off > 0).mean() < 0.3
        assert (off > 1).mean() < 0.001
        assert off.max() <= 2
        for options in ({}, {"window": (512, 1024, "SIGMOID")}, {"window": (512, 100)}):
            np.testing.assert_array_equal(file.render(precision="display", **options), file.render(**options))
        with pytest.raises(OptionError, match="precision"):
            file.render(precision="half")
    with opened(of(BASELINE, STREAMS["jpeg"][1], 8), decoder="auto") as file:
        np.testing.assert_array_equal(file.render(precision="display"), file.render())


def test_two_threads(seen: list[Any]) -> None:
    syntax, stream, bits = STREAMS["j2k"]
    data = of(syntax, stream, bits)
    with opened(data) as one, opened(data, threads=2) as two:
        np.testing.assert_array_equal(one.render(size=100, voi="none"), two.render(size=100, voi="none"))
    assert all(samples.halved.times == 2 for _, samples in seen)


def test_palettes_are_decoded_in_full(seen: list[Any]) -> None:
    entries = [Element(0x00281101 + channel, "US", [256, 0, 16]) for channel in range(3)] + [
        Element(0x00281201 + channel, "OW", np.arange(256, dtype="<u2").tobytes()) for channel in range(3)
    ]
    data = of(J2K, j2k(EIGHT, 8, reversible=True), 8, photometric="PALETTE COLOR", extra=entries)
    with opened(data) as file:
        file.render(size=64)
        assert seen[-1][1].halved is None
        nearest = file.pixels(size=64)
        np.testing.assert_array_equal(nearest, file.pixels()[4::8, 4::8])
