"""Formats that hold a whole object, through the batch: names, counts, failures, limits; by real files."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image, ImageSequence

import fastdcm
from fastdcm.batch import Report, Watcher, run
from fastdcm.batch.report import Progress
from fastdcm.cli import cli
from fastdcm.errors import EncodeError, OptionError, TruncatedError, WorkerTimeoutError
from fastdcm.options import ConvertOptions, EncodeOptions, FrameSelection
from fastdcm.pipeline import Image as Opened
from tests.builders import Element, encapsulated, image

FRAMES = 5


def cine(frames: int = FRAMES, *, time: Any = 40, cut: int = 0) -> bytes:
    """Frames of one gray level each, 10 times its number."""
    pixels = b"".join(bytes([10 * number % 256]) * 48 for number in range(1, frames + 1))
    extra = [] if time is None else [Element(0x00181063, "DS", time)]
    data = image(pixels, rows=6, columns=8, frames=frames, extra=extra)
    return data[: len(data) - cut]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``in/a.dcm in/b.dcm in/still.dcm``, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(cine())
    (tmp_path / "in" / "b.dcm").write_bytes(cine(70))  # more than are spread
    (tmp_path / "in" / "still.dcm").write_bytes(image(bytes(range(6))))
    return tmp_path


def levels(path: Path) -> list[int]:
    """The gray level of each frame of a GIF."""
    with Image.open(path) as found:
        return [int(np.asarray(frame.convert("L"))[0, 0]) for frame in ImageSequence.Iterator(found)]


def converted(source: str, output: str | None = None, **options: Any) -> Report:
    encode = EncodeOptions(options.pop("format", "gif"))
    jobs = options.pop("jobs", 1)
    first_only = options.pop("first_only", False)
    watcher = options.pop("watcher", None)
    asked = ConvertOptions(encode=encode, **options)
    return run([source], output, asked, jobs=jobs, first_only=first_only, watcher=watcher)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_file_an_object(folder: Path, jobs: int) -> None:
    report = converted("in", jobs=jobs)
    assert sorted(os.listdir("in-gif")) == ["a.gif", "b.gif", "still.gif"]
    assert (report.images, report.converted, report.failed) == (3, 3, 0)
    assert report.bytes_written == sum(path.stat().st_size for path in (folder / "in-gif").iterdir())
    assert levels(folder / "in-gif" / "a.gif") == [10, 20, 30, 40, 50]
    assert levels(folder / "in-gif" / "b.gif") == [10 * n % 256 for n in range(1, 71)]
    assert levels(folder / "in-gif" / "still.gif") == [0]


@pytest.mark.parametrize("first_only", [False, True])
def test_a_named_file_has_all_frames(folder: Path, first_only: bool) -> None:
    """Also where a still would be the first frame."""
    report = converted("in/a.dcm", "x.gif", first_only=first_only)
    assert levels(folder / "x.gif") == [10, 20, 30, 40, 50]
    assert not report.notices


@pytest.mark.skipif(sys.platform == "win32", reason="such names are not allowed there")
@pytest.mark.parametrize("name", ["http:x", "%03d", "a b?#&"])
def test_a_folder_whose_name_looks_like_an_address(folder: Path, name: str) -> None:
    report = converted("in/a.dcm", name, format="mp4")
    assert not report.failures
    assert os.listdir(name) == ["a.mp4"]


def test_selected_frames(folder: Path) -> None:
    converted("in/a.dcm", "x.gif", frames=FrameSelection.parse("2,4-5"))
    assert levels(folder / "x.gif") == [20, 40, 50]


@pytest.mark.parametrize("existing", ["keep", "skip", "overwrite"])
def test_what_is_there(folder: Path, existing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    converted("in/a.dcm", "x.gif")
    before = (folder / "x.gif").read_bytes()
    os.utime("x.gif", (1, 1))
    rendered = []
    real = Opened.render_frame
    monkeypatch.setattr(Opened, "render_frame", lambda *a: rendered.append(a[1]) or real(*a))
    report = converted("in/a.dcm", "x.gif", existing=existing)
    done = existing == "overwrite"
    assert (report.images, report.existing) == (int(done), int(not done))
    assert rendered == (list(range(FRAMES)) if done else [])
    assert (folder / "x.gif").read_bytes() == before


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("format", ["gif", "mp4"])
def test_a_frame_that_fails_is_the_failure_of_the_file(folder: Path, format: str, jobs: int) -> None:
    (folder / "in" / "a.dcm").write_bytes(cine(cut=60))
    report = converted("in", "out", format=format, jobs=jobs)
    names = sorted(os.listdir("out"))
    assert names == ([f"b.{format}", "still.gif"] if format == "gif" else ["b.mp4"])
    failures = {os.path.basename(failure.path): failure for failure in report.failures}
    assert failures["a.dcm"].frame == 4
    assert isinstance(failures["a.dcm"].error, TruncatedError)
    if format == "mp4":
        assert isinstance(failures["still.dcm"].error, EncodeError)
        assert "use JPEG, PNG or GIF" in str(failures["still.dcm"].error)
    else:
        assert failures.keys() == {"a.dcm"}


def test_one_selected_frame_is_no_video(folder: Path) -> None:
    report = converted("in/a.dcm", "x.mp4", format="mp4", frames=FrameSelection.parse("3"))
    assert "needs several frames" in report.failures[0].error.message
    assert os.listdir() == ["in"]


def test_a_frame_that_hangs_is_ended_at_its_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process; the workers' board is told by the same call."""
    never = threading.Event()
    real = Opened.render_frame

    def render(self: Opened, index: int, options: Any) -> Any:
        if index == 2:
            never.wait(30)
        return real(self, index, options)

    monkeypatch.setattr(Opened, "render_frame", render)
    start = time.monotonic()
    report = converted("in/a.dcm", "x.gif", timeout=0.5)
    never.set()
    assert time.monotonic() - start < 10
    assert isinstance(report.failures[0].error, WorkerTimeoutError)
    assert report.failures[0].frame == 3
    assert os.listdir() == ["in"]


def test_every_frame_and_the_end_are_announced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.batch.convert import Converter, Job
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.report import Outcome
    from fastdcm.sinks.run import Run

    begun: list[tuple[int, float]] = []
    options = ConvertOptions(encode=EncodeOptions("gif"), timeout=7)
    converter = Converter(Job(Run.begin(), options, spread=4))
    task = Task("in/b.dcm", "out", "b")
    parts = converter.convert(task, False, lambda frame, seconds: begun.append((frame, seconds)), Outcome(""))
    assert parts == []
    assert [frame for frame, _ in begun] == [*range(1, 71), 70]
    assert all(seconds >= 7 for _, seconds in begun)
    assert begun[-1][1] > begun[-2][1]


def test_a_full_disk_is_an_output_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastdcm.codecs.encoders.gif import Gif

    def full(self: Gif) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Gif, "finish", full)
    report = converted("in/a.dcm", "x.gif")
    assert "cannot write x.gif: No space left on device" in report.failures[0].error.message
    assert os.listdir() == ["in"]


def test_progress(folder: Path) -> None:
    class Seen(Watcher):
        def __init__(self) -> None:
            self.last: Progress | None = None

        def tick(self, progress: Progress) -> None:
            self.last = progress

    seen = Seen()
    report = converted("in", jobs=2, watcher=seen)
    assert report.files == 3
    assert seen.last is None or seen.last.images <= 3


def test_profile_of_stages(folder: Path) -> None:
    asked = ConvertOptions(encode=EncodeOptions("gif"))
    report = run(["in/b.dcm"], "x.gif", asked, profile=True)
    from fastdcm.batch.stages import ENCODE, RENDER

    assert report.stages[ENCODE] > 0
    assert report.stages[RENDER] > 0


def test_names(folder: Path) -> None:
    with pytest.raises(OptionError, match=r"a GIF holds all frames.*\{frame\}"):
        converted("in", "out", name="{stem}-{frame}")
    converted("in", "out", name="{name}/{modality}")
    found = sorted(str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*.gif"))
    assert found == [os.path.join(f"{name}.dcm", "unknown.gif") for name in ("a", "b", "still")]


# The command and the API


def test_command(folder: Path) -> None:
    done = CliRunner().invoke(cli, ["convert", "in/a.dcm", "a.gif"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, ["convert", "in/a.dcm", "-F", "MP4"])
    assert done.exit_code == 0, done.output
    assert sorted(os.listdir("in")) == ["a.dcm", "a.mp4", "b.dcm", "still.dcm"]


def test_without_a_frame_time_there_is_a_notice(folder: Path) -> None:
    (folder / "in" / "a.dcm").write_bytes(cine(time=None))
    report = converted("in/a.dcm", "x.gif")
    assert [notice.message for notice in report.notices] == [
        "no frame time in the file: 25 frames a second were taken"
    ]
    strict = fastdcm.convert("in/a.dcm", "y.gif", strict=True)
    assert "no frame time" in strict.failures[0].error.message
    assert not (folder / "y.gif").exists()


def test_of_an_image() -> None:
    with fastdcm.open(cine()) as opened:
        with Image.open(io.BytesIO(opened.encode(None, "gif"))) as found:
            assert found.n_frames == FRAMES  # type: ignore[attr-defined]
        with Image.open(io.BytesIO(opened.encode(1, "gif"))) as found:
            assert getattr(found, "n_frames", 1) == 1
            assert np.asarray(found.convert("L"))[0, 0] == 20
        assert b"ftyp" in opened.encode(None, "mp4")[:16]
        with pytest.raises(OptionError, match="JPEG holds one frame; all are for GIF, MP4"):
            opened.encode(None, "jpeg")
        with pytest.raises(EncodeError, match="needs several frames"):
            opened.encode(1, "mp4")


def test_of_colour_with_a_profile() -> None:
    """MP4 and GIF carry none."""
    from tests.profiles import wide

    stream = [bytes(48 * 3)] * 2
    data = image(
        b"".join(stream), rows=6, columns=8, samples=3, frames=2, extra=[Element(0x00282000, "OB", wide())]
    )
    with fastdcm.open(data) as opened:
        opened.encode(None, "gif")
        assert any("without the ICC profile" in notice.message for notice in opened.notices)
    with fastdcm.open(data) as opened:
        opened.encode(None, "gif", icc="srgb")
        assert not any("profile" in notice.message for notice in opened.notices)


def test_memory_does_not_grow_with_the_frames(folder: Path) -> None:
    """300 frames of 1 MB each, of which a few are in memory at a time."""
    import tracemalloc

    from fastdcm.codecs.encoders.gif import _indexed

    _indexed(np.zeros((2, 2), np.uint8))
    frame = bytes(1 << 20)
    path = folder / "long.dcm"
    path.write_bytes(image(b"", rows=1024, columns=1024, frames=40, extra=[Element(0x00181063, "DS", 40)]))
    head = path.read_bytes()
    # The length of Pixel Data is the last four bytes of the file.
    path.write_bytes(head[:-4] + (40 << 20).to_bytes(4, "little") + frame * 40)
    options = EncodeOptions("gif")
    with fastdcm.open(path) as opened:
        opened.render(0)
        tracemalloc.start()
        opened.encode_frames(range(40), str(folder / "x.gif"), fastdcm.options.RenderOptions(), options)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 12 << 20


def test_a_real_cine(corpus: Path, folder: Path) -> None:
    """Of JPEG frames, with a time of its own for each."""
    path = corpus / "files" / "dicomParser__IM00001.fragmented_no_bot_jpeg_baseline.50.dcm"
    converted(str(path), "x.gif")
    with Image.open("x.gif") as found:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(found)]
    vector = [50.000, 33.333, 50.000, 50.000, 50.000, 33.333]
    assert np.abs(np.cumsum(times[:6]) - np.cumsum(vector)).max() <= 5
    assert len(times) == 8


def test_encapsulated_frames_of_one_object(folder: Path) -> None:
    import imagecodecs

    frames = [np.full((16, 16), 20 * number, np.uint8) for number in range(1, 5)]
    fragments = encapsulated([bytes(imagecodecs.jpegls_encode(frame)) for frame in frames])
    (folder / "in" / "a.dcm").write_bytes(
        image(fragments, "1.2.840.10008.1.2.4.80", rows=16, columns=16, frames=4)
    )
    converted("in/a.dcm", "x.gif")
    assert levels(folder / "x.gif") == [20, 40, 60, 80]
