"""One file to images, with a pipeline that is told what to do."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest

import fastdcm.pipeline
from fastdcm import system
from fastdcm.batch import protocol
from fastdcm.batch.alone import convert_alone
from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task
from fastdcm.batch.report import Outcome, Progress, Report, Watcher
from fastdcm.errors import DecodeError, FastdcmError, NoPixelDataError, NotDicomError, OutputError
from fastdcm.kernels import Compiling, Outlook
from fastdcm.model import Notice
from fastdcm.options import ConvertOptions, FrameSelection, ReadOptions
from fastdcm.pipeline import Encoded
from fastdcm.sinks.run import Run


@dataclass
class FakeImage:
    """``frames`` frames; ``errors`` are raised for frame numbers."""

    frames: int = 1
    errors: dict[int, Exception] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    size: int = 8
    sequential: bool = False
    bytes_read: int = 100
    encoded: list[int] = field(default_factory=list)
    passing: frozenset[int] = frozenset()

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    @property
    def header(self) -> Any:
        return SimpleNamespace(rows=self.size, columns=self.size, modality="CT", instance_number="5")

    def __len__(self) -> int:
        return self.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def expect(self, indexes: list[int]) -> None:
        self.expected = indexes

    def encode_frame(self, index: int, render: object, encode: object) -> Encoded:
        self.encoded.append(index)
        if index + 1 in self.errors:
            raise self.errors[index + 1]
        return Encoded(b"frame %d" % index, index + 1 in self.passing)


class Setting:
    """A converter over a fake image, and the folder it writes to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.folder = folder
        self.image = FakeImage()
        self.refuses: Exception | None = None
        self.beats: list[int] = []
        monkeypatch.setattr(fastdcm.pipeline, "open_image", self._open)

    def _open(self, path: str, options: ReadOptions) -> FakeImage:
        if self.refuses is not None:
            raise self.refuses
        return self.image

    def job(self, *, spread: int = 1, first_only: bool = False, **options: Any) -> Job:
        run = Run.begin()
        return Job(Run(run.tag, run.started - 1), ConvertOptions(**options), spread, first_only)

    def task(self, **values: Any) -> Task:
        return Task("in/x.dcm", str(self.folder), "x")._replace(**values)

    def convert(self, job: Job | None = None, **task: Any) -> Outcome:
        outcome, parts = Converter(job or self.job())(self.task(**task), False, self._beat)
        assert not parts
        return outcome

    def _beat(self, frame: int, seconds: float) -> None:
        assert seconds >= 60
        self.beats.append(frame)

    @property
    def names(self) -> list[str]:
        return sorted(os.listdir(self.folder))


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Setting:
    return Setting(monkeypatch, tmp_path)


def test_single_frame(setting: Setting) -> None:
    outcome = setting.convert()
    assert setting.names == ["x.jpg"]
    assert (outcome.images, outcome.bytes_read, outcome.bytes_written) == (1, 100, 7)
    assert not outcome.failures
    assert setting.beats == []


def test_frames_that_pass_through_are_counted_where_they_are_written(setting: Setting) -> None:
    (setting.folder / "x_0003.jpg").write_bytes(b"old")
    os.utime(setting.folder / "x_0003.jpg", (1, 1))
    setting.image = FakeImage(frames=4, passing=frozenset({2, 3, 4}), errors={4: DecodeError("bad")})
    outcome = setting.convert()
    assert (outcome.images, outcome.passed_through, outcome.existing) == (2, 1, 1)


def test_frames_are_numbered_and_announced(setting: Setting) -> None:
    setting.image = FakeImage(frames=3)
    assert setting.convert().images == 3
    assert setting.names == ["x_0001.jpg", "x_0002.jpg", "x_0003.jpg"]
    assert (setting.folder / "x_0002.jpg").read_bytes() == b"frame 1"
    assert setting.beats == [1, 2, 3]


def test_one_selected_frame_of_several_is_numbered(setting: Setting) -> None:
    setting.image = FakeImage(frames=3)
    setting.convert(setting.job(frames=FrameSelection.parse("2")))
    assert setting.names == ["x_0002.jpg"]


def test_a_frame_that_is_not_there_is_a_failure(setting: Setting) -> None:
    outcome = setting.convert(setting.job(frames=FrameSelection.parse("2")))
    assert "frame 2 was asked for" in str(outcome.failures[0])
    assert outcome.failures[0].error.path == "in/x.dcm"


@pytest.mark.parametrize(
    ("frames", "selected", "first_only", "names"),
    [
        (1, "all", True, ["out.png"]),
        (3, "all", True, ["out.png"]),
        (3, "all", False, ["out_0001.png", "out_0002.png", "out_0003.png"]),
        (3, "2", False, ["out.png"]),
        (3, "1,3", False, ["out_0001.png", "out_0003.png"]),
    ],
)
def test_a_named_output(
    setting: Setting, frames: int, selected: str, first_only: bool, names: list[str]
) -> None:
    setting.image = FakeImage(frames=frames)
    job = setting.job(frames=FrameSelection.parse(selected), first_only=first_only)
    outcome = setting.convert(job, exact="out.png")
    assert setting.names == names
    told = [notice.message for notice in outcome.notices]
    assert told == (["1 of 3 frames; --frames all for the rest"] if (frames, first_only) == (3, True) else [])


def test_a_template_makes_folders(setting: Setting) -> None:
    setting.image = FakeImage(frames=2)
    setting.convert(setting.job(name="{modality}/{instance_number}"))
    assert setting.names == ["CT"]
    assert sorted(os.listdir(setting.folder / "CT")) == ["5_0001.jpg", "5_0002.jpg"]


@pytest.mark.parametrize("error", [NotDicomError("no DICOM"), NoPixelDataError("no pixel data: modality SR")])
def test_what_holds_no_image_is_skipped_unless_it_was_named(setting: Setting, error: FastdcmError) -> None:
    setting.refuses = error
    assert setting.convert().skipped == error.message
    outcome = setting.convert(explicit=True)
    assert outcome.skipped is None
    assert [failure.error for failure in outcome.failures] == [error]
    assert error.path == "in/x.dcm"


def test_a_bad_frame_costs_itself_only(setting: Setting) -> None:
    setting.image = FakeImage(frames=3, errors={2: DecodeError("bad", path="in/x.dcm", frame=2)})
    outcome = setting.convert()
    assert setting.names == ["x_0001.jpg", "x_0003.jpg"]
    assert [(failure.path, failure.frame) for failure in outcome.failures] == [("in/x.dcm", 2)]


def test_fail_fast_stops_at_the_first_bad_frame(setting: Setting) -> None:
    setting.image = FakeImage(frames=3, errors={2: DecodeError("bad", frame=2)})
    setting.convert(setting.job(fail_fast=True))
    assert setting.image.encoded == [0, 1]


def test_a_full_disk_is_met_once(setting: Setting) -> None:
    setting.image = FakeImage(frames=3, errors={1: OutputError("cannot write")})
    outcome = setting.convert()
    assert [str(failure) for failure in outcome.failures] == ["in/x.dcm: frame 1: cannot write"]
    assert setting.image.encoded == [0]


@pytest.mark.parametrize("error", [RuntimeError("oops"), MemoryError()])
def test_an_error_of_ours_is_a_failure_of_the_file_not_of_the_run(setting: Setting, error: Exception) -> None:
    setting.image = FakeImage(errors={1: error})
    (failure,) = setting.convert().failures
    assert failure.path == "in/x.dcm"
    assert ("oops" in str(failure)) == isinstance(error, RuntimeError)


@pytest.mark.parametrize("existing", ["keep", "skip"])
def test_what_exists_is_not_decoded(setting: Setting, existing: str) -> None:
    setting.image = FakeImage(frames=2)
    (setting.folder / "x_0001.jpg").touch()
    os.utime(setting.folder / "x_0001.jpg", (0, 0))
    outcome = setting.convert(setting.job(existing=existing))
    assert (outcome.images, outcome.existing) == (1, 1)
    assert setting.image.encoded == [1]


def test_notices_are_handed_on(setting: Setting) -> None:
    setting.image = FakeImage(notices=(Notice("odd", "odd"),), errors={1: DecodeError("bad")})
    assert [notice.code for notice in setting.convert().notices] == ["odd"]


def test_many_frames_are_spread_and_the_parts_are_the_whole(setting: Setting) -> None:
    whole, one = Notice("odd", "of the file"), Notice("odd", "of a frame", frame=1)
    setting.image = FakeImage(frames=101, notices=(whole, one))
    converter = Converter(setting.job(spread=2, frames=FrameSelection.parse("1-100")))
    _, parts = converter(setting.task(), False, setting._beat)
    assert len(parts) > 2
    outcomes = [converter(part, False, setting._beat)[0] for part in parts]
    assert setting.names == [f"x_{number:04d}.jpg" for number in range(1, 101)]
    assert sum(outcome.images for outcome in outcomes) == 100
    assert {outcome.parts for outcome in outcomes} == {len(parts)}
    assert [notice for outcome in outcomes for notice in outcome.notices].count(whole) == 1


def test_one_worker_spreads_nothing(setting: Setting) -> None:
    setting.image = FakeImage(frames=100)
    assert setting.convert(setting.job(spread=1)).images == 100


def test_video_is_not_spread(setting: Setting) -> None:
    """Its frames need those before them: each part would decode them all."""
    setting.image = FakeImage(frames=200, sequential=True)
    assert setting.convert(setting.job(spread=4)).images == 200


def test_large_single_frames_announce_their_limit(setting: Setting) -> None:
    setting.image = FakeImage(size=3000)
    setting.convert()
    assert setting.beats == [1]


def test_files_of_which_there_is_nothing_to_tell_are_summed(setting: Setting) -> None:
    converter = Converter(setting.job()._replace(every_file=False))
    odd = FakeImage(notices=(Notice("odd", "odd"),))
    told = []
    for number, image in enumerate(
        [FakeImage(), FakeImage(frames=3), odd, FakeImage(errors={1: DecodeError("bad")})]
    ):
        setting.image = image
        told.append(converter(setting.task(stem=f"f{number}"), False, setting._beat))
    assert told[:2] == [(None, []), (None, [])]
    assert [outcome and outcome.images for outcome, _ in told[2:]] == [1, 0]
    (sums,) = converter.counted()
    assert (sums.files, sums.images, sums.bytes_read, sums.bytes_written) == (2, 4, 200, 28)
    assert converter.counted() == []


def test_converted_files_and_those_left_alone_are_summed_apart(setting: Setting) -> None:
    """One that was converted before is unchanged: the report tells them apart."""
    before = time.time() - 60
    for name in ("a.jpg", "b.jpg"):
        (setting.folder / name).write_bytes(b"old")
        os.utime(setting.folder / name, (before, before))
    converter = Converter(setting.job()._replace(every_file=False))
    for stem in ("a", "b", "c"):
        assert converter(setting.task(stem=stem), False, setting._beat) == (None, [])
    report = Report()
    for sums in converter.counted():
        report.add(sums)
    assert (report.converted, report.unchanged, report.images, report.existing) == (1, 2, 1, 2)


def test_what_is_to_come_is_told_as_a_multiple_of_what_was_done(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Outlook()
    monkeypatch.setattr("fastdcm.batch.serving.OUTLOOK", known)
    converter = Converter(setting.job())
    converter.foresee(protocol.Outlook(100, False))
    assert (known.times, known.may_compile) == (0.0, False)
    times = []
    for stem in ("a", "b"):
        converter(setting.task(stem=stem), False, setting._beat)
        times.append(known.times)
    converter.foresee(protocol.Outlook(96, True))
    converter(setting.task(stem="c"), False, setting._beat)
    # The work done, the present included, times this is the least that there will be.
    assert [*times, known.times] == [100.0, 49.5, 32.0]
    assert known.may_compile


def test_the_next_file_is_fetched_while_files_come_from_a_disk(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = iter([5, 6, 6])
    fetched: list[str] = []
    monkeypatch.setattr(system, "blocks_read", lambda: next(blocks))
    monkeypatch.setattr(system, "will_need", lambda path, length: fetched.append(path))
    converter = Converter(setting.job())
    for chunk in ("a", "b", "c"):
        converter.foresee(protocol.Outlook(1, False))
        converter.announce([setting.task(source=chunk), setting.task(source="later")])
    assert fetched == ["b"]


def test_alone_gives_the_same(setting: Setting) -> None:
    outcome = Outcome("in/x.dcm")
    parts = convert_alone(setting.task(), setting.job(), Watcher(), outcome)
    assert (outcome.images, parts, setting.names) == (1, [], ["x.jpg"])


def test_alone_has_a_time_limit(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    never = threading.Event()
    monkeypatch.setattr(FakeImage, "encode_frame", lambda *_: never.wait(60))
    outcome = Outcome("in/x.dcm")
    convert_alone(setting.task(), setting.job(timeout=0.2), Watcher(), outcome)
    never.set()
    assert "time limit" in str(outcome.failures[0])
    assert outcome.failures[0].path == "in/x.dcm"


def test_compiling_is_told_and_is_in_no_time_limit(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    real = FakeImage.encode_frame

    class Watching(Watcher):
        def tick(self, progress: Progress) -> None:
            seen.append(progress.compiling)

    def encode(image: FakeImage, index: int, *options: object) -> Encoded:
        with Compiling():
            time.sleep(0.6)
        return real(image, index, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeImage, "encode_frame", encode)
    outcome = Outcome("in/x.dcm")
    convert_alone(setting.task(), setting.job(timeout=0.3), Watching(), outcome)
    assert (outcome.images, outcome.failures) == (1, [])
    assert any(seen)


def test_alone_hands_on_errors_that_are_no_failures(setting: Setting) -> None:
    with pytest.raises(FastdcmError, match="no field"):
        convert_alone(setting.task(), setting.job(name="{nothing}"), Watcher(), Outcome("in/x.dcm"))


def test_ctrl_c_alone_leaves_whole_files_only(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Watcher):
        def tick(self, progress: Progress) -> None:
            raise KeyboardInterrupt

    import threading

    never = threading.Event()
    setting.image = FakeImage(frames=3)
    real = FakeImage.encode_frame

    def encode(image: FakeImage, index: int, *options: object) -> Encoded:
        if index == 1:
            never.wait(60)
        return real(image, index, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(FakeImage, "encode_frame", encode)
    outcome = Outcome("in/x.dcm")
    with pytest.raises(KeyboardInterrupt):
        convert_alone(setting.task(), setting.job(), Impatient(), outcome)
    assert setting.names == ["x_0001.jpg"]
    assert outcome.images == 1
    never.set()
