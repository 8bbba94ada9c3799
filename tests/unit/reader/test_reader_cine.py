"""How long frames are shown (PS3.3 C.7.6.5)."""

from __future__ import annotations

from typing import Any

import pytest

import fastdcm
from fastdcm.reader.cine import frame_seconds
from fastdcm.reader.scan import scan
from fastdcm.reader.source import MemorySource
from tests.builders import BIG_ENDIAN, EXPLICIT, IMPLICIT, Element, image

FRAME_TIME, VECTOR, CINE_RATE, RECOMMENDED = 0x00181063, 0x00181065, 0x00180040, 0x00082144


def time(value: Any) -> Element:
    return Element(FRAME_TIME, "DS", value)


def vector(*values: Any) -> Element:
    return Element(VECTOR, "DS", "\\".join(map(str, values)))


def rate(value: Any) -> Element:
    return Element(CINE_RATE, "IS", value)


def recommended(value: Any) -> Element:
    return Element(RECOMMENDED, "IS", value)


def pointer(*tags: int) -> Element:
    return Element(0x00280009, "AT", [word for tag in tags for word in (tag >> 16, tag & 0xFFFF)])


def found(*elements: Element, frames: int = 3, syntax: str = EXPLICIT) -> tuple[list[float], list[str]]:
    written = [Element(e.tag, "US", e.value) if e.vr == "AT" and syntax == IMPLICIT else e for e in elements]
    data = image(bytes(6 * frames), syntax, frames=frames, extra=written)
    notices: list[Any] = []
    seconds = frame_seconds(scan(MemorySource(data)), frames, notices)
    return list(seconds), [notice.message for notice in notices]


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ([time("33.333")], [0.033333] * 3),
        ([vector(0, 40, 60)], [0.04, 0.06, 0.06]),
        ([vector(33, 40, 60, 80)], [0.04, 0.06, 0.06]),  # more than there are frames
        ([rate(20)], [0.05] * 3),
        ([recommended(50)], [0.02] * 3),
        # in this order
        ([time(100), vector(0, 40, 60), rate(20), recommended(50)], [0.1] * 3),
        ([vector(0, 40, 60), rate(20), recommended(50)], [0.04, 0.06, 0.06]),
        ([rate(20), recommended(50)], [0.05] * 3),
        # but where Frame Increment Pointer chooses
        ([time(100), vector(0, 40, 60), pointer(VECTOR)], [0.04, 0.06, 0.06]),
        ([time(100), vector(0, 40, 60), pointer(0x00540010, VECTOR)], [0.04, 0.06, 0.06]),
        ([time(100), vector(0, 40, 60), pointer(FRAME_TIME)], [0.1] * 3),
    ],
    ids=str,
)
def test_seconds(elements: list[Element], seconds: list[float]) -> None:
    for syntax in (EXPLICIT, IMPLICIT, BIG_ENDIAN):
        elements = [Element(e.tag, "US" if e.vr == "AT" else e.vr, e.value) for e in elements]
        given, notices = found(*elements, syntax=syntax)
        assert given == pytest.approx(seconds)
        assert not notices


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (time(0), "Frame Time"),
        (time(-40), "Frame Time"),
        (time("fast"), "Frame Time"),
        (time("1e300"), "Frame Time"),
        (vector(0, 40), "Frame Time Vector"),
        (vector(0, 40, 0), "Frame Time Vector"),
        (vector(0, -40, 40), "Frame Time Vector"),
        (vector(0, 40, "x"), "Frame Time Vector"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_noticed_and_the_next_counts(bad: Element, name: str) -> None:
    seconds, notices = found(bad, rate(10))
    assert seconds == [0.1] * 3
    assert notices == [f"{name} cannot be used; ignored"]


@pytest.mark.parametrize("elements", [[], [rate(0)], [rate(-1), recommended("")]], ids=str)
def test_without_any_25_a_second_are_taken(elements: list[Element]) -> None:
    seconds, notices = found(*elements)
    assert seconds == [0.04] * 3
    assert notices == ["no frame time in the file: 25 frames a second were taken"]


def test_a_single_frame_lasts_as_long_as_it_likes() -> None:
    """C.7.6.5.1.1: 0 is what a single frame may have."""
    assert found(time(0), frames=1) == ([0.04], [])
    assert found(frames=1) == ([0.04], [])


def test_of_values_that_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the second object of a series nothing is kept but what rendering needs."""
    from fastdcm.reader import alike
    from tests.payoffs import Fixed

    monkeypatch.setattr(alike, "_PAYOFF", Fixed(True))
    monkeypatch.setattr(alike, "_known", {})
    data = image(bytes(36), bits=16, frames=3, sop_instance="1.2", extra=[time(100)])
    for _ in range(2):
        with fastdcm.open(data) as opened:
            opened.render()
            assert list(opened._frame_seconds()) == [0.1] * 3
    assert alike.recall(alike.digest_of(MemorySource(data), opened._options.limits)) is not None
