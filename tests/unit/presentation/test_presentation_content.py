"""What is of the source's pixels is refused where a presentation state decides how they are placed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import RenderError
from tests.builders import Element
from tests.unit.presentation.states import reference, referenced, state

ROWS, COLUMNS = 60, 90
SPACING = Element(0x00280030, "DS", "0.5\\0.5")
#: Half a turn (C.10.6).
TURNED = Element(0x00700042, "US", 180)


def picture() -> np.ndarray[Any, Any]:
    stored = np.zeros((ROWS, COLUMNS), np.uint8)
    stored[10:40, 20:70] = 200
    return stored


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.dcm"
    path.write_bytes(referenced(picture().tobytes(), rows=ROWS, columns=COLUMNS, extra=[SPACING]))
    return path


@pytest.fixture
def states(tmp_path: Path) -> Callable[..., Path]:
    """A folder with one state, which references this image."""

    def written(uid: str | None = None) -> Path:
        folder = tmp_path / "states"
        folder.mkdir()
        images = None if uid is None else [reference(uid)]
        (folder / "a.pre").write_bytes(state(TURNED, images=images))
        return folder

    return written


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "content": ({"crop": "content"}, "crop content is of the source's pixels"),
    "content of a size": ({"crop": "content", "size": (32, 32), "fit": "pad"}, "crop content is of"),
    "spacing": ({"spacing": 1}, "spacing is of the source's pixels"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("folder", [False, True])
def test_refused(case: str, folder: bool, image: Path, states: Callable[..., Path]) -> None:
    options, message = REFUSED[case]
    place = states()
    which = {"presentation_states": place} if folder else {"presentation_state": place / "a.pre"}
    with fastdcm.open(image) as opened:
        for call, told in (
            (opened.render, message),
            (opened.encode, message),
            (opened.mapping, "a mapping is of the source's pixels"),
        ):
            with pytest.raises(RenderError, match=f"{told}.*leave one of them out") as raised:
                call(**options, **which)  # type: ignore[operator]
            assert (raised.value.path, raised.value.frame) == (str(image), 1)
        # What is of the state's picture is not.
        assert opened.render(**which, crop=(0, 0, 30, 20)).shape == (20, 30)


def test_mapping_is_refused_by_itself(image: Path, states: Callable[..., Path]) -> None:
    with fastdcm.open(image) as opened, pytest.raises(RenderError, match="a mapping is of the source's"):
        opened.mapping(presentation_states=states())


def test_states_of_other_images_refuse_nothing(image: Path, states: Callable[..., Path]) -> None:
    place = states("9.9.9")
    with fastdcm.open(image) as opened:
        for options, _ in REFUSED.values():
            shown = opened.render(**options, presentation_states=place)
            assert np.array_equal(shown, opened.render(**options))
            mapping = opened.mapping(**options, presentation_states=place)
            assert mapping == opened.mapping(**options)
        x, y, width, height = opened.mapping(crop="content", presentation_states=place).region
    assert (x, y, x + width, y + height) == pytest.approx((20, 10, 70, 40), abs=2)


def test_frames_of_load_have_no_mapping(image: Path, states: Callable[..., Path]) -> None:
    place = states() / "a.pre"
    batch = fastdcm.load([image], (ROWS, COLUMNS), on_error="mask", presentation_state=place)
    assert batch.errors == ()
    assert batch.mappings == (None,)
    with fastdcm.open(image) as opened:
        assert np.array_equal(batch.array[0], opened.render(presentation_state=place))
    failed = fastdcm.load([image], on_error="mask", presentation_state=place, crop="content")
    assert "crop content is of the source's pixels" in str(failed.errors[0])
