"""One file to its images: what a worker does for each task."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from fastdcm import system
from fastdcm.batch.discovery import Task
from fastdcm.batch.naming import Template, frame_suffix, output_stem
from fastdcm.batch.report import Failure, Outcome
from fastdcm.batch.templated import template_name
from fastdcm.errors import FastdcmError, NoPixelDataError, NotDicomError, OutputError, WorkerError
from fastdcm.kernels import OUTLOOK, are_loaded
from fastdcm.model import Notice
from fastdcm.options import EXTENSIONS, FORMATS, ConvertOptions
from fastdcm.reader.source import WHOLE_FILE_SIZE
from fastdcm.sidecars.fields import read_fields
from fastdcm.sinks.directory import DirectorySink
from fastdcm.sinks.run import Run

if TYPE_CHECKING:
    from fastdcm.batch.described import Described
    from fastdcm.batch.pool import Outlook
    from fastdcm.batch.stages import Stages
    from fastdcm.pipeline import Image
    from fastdcm.presentation.folder import Index
    from fastdcm.sidecars.records import Sidecars

#: Objects with at least so many frames to write are spread over the workers ...
SPREAD_FRAMES = 64
#: ... in parts of at least so many, because each part reads the header and the frame index again.
_PART_FRAMES = 16
#: Parts a worker: few enough to be cheap, enough that the last one does not wait for long.
_PARTS_A_WORKER = 4
#: A frame gets a second more for each so many pixels; the slowest decoders do 2 million a second.
_PIXELS_A_SECOND = 1_000_000
#: Single frames below this size do not announce their time limit.
_SMALL_PIXELS = 4_000_000

#: Frames that a video encoder looks at before it writes the first of them: x264 about so many.
_FRAMES_BEHIND = 64

#: Called with the frame's number and the seconds it may take, before each frame.
Beat = Callable[[int, float], None]


class Job(NamedTuple):
    """What a worker must know of the run. ``spread`` is the number of workers for one large object.

    ``first_only`` writes the first frame to a named output and tells how many there are.
    ``every_file`` gives an `Outcome` for each file, also where there is nothing to tell;
    ``profile`` counts the seconds of each stage. ``states`` is the index of the folder of presentation
    states, where the run has made it for all workers; ``sidecars`` says what is told of images beside them.
    """

    run: Run
    options: ConvertOptions
    spread: int = 1
    first_only: bool = False
    every_file: bool = True
    profile: bool = False
    states: Index | None = None
    sidecars: Sidecars | None = None


class Converter:
    """Converts files, one after another, in one process."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._options = job.options
        self._sink = DirectorySink(job.run, job.options.existing, fsync=job.options.fsync)
        self._put, self._put_made = self._sink.put, self._sink.put_made
        self._in_one_file = FORMATS[self._options.encode.format].frames
        options = job.options
        self._template = (
            None if options.name is None else Template.parse(options.name, allow_phi=options.allow_phi_names)
        )
        self._fields: dict[str, str] = {}
        self._converted, self._unchanged = Outcome("", files=0), Outcome("", files=0)
        self._done = self._to_come = 0
        self._blocks = system.blocks_read()
        self._from_disk = False
        self._stages: Stages | None = None
        if job.states is not None and (folder := job.options.render.presentation.presentation_states):
            from fastdcm.presentation.folder import seed

            seed(folder, job.states)
        if job.profile:
            self._measure()
        else:
            from fastdcm.pipeline import open_image

            self._open = open_image
        self._described: Described | None = None
        if job.sidecars is not None:
            from fastdcm.batch.described import Described

            self._described = Described(job.sidecars, job.options, self._sink, self._put)

    def _measure(self) -> None:
        from fastdcm.batch.measured import open_measured
        from fastdcm.batch.stages import WRITE, Stages

        self._stages = stages = Stages()
        self._open = partial(open_measured, stages=stages)
        self._put = stages.timed(WRITE, self._sink.put)
        self._put_made = stages.timed(WRITE, self._sink.put_made)

    def __call__(self, task: Task, own: bool, beat: Beat) -> tuple[Outcome | None, list[Task]]:
        """What came of the task, None where `counted` will tell; or its parts, where it should be spread.

        ``own`` tells that outputs of this run may be the task's own, from a try that was cut off.
        """
        outcome = Outcome(task.source, task.part, task.parts)
        self._done += 1
        OUTLOOK.times = self._to_come / self._done
        self._to_come -= 1
        parts = self.convert(task, own, beat, outcome)
        if self._job.every_file or parts or not outcome.is_plain:
            return outcome, parts
        sums = self._converted if outcome.images else self._unchanged
        sums.add(outcome)
        return None, []

    def counted(self) -> list[Outcome]:
        """The sums over files of which nothing was told, since the last call."""
        sums = [outcome for outcome in (self._converted, self._unchanged) if outcome.files]
        self._converted, self._unchanged = Outcome("", files=0), Outcome("", files=0)
        return sums

    def foresee(self, outlook: Outlook) -> None:
        """Take notice of what is to come."""
        self._to_come = outlook.items
        OUTLOOK.may_compile = outlook.may_compile
        blocks = system.blocks_read()
        self._from_disk, self._blocks = blocks > self._blocks, blocks

    def announce(self, task: Task) -> None:
        """The task comes next: where files come from a disk, its file is fetched during this one's work.

        That takes a third off the time of slices that are not in memory; where files are, it would
        cost 1 % (benches/bench_workers.py).
        """
        if self._from_disk:
            system.will_need(task.source, WHOLE_FILE_SIZE)

    def has_compiled(self) -> bool:
        """Whether kernels are compiled, or in their cache."""
        return are_loaded()

    def convert(self, task: Task, own: bool, beat: Beat, outcome: Outcome) -> list[Task]:
        """Convert a file and fill in what came of it; its parts, where it should be spread."""
        if self._stages is None:
            return self._converted_or_told(task, own, beat, outcome)
        self._stages.start()
        try:
            return self._converted_or_told(task, own, beat, outcome)
        finally:
            outcome.stages = self._stages.stop()

    def _converted_or_told(self, task: Task, own: bool, beat: Beat, outcome: Outcome) -> list[Task]:
        """The same; errors are told in the outcome."""
        try:
            with self._open(task.source, self._options.read) as image:
                try:
                    return self._convert(image, task, own, beat, outcome)
                finally:
                    outcome.bytes_read = image.bytes_read
                    outcome.notices += _for_part(image.notices, task.part)
        except (NotDicomError, NoPixelDataError) as error:
            if task.explicit:
                _fail(outcome, error)
            else:
                outcome.skipped = error.message
        except FastdcmError as error:
            _fail(outcome, error)
        except Exception as error:
            _fail(outcome, _unexpected(error))
        return []

    def _convert(self, image: Image, task: Task, own: bool, beat: Beat, outcome: Outcome) -> list[Task]:
        frames = len(image)
        numbers = self._options.frames.numbers(frames)
        if self._template is not None:
            self._fields = read_fields(image, self._template.attributes)
        if self._in_one_file:
            self._movie(image, numbers, task, own, beat, outcome)
            return []
        if task.exact is not None and self._job.first_only and frames > 1:
            numbers = [1]
            message = f"1 of {frames} frames; --frames all for the rest"
            outcome.notices = (Notice("more-frames", message, task.source),)
        parts = min(self._job.spread * _PARTS_A_WORKER, len(numbers) // _PART_FRAMES)
        spread = self._job.spread > 1 and len(numbers) >= SPREAD_FRAMES and not image.sequential
        if task.parts == 1 and spread:
            return [task._replace(part=part, parts=parts) for part in range(parts)]
        if self._described is not None:
            self._described.begin(image, task, self._options.render, own, outcome)
        share = _share(numbers, task)
        rows, columns = image.shape
        pixels = rows * columns
        decoded = 0
        for number in share:
            work = pixels * (number - decoded if image.sequential else 1)
            decoded = number
            if len(share) > 1 or work > _SMALL_PIXELS:
                beat(number, self._options.timeout + work / _PIXELS_A_SECOND)
            name = self._name(image, task, number, frames, len(numbers))
            try:
                self._frame(image, number, task.folder, name, own, outcome)
            except OutputError as error:
                # the next frame would meet the same full disk
                _fail(outcome, error.at(path=task.source, frame=number if frames > 1 else None))
                break
            except FastdcmError as error:
                _fail(outcome, error)
                if self._options.fail_fast:
                    break
        return []

    def _frame(self, image: Image, number: int, folder: str, name: str, own: bool, outcome: Outcome) -> None:
        described = self._described
        if self._sink.leaves(folder, name, own=own):
            if described is not None:
                described.left(name, [number - 1])
            outcome.existing += 1
            return
        if described is not None and described.leaves(name):
            outcome.existing += 1
            return
        data, passed_through = image.encode_frame(number - 1, self._options.render, self._options.encode)
        if described is not None:
            described.before(name, [number - 1])
        there = False
        try:
            there = self._put(folder, name, data, own=own)
        finally:
            if described is not None:
                described.after(name, there=there)
        if there:
            outcome.images += 1
            outcome.passed_through += passed_through
            outcome.bytes_written += len(data)
        else:
            outcome.existing += 1

    def _movie(
        self, image: Image, numbers: Sequence[int], task: Task, own: bool, beat: Beat, outcome: Outcome
    ) -> None:
        """All frames in one file; one frame that fails is the failure of the file."""
        name = self._name(image, task, numbers[0], 1, 1)
        described, indexes = self._described, [number - 1 for number in numbers]
        if described is not None:
            described.begin(image, task, self._options.render, own, outcome)
        if self._sink.leaves(task.folder, name, own=own):
            if described is not None:
                described.left(name, indexes, together=True)
            outcome.existing += 1
            return
        if described is not None and described.leaves(name):
            outcome.existing += 1
            return
        rows, columns = image.shape
        last = -1

        def begin(index: int) -> None:
            nonlocal last
            # Of what is sequential those between two are decoded as well; the last one is told again before
            # the frames are written that the encoder still looks at.
            frames = index - last or _FRAMES_BEHIND
            last = index
            beat(index + 1, self._options.timeout + frames * rows * columns / _PIXELS_A_SECOND)

        def make(path: str) -> None:
            image.encode_frames(indexes, path, self._options.render, self._options.encode, begin)
            if described is not None:
                described.before(name, indexes, together=True)

        written = False
        try:
            written, size = self._put_made(task.folder, name, make, own=own)
        except FastdcmError as error:
            _fail(outcome, error.at(path=task.source))
            return
        finally:
            if described is not None:
                described.after(name, there=written)
        if written:
            outcome.images += 1
            outcome.bytes_written += size
        else:
            outcome.existing += 1

    def _name(self, image: Image, task: Task, number: int, frames: int, selected: int) -> str:
        """The output's path below the task's folder."""
        if task.exact is not None:
            stem, extension = os.path.splitext(task.exact)
            return task.exact if selected == 1 else stem + frame_suffix(number, frames) + extension
        if self._template is None:
            name = output_stem(task.stem, number, frames)
        else:
            name = template_name(task, self._template, image, number, frames, self._fields)
            if "/" in name:
                name = os.path.join(*name.split("/"))
        return name + EXTENSIONS[self._options.encode.format]


def _share(numbers: Sequence[int], task: Task) -> Sequence[int]:
    """The part's run of the selected frames; all parts together are all of them."""
    if task.parts == 1:
        return numbers
    count = len(numbers)
    return numbers[count * task.part // task.parts : count * (task.part + 1) // task.parts]


def _for_part(notices: tuple[Notice, ...], part: int) -> tuple[Notice, ...]:
    """What concerns the whole file is told once, by the first part."""
    return notices if part == 0 else tuple(notice for notice in notices if notice.frame is not None)


def _fail(outcome: Outcome, error: FastdcmError) -> None:
    located = error.at(path=outcome.path)
    outcome.failures.append(Failure(outcome.path, located.frame, located))


def _unexpected(error: Exception) -> WorkerError:
    """An error that is nobody's but ours: the run goes on, and the trace goes with the message."""
    if isinstance(error, MemoryError):
        return WorkerError("not enough memory")
    import traceback

    wrapped = WorkerError(f"an error inside fastdcm, please report it: {type(error).__name__}: {error}")
    wrapped.add_note("".join(traceback.format_exception(error)))
    return wrapped
