"""``voi="series"`` of one object, whose frames are its series; and what the option takes."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.errors import DecodeError, FastdcmError, OptionError
from fastdcm.model import Window
from fastdcm.options import RenderOptions, split_options
from fastdcm.rendering.chain import Range
from fastdcm.rendering.series import Finding, found_in, settled, shown_alike
from tests.builders import Element, encapsulated, image
from tests.unit.batch.test_batch_series import pixels, spread, windowed

STORED = pixels(1, 3)
INF = float("inf")


def item(window: tuple[float, float] | None, slope: float = 1) -> list[Element]:
    """A per-frame functional group (PS3.3 C.7.6.16.2.9-10)."""
    found = [Element(0x00289145, "SQ", [[Element(0x00281052, "DS", 0), Element(0x00281053, "DS", slope)]])]
    if window is not None:
        values = [Element(0x00281050, "DS", window[0]), Element(0x00281051, "DS", window[1])]
        found.insert(0, Element(0x00289132, "SQ", [values]))
    return found


def enhanced(*groups: list[Element]) -> bytes:
    rows, columns = STORED.shape[1:]
    per_frame = Element(0x52009230, "SQ", list(groups))
    return image(STORED.tobytes(), rows=rows, columns=columns, frames=len(groups), bits=16, extra=[per_frame])


def test_frames_with_other_windows() -> None:
    """Each has its slope, too."""
    data = enhanced(item((100, 50)), item((200, 50), 2), item((300, 50), 3))
    values = STORED * np.array([1.0, 2.0, 3.0])[:, None, None]
    with fastdcm.open(data) as opened:
        assert opened.explain(1, voi="series").endswith("minimum to maximum of the series")
        for index in range(3):
            expected = spread(values[index], values.min(), values.max())
            np.testing.assert_array_equal(opened.render(index, voi="series"), expected)
            assert (opened.render(index) != expected).any()


def test_frames_with_the_same_window() -> None:
    with fastdcm.open(enhanced(*[item((300, 500))] * 3)) as opened:
        assert "window 1 of 1, center 300, width 500" in opened.explain(2, voi="series")
        for index in range(3):
            expected = windowed(STORED[index].astype(float), 300, 500)
            np.testing.assert_array_equal(opened.render(index, voi="series"), expected)


def test_a_frame_without_a_window_among_others() -> None:
    with fastdcm.open(enhanced(item((300, 500)), item(None), item((300, 500)))) as opened:
        for index in range(3):
            expected = spread(STORED[index].astype(float), STORED.min(), STORED.max())
            np.testing.assert_array_equal(opened.render(index, voi="series"), expected)


def test_a_frame_that_is_cut_does_not_count() -> None:
    data = enhanced(*[item((100 * number, 50)) for number in range(3)])[:-20]
    with fastdcm.open(data) as opened:
        expected = spread(STORED[0].astype(float), STORED[:2].min(), STORED[:2].max())
        np.testing.assert_array_equal(opened.render(0, voi="series"), expected)
        with pytest.raises(FastdcmError):
            opened.render(2, voi="series")
    assert issubclass(DecodeError, FastdcmError)


def test_frames_that_have_more_bits_than_declared() -> None:
    """Eight bits without a window are shown as they are; what a codestream has more of is stretched."""
    frames = [np.add.outer(np.arange(40), np.arange(40)).astype(np.uint16) * times for times in (30, 50)]
    streams = [
        bytes(imagecodecs.jpeg2k_encode(one, codecformat="j2k", reversible=True, bitspersample=12))
        for one in frames
    ]
    streams = [one + b"\0" * (len(one) % 2) for one in streams]
    sizes = {"rows": 40, "columns": 40, "frames": 2, "bits": 16, "stored": 8}
    data = image(encapsulated(streams), "1.2.840.10008.1.2.4.90", **sizes)
    with fastdcm.open(data) as opened:
        shown = [opened.render(index, voi="series") for index in range(2)]
    top = max(one.max() for one in frames)
    for one, found in zip(frames, shown, strict=True):
        np.testing.assert_array_equal(found, spread(one.astype(float), 0, top))


def test_the_second_window_of_all() -> None:
    both = (Element(0x00281050, "DS", "100\\300"), Element(0x00281051, "DS", "50\\500"))
    rows, columns = STORED.shape[1:]
    data = image(STORED.tobytes(), rows=rows, columns=columns, frames=3, bits=16, extra=both)
    found = fastdcm.render(data, 1, voi="series", window_number=2)
    np.testing.assert_array_equal(found, windowed(STORED[1].astype(float), 300, 500))


def test_a_range_that_is_known() -> None:
    rows, columns = STORED.shape[1:]
    data = image(STORED.tobytes(), rows=rows, columns=columns, frames=3, bits=16, center=1, width=9)
    found = fastdcm.render(data, voi="series", series_range=(-100, 900))
    np.testing.assert_array_equal(found, spread(STORED[0].astype(float), -100, 900))


@pytest.mark.parametrize(
    "options",
    [
        {"series_range": (0, 1)},
        {"voi": "minmax", "series_range": (0, 1)},
        {"voi": "series", "series_range": (1, 0)},
        {"voi": "series", "series_range": (0, float("nan"))},
        {"voi": "series", "series_range": (0, float("inf"))},
        {"voi": "series", "window": (1, 2)},
        {"voi": "series", "preset": "lung"},
        {"voi": "series", "channels": "lung,bone,brain"},
        {"voi": "series:1,99"},
    ],
)
def test_what_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        split_options(options)


# Findings


def finding(voi: str | None, low: float = 1, high: float = 2) -> Finding:
    return Finding(None if voi is None else voi.encode(), voi is not None, low, high, empty=False)


def test_findings_are_merged_in_any_order() -> None:
    same, other, own = finding("a", 0, 5), finding("b", -3, 2), finding(None, 4, 9)
    assert same.merged(same).alike
    assert same.merged(same).range is None
    for one, two in ((same, other), (other, same)):
        assert one.merged(two).range == (-3, 5)
        assert one.merged(Finding()).merged(two) == Finding().merged(one).merged(two)
    assert same.merged(own).range == own.merged(same).range == (0, 9)
    assert other.merged(own).merged(same).range == (-3, 9)
    assert own.range == (4, 9)
    assert Finding().range is None
    assert own._replace(high=float("inf")).range is None
    assert not same.merged(other._replace(measured=False)).measured


def test_frames_are_measured_where_it_counts() -> None:
    looked: list[tuple[int, bool]] = []

    def look(index: int, options: RenderOptions, *, measure: bool) -> Finding:
        looked.append((index, measure))
        assert options == RenderOptions(bits=16)
        found = finding("ab"[index] if differing else "a", index, index + 5)
        return found if measure else found._replace(low=INF, high=-INF, measured=False)

    asked, begun = RenderOptions(voi="series", bits=16), list[int]()
    differing = False
    assert shown_alike(asked, look, 2, begun.append) == RenderOptions(bits=16)
    assert looked == [(0, False), (1, False)]
    differing = True
    assert shown_alike(asked, look, 2, begun.append).series_range == (0, 6)
    assert looked[2:] == [(0, False), (1, False), (0, True), (1, True)]
    assert begun == [index for index, _ in looked]


def test_what_is_settled() -> None:
    asked = RenderOptions(voi="series", bits=16)
    assert settled(asked, None) == RenderOptions(bits=16)
    assert settled(asked, (1, 2)) == RenderOptions(voi="series", series_range=(1, 2), bits=16)


def _never() -> Any:
    raise AssertionError("pixels were looked at")


def test_windows_are_told_apart_by_their_numbers() -> None:
    from fastdcm.rendering.chain import Chain
    from fastdcm.rendering.plan import GrayPlan

    def of(voi: Any) -> bytes | None:
        plan = GrayPlan(Chain(None, voi), None, None, None, "")
        found = found_in(lambda bits: plan, _never, False)
        assert not found.measured
        return found.voi

    window = Window(40, 80)
    assert of(window) == of(window._replace(explanation="BRAIN"))
    others = [Window(40, 81), Window(41, 80), Window(40, 80, "SIGMOID"), Range(0, 80), Range(40, 80)]
    assert len({of(voi) for voi in [window, *others]}) == 6
