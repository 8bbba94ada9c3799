"""The command with overlays and presentation states: arguments to options, and whole runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import fastdcm
from fastdcm.cli import cli
from fastdcm.options import OverlayOptions, PresentationOptions, split_options
from tests.builders import Element
from tests.unit.presentation.states import reference, referenced, state
from tests.unit.reader.test_reader_overlays import overlay

RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)


def _convert(*arguments: Any) -> Result:
    return CliRunner().invoke(cli, ["convert", *map(str, arguments)], prog_name="fastdcm")


def _shown(path: Path) -> Any:
    return np.asarray(Image.open(path))


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.dcm"
    plane = np.eye(4, 6, dtype=bool)
    extra = [*overlay(plane), *overlay(plane[::-1], group=0x6002)]
    path.write_bytes(referenced(RAMP.tobytes(), rows=4, columns=6, extra=extra))
    return path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], lambda a, b: RAMP),
        (["--overlays"], lambda a, b: np.where(a | b, 255, RAMP)),
        (["--overlay-groups", "6002"], lambda a, b: np.where(b, 255, RAMP)),
        (
            ["--overlay-groups", "0x6000,6002", "--overlay-color", "100,100,100"],
            lambda a, b: np.where(a | b, 100, RAMP),
        ),
        (
            ["--overlays", "--overlay-color", "#0a141e"],
            lambda a, b: np.where((a | b)[..., None], (10, 20, 30), RAMP[..., None]),
        ),
    ],
)
def test_overlays(arguments: list[str], expected: Any, scan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    assert _convert(scan, out, *arguments).exit_code == 0
    plane = np.eye(4, 6, dtype=bool)
    assert np.array_equal(_shown(out), expected(plane, plane[::-1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--overlay-groups", "5000"], "overlay group '5000' is not one of 6000, 6002"),
        (["--overlay-groups", "6001"], "overlay group 6001 is not one of"),
        (["--overlay-groups", ""], "overlay group '' is not one of"),
        (["--overlays", "--overlay-color", "#12345"], "is not R,G,B from 0 to 255"),
        (["--overlays", "--overlay-color", "1,2,300"], "is not R,G,B from 0 to 255"),
        (["--overlay-color", "red"], "an overlay color has no use without overlays"),
        (["--presentation-state", "gone.pre"], "does not exist"),
        (["--presentation-states", "gone"], "does not exist"),
        (["--display-pixel-spacing", "0"], "must be above 0 mm"),
    ],
)
def test_what_makes_no_sense(arguments: list[str], message: str, scan: Path) -> None:
    result = _convert(scan, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not scan.with_suffix(".jpg").exists()


def test_keywords_are_the_same_options(tmp_path: Path) -> None:
    render, _ = split_options(
        {"overlay_groups": [0x6002, "6000"], "overlay_color": "yellow", "presentation_states": tmp_path}
    )
    assert render.overlay == OverlayOptions(False, (0x6000, 0x6002), (255, 255, 0))
    assert render.presentation == PresentationOptions(presentation_states=str(tmp_path))
    assert split_options({"overlay_color": (255, 255, 255)})[0].overlay == OverlayOptions()
    hash(render)


def test_a_state_that_does_not_reference_an_image_fails_for_it(scan: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.dcm"
    other.write_bytes(referenced(RAMP.tobytes(), rows=4, columns=6, sop_instance="8.8"))
    (tmp_path / "a.pre").write_bytes(state(shape="INVERSE"))
    out = tmp_path / "out"
    result = _convert(scan, other, "-o", out, "-F", "png", "--presentation-state", tmp_path / "a.pre")
    assert result.exit_code == 1
    assert "does not reference this image, whose SOP Instance UID is 8.8" in result.stderr
    assert np.array_equal(_shown(out / "scan.png"), 255 - RAMP)
    assert not (out / "other.png").exists()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_of_states_in_a_run_of_workers(jobs: int, scan: Path, tmp_path: Path) -> None:
    """The run looks through the folder once and hands the index to its workers."""
    scans, states = tmp_path / "scans", tmp_path / "states"
    scans.mkdir()
    states.mkdir()
    for number in range(6):
        uid = f"1.5.{number}"
        (scans / f"{number}.dcm").write_bytes(referenced(RAMP.tobytes(), rows=4, columns=6, sop_instance=uid))
        if number % 2:
            turned = [Element(0x00700042, "US", 90), Element(0x00700041, "CS", "N")]
            (states / f"{number}.pre").write_bytes(state(*turned, images=[reference(uid)]))
    shutil.copy(states / "1.pre", scans / "a state among the images")
    report = fastdcm.convert(
        scans, tmp_path / "out", jobs=jobs, format="png", presentation_states=states, existing="overwrite"
    )
    assert (report.images, len(report.failures), len(report.skipped)) == (6, 0, 1)
    for number in range(6):
        shown = _shown(tmp_path / "out" / f"{number}.png")
        assert np.array_equal(shown, np.rot90(RAMP, -1) if number % 2 else RAMP)


def test_a_folder_that_cannot_be_listed_ends_the_run(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.dcm").write_bytes(referenced(RAMP.tobytes(), rows=4, columns=6))
    with pytest.raises(fastdcm.OptionError, match="presentation states in"):
        fastdcm.convert(scans, tmp_path / "out", presentation_states=tmp_path / "gone")
    assert not (tmp_path / "out").exists()
