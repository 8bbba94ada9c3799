"""One range for each series of a run (``voi="series"``), against the pixels that the files hold."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

import fastdcm
from fastdcm.batch import Report, Watcher, run, serving
from fastdcm.batch import series as series_module
from fastdcm.batch.report import Progress
from fastdcm.batch.series import Looker, Looking, Seen
from fastdcm.options import split_options
from fastdcm.options.convert import ConvertOptions
from tests.builders import Element, image

Array = NDArray[Any]
ROWS, COLUMNS = 6, 5
A, B = "1.2.3.1", "1.2.3.2"


def pixels(number: int, frames: int = 1) -> Array:
    """Stored values of a slice: brighter from slice to slice."""
    drawn = np.random.default_rng(number).integers(0, 300, (frames, ROWS, COLUMNS)) + 100 * number
    return drawn.astype("<u2")


def of(
    stored: Array, series: str | None = A, window: tuple[float, float] | None = None, **changes: Any
) -> bytes:
    center, width = window or (None, None)
    how: dict[str, Any] = {"rows": ROWS, "columns": COLUMNS, "bits": 16, "series_instance": series}
    how |= {"center": center, "width": width, "frames": len(stored)}
    return image(stored.tobytes(), **(how | changes))


def spread(values: Array, low: float, high: float) -> Array:
    """``(x - low) / (high - low)``, clipped, in 8 bits."""
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)


def windowed(values: Array, center: float, width: float) -> Array:
    """LINEAR (PS3.3 C.11.2.1.2.1)."""
    return np.floor(np.clip((values - (center - 0.5)) / (width - 1) + 0.5, 0, 1) * 255 + 0.5).astype(np.uint8)


class Runs:
    """Converts the files of a folder by ``voi="series"``, and reads what comes of them."""

    def __init__(self, folder: Path) -> None:
        self.source, self.out = folder / "in", folder / "out"
        self.source.mkdir()

    def write(self, name: str, data: bytes) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def convert(self, sources: Any = None, **options: Any) -> Report:
        asked = {"format": "png", "voi": "series", "jobs": 1} | options
        return fastdcm.convert(self.source if sources is None else sources, self.out, **asked)

    def shown(self, name: str) -> Array:
        found: Array = imagecodecs.png_decode((self.out / f"{name}.png").read_bytes())
        return found


class _Telling(Watcher):
    def __init__(self, told: list[Progress]) -> None:
        self._told = told

    def tick(self, progress: Progress) -> None:
        self._told.append(progress)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Progress]:
    """What `_Telling` is told: as often as anything happens."""
    monkeypatch.setattr("fastdcm.batch.pool.TICK_SECONDS", 0.001)
    return []


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


WINDOWS = {"differ": lambda number: (100.0 * number, 200.0), "none": lambda number: None}


@pytest.mark.parametrize("windows", WINDOWS)
@pytest.mark.parametrize("jobs", [1, 3])
def test_the_range_of_all_slices(windows: str, jobs: int, runs: Runs) -> None:
    """Two series, whose headers are the same but for their UID, in several folders and mixed."""
    slices = {f"{number % 3}/{number:02}": (A if number % 2 else B, pixels(number)) for number in range(12)}
    for name, (series, stored) in slices.items():
        runs.write(f"{name}.dcm", of(stored, series, WINDOWS[windows](int(name[-2:]))))
    report = runs.convert(jobs=jobs)
    assert (report.converted, report.failed, report.found) == (12, 0, 12)
    assert 0 < report.preparing < report.seconds
    for series in (A, B):
        values = np.stack([stored for other, stored in slices.values() if other == series])
        for name, (other, stored) in slices.items():
            if other == series:
                np.testing.assert_array_equal(
                    runs.shown(name), spread(stored[0].astype(float), values.min(), values.max())
                )


def test_no_flicker(runs: Runs) -> None:
    """The same tissue has the same grey in all slices, which it has not where each has its own range."""
    for number in range(4):
        stored = pixels(number)
        stored[0, 0, 0] = 350
        runs.write(f"{number}.dcm", of(stored))
    runs.convert()
    assert len({int(runs.shown(str(number))[0, 0]) for number in range(4)}) == 1
    alone = {int(fastdcm.render(runs.source / f"{number}.dcm")[0, 0]) for number in range(4)}
    assert len(alone) > 1
    assert {
        int(fastdcm.render(runs.source / f"{number}.dcm", voi="series")[0, 0]) for number in range(4)
    } == alone


def test_what_all_share_is_taken(runs: Runs, told: list[Progress]) -> None:
    """The window of all, whatever it is called; of others of 8 bits the identity. Nothing is measured."""
    for number in range(3):
        named = {"window": (300.0, 500.0), "explanation": f"slice {number}"}
        runs.write(f"a{number}.dcm", of(pixels(number), A, **named))
        runs.write(f"b{number}.dcm", of((pixels(number) % 99).astype("u1"), B, bits=8))
    runs.convert(watcher=_Telling(told))
    assert {progress.phase for progress in told} == {"comparing windows", ""}
    for number in range(3):
        np.testing.assert_array_equal(
            runs.shown(f"a{number}"), windowed(pixels(number)[0].astype(float), 300, 500)
        )
        np.testing.assert_array_equal(runs.shown(f"b{number}"), pixels(number)[0] % 99)


def test_one_window_that_is_another_counts(runs: Runs) -> None:
    """Or a window beside none; and a function beside another."""
    for number in range(6):
        last = number == 5
        runs.write(f"a{number}.dcm", of(pixels(number), A, (300.0, 500.0 + last)))
        runs.write(f"b{number}.dcm", of(pixels(number), B, None if last else (300.0, 500.0)))
        function = "LINEAR_EXACT" if last else "LINEAR"
        runs.write(f"c{number}.dcm", of(pixels(number), "1.2.3.3", (300.0, 500.0), function=function))
    runs.convert()
    values = np.stack([pixels(number) for number in range(6)])
    for series in "abc":
        for number in range(6):
            expected = spread(pixels(number)[0].astype(float), values.min(), values.max())
            np.testing.assert_array_equal(runs.shown(f"{series}{number}"), expected)


def test_it_is_measured_in_modality_values_and_without_padding(runs: Runs) -> None:
    """As in PET, of which each slice has its own slope. Padding is what the slice says it is."""
    values = []
    for number in range(1, 5):
        stored = pixels(number)
        stored[0, 0, :2] = 65000 + number
        data = of(stored, A, slope=str(number / 2), intercept=str(-number), padding=65000 + number)
        runs.write(f"{number}.dcm", data)
        values.append(stored[0] * (number / 2) - number)
    runs.convert()
    kept = np.concatenate([part.ravel()[2:] for part in values])
    for number, part in enumerate(values, 1):
        np.testing.assert_array_equal(runs.shown(str(number)), spread(part, kept.min(), kept.max()))


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_whichever_frames_are_written_all_are_measured(photometric: str, runs: Runs) -> None:
    """A multi-frame object and single ones of one series; 16 bits."""
    movie, single = pixels(3, 4), pixels(0)
    runs.write("movie.dcm", of(movie, photometric=photometric))
    runs.write("single.dcm", of(single, photometric=photometric))
    runs.convert(frames="1")
    values = np.concatenate([movie, single])
    for name, stored in (("movie_0001", movie), ("single", single)):
        expected = spread(stored[0].astype(float), values.min(), values.max())
        # Inverted before it is rounded.
        exact = (stored[0] - values.min()) / (values.max() - values.min()) * 255
        inverted = np.floor(255 - exact + 0.5)
        np.testing.assert_array_equal(
            runs.shown(name), inverted if photometric == "MONOCHROME1" else expected
        )


def test_color_has_no_window(runs: Runs) -> None:
    """It does not count, and is shown as it is."""
    colour = np.random.default_rng(1).integers(0, 256, (1, ROWS, COLUMNS, 3), np.uint8)
    runs.write("colour.dcm", of(colour, bits=8, samples=3))
    for number in range(2):
        runs.write(f"{number}.dcm", of(pixels(number)))
    assert runs.convert().converted == 3
    np.testing.assert_array_equal(runs.shown("colour"), colour[0])
    values = np.concatenate([pixels(0), pixels(1)])
    np.testing.assert_array_equal(
        runs.shown("0"), spread(pixels(0)[0].astype(float), values.min(), values.max())
    )


def test_without_a_uid_a_file_is_a_series(runs: Runs) -> None:
    for number in range(3):
        runs.write(f"{number}.dcm", of(pixels(number, 2), None))
    runs.convert()
    for number in range(3):
        stored = pixels(number, 2)
        for frame in range(2):
            expected = spread(stored[frame].astype(float), stored.min(), stored.max())
            np.testing.assert_array_equal(runs.shown(f"{number}_{frame + 1:04}"), expected)


def test_a_window_that_one_has_not_is_its_failure(runs: Runs) -> None:
    """As without a series; the others have one range."""
    for number in range(3):
        both = [Element(0x00281050, "DS", f"100\\{number}"), Element(0x00281051, "DS", "200\\300")]
        runs.write(f"{number}.dcm", of(pixels(number), extra=both))
    runs.write("one.dcm", of(pixels(9), A, (100.0, 200.0)))
    report = runs.convert(window_number=2)
    assert (report.converted, report.failed) == (3, 1)
    assert "window 2 was asked for" in str(report.failures[0])
    values = np.concatenate([pixels(number) for number in range(3)])
    np.testing.assert_array_equal(
        runs.shown("0"), spread(pixels(0)[0].astype(float), values.min(), values.max())
    )


# Bad files, and runs that are not plain


def test_bad_files_are_told_once(runs: Runs) -> None:
    """One that is cut, with a frame that is whole; one that is none; one of whose frames one is cut."""
    for number in range(3):
        runs.write(f"{number}.dcm", of(pixels(number)))
    runs.write("cut.dcm", of(pixels(9))[:-30])
    runs.write("part.dcm", of(pixels(5, 3))[:-30])
    runs.write("note.txt", b"no image")
    report = runs.convert(jobs=2)
    assert (report.converted, report.failed, report.skipped_count, report.found) == (3, 2, 1, 6)
    assert len(report.failures) == 2
    # What of the object is whole counts, and was written.
    values = np.concatenate([*(pixels(number) for number in range(3)), pixels(5, 3)[:2]])
    for name, stored in (("2", pixels(2)[0]), ("part_0002", pixels(5, 3)[1])):
        np.testing.assert_array_equal(
            runs.shown(name), spread(stored.astype(float), values.min(), values.max())
        )


class DyingLooker(Looker):
    """Does not survive files of a name."""

    def __call__(self, task: Any, own: bool, beat: Any) -> Any:
        if "poison" in task.source:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(task, own, beat)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_file_that_kills_workers_stops_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "_LOOKER", "tests.unit.batch.test_batch_series:DyingLooker")
    for number in range(30):
        runs.write(f"{number:02}.dcm", of(pixels(number)))
    runs.write("poison.dcm", of(pixels(99)))
    assert runs.convert().converted == 31
    values = np.concatenate([pixels(number) for number in range(30)])
    for name, number in (("00", 0), ("29", 29), ("poison", 99)):
        expected = spread(pixels(number)[0].astype(float), values.min(), values.max())
        np.testing.assert_array_equal(runs.shown(name), expected)


def test_a_run_that_goes_on_shows_the_same(runs: Runs) -> None:
    """What is there already is measured, too."""
    for number in range(4):
        runs.write(f"{number}.dcm", of(pixels(number)))
    runs.convert()
    whole = {path.name: path.read_bytes() for path in runs.out.iterdir()}
    for name in ("1.png", "3.png"):
        (runs.out / name).unlink()
    report = runs.convert(existing="skip")
    assert (report.images, report.existing) == (2, 2)
    assert {path.name: path.read_bytes() for path in runs.out.iterdir()} == whole


def test_one_object_alone_and_spread(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file is a series, also where several workers share its frames, and beside others."""
    stored = pixels(2, 70)
    stored[66, 0, 0] = 4000
    path = runs.write("movie.dcm", of(stored))
    expected = spread(stored[3].astype(float), stored.min(), 4000)
    report = runs.convert(path, jobs=2)
    assert (report.images, report.converted) == (70, 1)
    assert report.preparing, "it was measured by workers"
    np.testing.assert_array_equal(runs.shown("movie_0004"), expected)
    runs.convert(path, jobs=1, existing="overwrite")
    np.testing.assert_array_equal(runs.shown("movie_0004"), expected)
    monkeypatch.setattr(serving, "SPREAD_FRAMES", 10**9)
    fastdcm.convert(path, runs.out / "one.png", voi="series")
    np.testing.assert_array_equal(runs.shown("one"), spread(stored[0].astype(float), stored.min(), 4000))
    runs.write("other.dcm", of(pixels(0)))
    monkeypatch.undo()
    runs.convert(existing="overwrite")
    np.testing.assert_array_equal(runs.shown("movie_0004"), spread(stored[3].astype(float), 0, 4000))


def test_together_with_other_options(runs: Runs) -> None:
    """Flat names, geometry, presentation shape, profile; a GIF of all frames."""
    for number in range(3):
        runs.write(f"{number}/scan.dcm", of(pixels(number, 2)))
    values = np.concatenate([pixels(number, 2) for number in range(3)])
    report = runs.convert(flat=True, rotate=90, crop=(1, 1, 3, 4), profile=True, fail_fast=True)
    assert report.images == 6
    expected = spread(pixels(1, 2)[0].astype(float), values.min(), values.max())
    np.testing.assert_array_equal(runs.shown("1-scan_0001"), np.rot90(expected[1:5, 1:4], -1))
    runs.convert(flat=True, format="gif")
    movie = imagecodecs.gif_decode((runs.out / "1-scan.gif").read_bytes())
    np.testing.assert_array_equal(movie[0, ..., 0] if movie.ndim == 4 else movie[0], expected)


def test_phases_are_told(runs: Runs, told: list[Progress]) -> None:
    for number in range(9):
        runs.write(f"{number}.dcm", of(pixels(number), A, (100.0 + number, 200.0)))
    report = runs.convert(watcher=_Telling(told))
    phases = [progress.phase for progress in told]
    assert list(dict.fromkeys(phases)) == ["comparing windows", "measuring series", ""]
    before = [progress for progress in told if progress.phase]
    assert all(progress.images == progress.failures == 0 for progress in before)
    assert max(progress.found for progress in before) == max(progress.files for progress in before) == 9
    assert (report.found, report.files) == (9, 9)


def test_phases_of_one_object(runs: Runs, told: list[Progress], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.batch.alone._TICK_SECONDS", 0.001)
    path = runs.write("movie.dcm", of(pixels(1, 60), rows=6, columns=5))
    runs.convert(path, watcher=_Telling(told))
    assert {progress.images for progress in told if progress.phase} <= {0}


class _Interrupting(Watcher):
    def tick(self, progress: Progress) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_while_series_are_looked_at(runs: Runs) -> None:
    for number in range(2000):
        runs.write(f"{number}.dcm", of(pixels(number % 7)))
    render, encode = split_options({"voi": "series", "format": "png"})
    report = run(
        [runs.source], runs.out, ConvertOptions(render=render, encode=encode), watcher=_Interrupting()
    )
    assert report.interrupted
    assert report.images == 0
    assert not runs.out.exists() or not any(runs.out.iterdir())


def _job() -> Any:
    from fastdcm.batch.convert import Job
    from fastdcm.sinks.run import Run

    return Job(Run.begin(), ConvertOptions(render=split_options({"voi": "series"})[0]))


def _tasks(runs: Runs) -> Any:
    from fastdcm.batch.discovery import discover
    from fastdcm.batch.targets import resolve

    return discover(resolve([str(runs.source)], str(runs.out), "png"))


def test_memory_goes_with_the_series(runs: Runs) -> None:
    """What a worker tells of thousands of files is a finding a series."""
    for number in range(50):
        runs.write(f"{number}.dcm", of(pixels(number), A if number % 2 else B))
    looker = Looker(Looking(_job(), None))
    for task in _tasks(runs):
        assert looker(task, False, lambda frame, seconds: None) == (None, [])
    (seen,) = looker.counted()
    assert isinstance(seen, Seen)
    assert seen.files == 50
    assert seen.series.keys() == {A, B}
    odd = np.concatenate([pixels(number) for number in range(1, 50, 2)])
    assert seen.series[A].range == (odd.min(), odd.max())
    assert looker.counted() == []


def test_a_state_decides_in_the_place_of_the_image(runs: Runs, tmp_path: Path) -> None:
    """Its window is that of all; without one the range is in its modality values."""
    from tests.unit.presentation.states import reference, sequence, state

    rescale = [Element(0x00281052, "DS", "-50"), Element(0x00281053, "DS", "2")]
    window = [Element(0x00281050, "DS", "400"), Element(0x00281051, "DS", "700")]
    uids = ["1.9.1", "1.9.2", "1.9.3"]
    for number, uid in enumerate(uids):
        runs.write(f"{number}.dcm", of(pixels(number), A, (100.0 + number, 50.0), sop_instance=uid))
    (tmp_path / "states").mkdir()
    path = tmp_path / "states" / "one.dcm"
    path.write_bytes(state(*rescale, sequence(0x00283110, window), images=[reference(uid) for uid in uids]))
    runs.convert(presentation_states=path.parent)
    for number in range(3):
        np.testing.assert_array_equal(
            runs.shown(str(number)), windowed(pixels(number)[0] * 2.0 - 50, 400, 700)
        )
    path.write_bytes(state(*rescale, images=[reference(uid) for uid in uids[:2]]))
    runs.convert(presentation_states=path.parent, existing="overwrite")
    values = np.concatenate([*(pixels(number) * 2.0 - 50 for number in range(2)), pixels(2)])
    np.testing.assert_array_equal(
        runs.shown("0"), spread(pixels(0)[0] * 2.0 - 50, values.min(), values.max())
    )
