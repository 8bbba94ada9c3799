"""Plans carried out: by table, by chain or by kernel, with the same integers; ranges found in pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastdcm.errors import RenderError
from fastdcm.kernels import Payoff
from fastdcm.model import Lut, Palette, Samples, Window
from fastdcm.rendering import execute as execute_module
from fastdcm.rendering.chain import Chain, Range, Rescale
from fastdcm.rendering.execute import execute, value_range
from fastdcm.rendering.lut import display_values
from fastdcm.rendering.plan import Automatic, ColourPlan, GrayPlan, PalettePlan, Plan
from tests.builders import words

Array = NDArray[Any]


@pytest.fixture(params=["numpy", "kernels"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways, with an end of what NumPy does set to never and to at once."""
    threshold = 0 if request.param == "kernels" else 1 << 62
    payoff = Payoff(threshold)
    if threshold:
        monkeypatch.setattr(payoff, "reached", lambda pixels: False)
    monkeypatch.setattr(execute_module, "_PAYOFF", payoff)
    return str(request.param)


def samples(array: Array, bits: int = 0, photometric: str = "MONOCHROME2") -> Samples:
    bits = bits or (0 if array.dtype.kind == "f" else 8 * array.itemsize)
    return Samples(array, photometric, bits, array.dtype.kind != "u")


def gray(
    voi: Window | Lut | Range | None = None, automatic: Automatic | None = None, **changes: Any
) -> GrayPlan:
    padding = changes.pop("padding", None)
    supplemental = changes.pop("supplemental", None)
    chain = Chain(changes.pop("modality", None), voi or Range(0.0, 0.0), **changes)
    return GrayPlan(chain, automatic, padding, supplemental, "")


WINDOW = Window(40, 400)
KINDS = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_every_kind_of_samples(engine: str, kind: str, bits: int) -> None:
    info = np.iinfo(kind) if kind[0] != "f" else None
    low, high = (max(info.min, -300), min(info.max, 300)) if info else (-300, 300)
    array = np.arange(low, high).astype(kind)
    array = np.resize(array, (30, len(array) // 30 + 1))
    chain = Chain(Rescale(1.5, -10.0), WINDOW, bits=bits)
    found = execute(GrayPlan(chain, None, None, None, ""), samples(array))
    assert found.dtype == f"u{bits // 8}"
    assert np.array_equal(found, display_values(array, chain))


def odd_views() -> dict[str, Array]:
    base = np.random.default_rng(3).integers(0, 65536, (8, 10)).astype("u2")
    shifted = np.frombuffer(memoryview(b"\0" + base.tobytes())[1:], "<u2").reshape(8, 10)
    frozen = base.copy()
    frozen.flags.writeable = False
    return {
        "writable": base,
        "read-only": frozen,
        "at an odd address": shifted,
        "transposed": np.ascontiguousarray(base.T).T,
        "every other column": np.repeat(base, 2, 1)[:, ::2],
        "from bytes": np.frombuffer(base.tobytes(), "<u2").reshape(8, 10),
    }


@pytest.mark.parametrize("name", odd_views())
@pytest.mark.parametrize("bits", [8, 16])
def test_memory_of_any_layout(engine: str, name: str, bits: int) -> None:
    array = odd_views()[name]
    expected = execute(gray(Range(0.0, 65535.0), bits=bits), samples(odd_views()["writable"].copy()))
    assert np.array_equal(execute(gray(Range(0.0, 65535.0), bits=bits), samples(array)), expected)
    assert array.sum() == odd_views()["writable"].sum()


@pytest.mark.parametrize("name", ["read-only", "transposed", "every other column"])
def test_colour_memory_of_any_layout(engine: str, name: str) -> None:
    base = np.random.default_rng(4).integers(0, 256, (6, 5, 3)).astype("u1")
    views = {
        "read-only": np.frombuffer(base.tobytes(), "u1").reshape(6, 5, 3),
        "transposed": np.ascontiguousarray(base.transpose(2, 0, 1)).transpose(1, 2, 0),
        "every other column": np.repeat(base, 2, 1)[:, ::2],
    }
    plan = ColourPlan(8, Range(0.0, 255.0), 8, "")
    expected = execute(plan, samples(base, photometric="YBR_FULL"))
    assert np.array_equal(execute(plan, samples(views[name], photometric="YBR_FULL")), expected)


# Automatic ranges


STORED = np.array([[-2000, -1999, 5], [10, 20, 30]], np.int16)


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        (None, Range(-2000.0, 30.0)),
        ((-2000, -2000), Range(-1999.0, 30.0)),
        ((-2000, -1999), Range(5.0, 30.0)),
        ((30, 40), Range(-2000.0, 20.0)),
        ((100, 200), Range(-2000.0, 30.0)),
        ((-9000, 9000), None),
    ],
)
def test_padding_is_left_out(padding: tuple[int, int] | None, expected: Range | None) -> None:
    plan = gray(automatic=Automatic(), padding=padding)
    assert value_range(plan, [samples(STORED)]) == expected
    rendered = execute(plan, samples(STORED))
    if expected is None:
        assert not rendered.any()
    else:
        assert rendered[expected.low == STORED].tolist() == [0]
        assert rendered[expected.high == STORED].tolist() == [255]


def test_padding_takes_the_end_that_it_is_nearer_to() -> None:
    """It is drawn as any other value, below the range as black, inverted as white."""
    plan = gray(automatic=Automatic(), padding=(-2000, -2000))
    assert execute(plan, samples(STORED))[0, 0] == 0
    inverted = gray(automatic=Automatic(), padding=(-2000, -2000), invert=True)
    assert execute(inverted, samples(STORED))[0, 0] == 255


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_nan_and_infinities_are_left_out(kind: str) -> None:
    array = np.array([[np.nan, np.inf, -np.inf], [1.0, 2.0, 5.0]], kind)
    plan = gray(automatic=Automatic())
    assert value_range(plan, [samples(array)]) == Range(1.0, 5.0)
    assert execute(plan, samples(array)).tolist() == [[0, 255, 0], [0, 64, 255]]
    nothing = np.full((2, 2), np.nan, kind)
    assert value_range(plan, [samples(nothing)]) is None
    assert not execute(plan, samples(nothing)).any()


@pytest.mark.parametrize("value", [0, 5, -7])
def test_constant_frame_is_black(value: int) -> None:
    assert not execute(gray(automatic=Automatic()), samples(np.full((2, 2), value, np.int16))).any()


LUT = Lut(0, 16, words([50, 20, 40, 10, 30]))


@pytest.mark.parametrize("kind", ["i2", "i4", "f8"])
@pytest.mark.parametrize(
    "modality", [None, Rescale(2.0, -3.0), Rescale(-0.5, 7.0), LUT], ids=["identity", "up", "down", "lut"]
)
def test_range_is_of_modality_values(kind: str, modality: Rescale | Lut | None) -> None:
    array = np.array([[1, 2, 3]], kind)
    expected = {None: (1, 3), Rescale(2.0, -3.0): (-1, 3), Rescale(-0.5, 7.0): (5.5, 6.5), LUT: (10, 40)}
    plan = gray(automatic=Automatic(), modality=modality)
    assert value_range(plan, [samples(array)]) == Range(*expected[modality])


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "f4"])
@pytest.mark.parametrize("modality", [None, Rescale(-2.0, 5.0), LUT], ids=["identity", "down", "lut"])
@pytest.mark.parametrize("percentile", [(0, 100), (1, 99), (0, 50), (25.5, 74.25), (99, 100)])
def test_percentiles_are_numpy_s(
    kind: str, modality: Rescale | Lut | None, percentile: tuple[float, float]
) -> None:
    random = np.random.default_rng(5)
    array = random.normal(100, 20, (37, 41)).clip(0, 255).astype(kind)
    x = display_modality(array, modality)
    found = value_range(gray(automatic=Automatic(*percentile), modality=modality), [samples(array)])
    assert found is not None
    assert list(found) == pytest.approx(list(np.percentile(x, percentile)), rel=1e-12)


def display_modality(array: Array, modality: Rescale | Lut | None) -> Array:
    if isinstance(modality, Lut):
        entries = np.frombuffer(modality.entries, "<u2")
        index = np.clip(np.floor(array.astype(float) - modality.first + 0.5), 0, len(entries) - 1)
        return entries[index.astype(int)].astype(float)
    return array * modality.slope + modality.intercept if modality else array.astype(float)


def test_percentiles_leave_out_padding() -> None:
    array = np.array([0] * 1000 + list(range(101, 202)), np.uint16).reshape(-1, 3)
    plan = gray(automatic=Automatic(10, 90), padding=(0, 0))
    assert value_range(plan, [samples(array)]) == Range(111.0, 191.0)


def test_one_range_for_all_frames() -> None:
    plan = gray(automatic=Automatic(scope="object"), padding=(99, 99))
    frames = [np.array([[value, 99]], np.uint8) for value in (10, 30, 20)]
    found = value_range(plan, [samples(frame) for frame in frames])
    assert found == Range(10.0, 30.0)
    rendered = [execute(plan, samples(frame), found)[0, 0] for frame in frames]
    assert rendered == [0, 255, 128]


# Palettes

PALETTE = Palette(2, 8, words([10, 20, 30]), words([11, 21, 31]), words([12, 22, 32]))


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
def test_palette_below_and_above(kind: str) -> None:
    """Below the first mapped value the first entry, past the end the last (C.7.6.3.1.5)."""
    values = [0, 1, 2, 3, 4, 5, 100] + ([-1, -100] if kind[0] == "i" else [])
    found = execute(PalettePlan(PALETTE, 8, ""), samples(np.array([values], kind)))
    assert found.dtype == np.uint8
    expected = [10, 10, 10, 20, 30, 30, 30] + [10, 10] * (kind[0] == "i")
    assert found[0, :, 0].tolist() == expected
    assert found[0, :, 2].tolist() == [value + 2 for value in expected]


def test_palette_of_a_negative_first_value() -> None:
    palette = PALETTE._replace(first=-1)
    array = np.array([[-5, -1, 0, 1, 5]], np.int16)
    assert execute(PalettePlan(palette, 8, ""), samples(array))[0, :, 0].tolist() == [10, 10, 20, 30, 30]


@pytest.mark.parametrize(
    ("depth", "entries", "bits", "expected"),
    [
        (8, [0, 7, 255], 8, [0, 7, 255]),
        (8, [0, 7, 255], 16, [0, 1799, 65535]),
        (16, [0, 0x1234, 0xFFFF], 8, [0, 0x12, 255]),
        (16, [0, 0x1234, 0xFFFF], 16, [0, 0x1234, 65535]),
        # 8-bit values in 16-bit entries, which real files have.
        (16, [0, 7, 255], 8, [0, 7, 255]),
        (16, [0, 7, 255], 16, [0, 1799, 65535]),
    ],
)
def test_depth_of_palettes(depth: int, entries: list[int], bits: int, expected: list[int]) -> None:
    palette = Palette(0, depth, *[words(entries)] * 3)
    found = execute(PalettePlan(palette, bits, ""), samples(np.array([[0, 1, 2]], np.uint8)))
    assert found[0, :, 1].tolist() == expected
    assert found.dtype == f"u{bits // 8}"


def test_one_channel_above_255_makes_all_16_bit() -> None:
    palette = Palette(0, 16, words([7]), words([8]), words([0x900]))
    assert execute(PalettePlan(palette, 8, ""), samples(np.zeros((1, 1), np.uint8))).tolist() == [[[0, 0, 9]]]


@pytest.mark.parametrize("kind", ["u4", "i4", "f4"])
def test_palette_of_more_than_16_bits(kind: str) -> None:
    array = np.full((1, 1), 1 << 20, kind)
    plans: list[Plan] = [PalettePlan(PALETTE, 8, ""), gray(Range(0.0, 1.0), supplemental=PALETTE)]
    for plan in plans:
        with pytest.raises(RenderError, match="16 bits at most"):
            execute(plan, samples(array))


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2"])
@pytest.mark.parametrize("bits", [8, 16])
def test_supplemental_palette(kind: str, bits: int) -> None:
    """Stored values from its first on by the palette, the others gray (C.8.17.2.1.1.1 and C.7.6.19)."""
    palette = PALETTE._replace(first=100)
    array = np.array([[0, 50, 99, 100, 101, 127]], kind)
    found = execute(gray(Range(0.0, 100.0), bits=bits, supplemental=palette), samples(array))
    ymax = 2**bits - 1
    unit = ymax // 255
    assert found.dtype == f"u{bits // 8}"
    assert found[0, :3].tolist() == [[round(value * ymax / 100 + 1e-9)] * 3 for value in (0, 50, 99)]
    assert found[0, 3:].tolist() == [
        [value * unit for value in entry] for entry in ([10, 11, 12], [20, 21, 22], [30, 31, 32])
    ]


# Colour


def colour(array: Array, bits: int = 0, photometric: str = "RGB") -> Samples:
    return Samples(array, photometric, bits or 8 * array.itemsize, False)


def test_8_bit_rgb_passes_unchanged() -> None:
    array = np.random.default_rng(6).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    assert execute(ColourPlan(8, Range(0.0, 255.0), 8, ""), colour(array)) is array


@pytest.mark.parametrize(("stored", "bits"), [(12, 8), (16, 8), (12, 16), (16, 16), (8, 16), (6, 8)])
def test_depth_of_colour(stored: int, bits: int) -> None:
    kind = "u1" if stored <= 8 else "u2"
    array = np.array([[[0, 1, (1 << stored) - 1]]], kind)
    found = execute(ColourPlan(stored, Range(0.0, 0.0), bits, ""), colour(array, stored))
    ymax = 2**bits - 1
    assert found.tolist() == [[[0, int(ymax / ((1 << stored) - 1) + 0.5), ymax]]]
    assert found.dtype == f"u{bits // 8}"


def test_window_on_each_channel() -> None:
    array = np.array([[[0, 100, 200], [50, 99, 255]]], np.uint8)
    found = execute(ColourPlan(8, Window(100, 100, "LINEAR_EXACT"), 8, ""), colour(array))
    assert found.tolist() == [[[0, 128, 255], [0, 125, 255]]]


def test_window_applies_after_the_conversion_to_rgb() -> None:
    array = np.array([[[128, 128, 128]]], np.uint8)
    plan = ColourPlan(8, Window(128, 2), 8, "")
    assert execute(plan, colour(array, photometric="YBR_FULL")).tolist() == [[[255, 255, 255]]]


def test_32_bit_colour() -> None:
    array = np.array([[[0, 1 << 31, (1 << 32) - 1]]], np.uint32)
    assert execute(ColourPlan(32, Range(0.0, 0.0), 8, ""), colour(array)).tolist() == [[[0, 128, 255]]]
