"""One file to its images: what a worker does for each task."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from fastdcm.batch.discovery import Task
from fastdcm.batch.naming import frame_suffix, output_stem
from fastdcm.batch.report import Failure, Outcome
from fastdcm.batch.serving import PIXELS_A_SECOND, Beat, Serving, share
from fastdcm.errors import FastdcmError, NoPixelDataError, NotDicomError, OutputError, WorkerError
from fastdcm.model import Notice
from fastdcm.options import EXTENSIONS, FORMATS, ConvertOptions, RenderOptions
from fastdcm.sinks.directory import DirectorySink
from fastdcm.sinks.run import Run
from fastdcm.sources import absolute, known_stamp_of
from fastdcm.sources.addresses import shown

if TYPE_CHECKING:
    from fastdcm.batch.described import Described
    from fastdcm.batch.stages import Stages
    from fastdcm.batch.template import Template
    from fastdcm.manifest.owners import Owners
    from fastdcm.manifest.rows import Account, Rows
    from fastdcm.pipeline import Image
    from fastdcm.presentation.folder import Index
    from fastdcm.sidecars.records import Sidecars
    from fastdcm.sinks.objects import ObjectSink
    from fastdcm.sinks.spool import Place, Spool

#: Frames that a video encoder looks at before it writes the first of them: x264 about so many.
_FRAMES_BEHIND = 64

#: The phases of a run in which the ranges of its series are looked for.
COMPARING, MEASURING = "comparing windows", "measuring series"


class Job(NamedTuple):
    """What a worker must know of the run. ``spread`` is the number of workers for one large object.

    ``first_only`` writes the first frame to a named output and tells how many there are.
    ``every_file`` gives an `Outcome` for each file, also where there is nothing to tell;
    ``profile`` counts the seconds of each stage. ``states`` is the index of the folder of presentation
    states, where the run has made it for all workers; ``series`` are the ranges of those that are not shown
    by the same window, where the run has looked for them; ``sidecars`` says what is told of images beside
    them; ``spool`` is where images go that are to be in shards; ``account`` is how manifests tell, and
    ``owners`` whose the outputs are that a run before has left; some inputs are there until they are done
    with where the run ``unpacks``. With ``remote`` folders of outputs are addresses. So many inputs are best
    begun ``together``.
    """

    run: Run
    options: ConvertOptions
    spread: int = 1
    first_only: bool = False
    every_file: bool = True
    profile: bool = False
    states: Index | None = None
    series: dict[str, tuple[float, float]] | None = None
    sidecars: Sidecars | None = None
    spool: Place | None = None
    account: Account | None = None
    owners: Owners | None = None
    unpacks: bool = False
    remote: bool = False
    together: int = 1

    def elsewhere(self) -> Job:
        """The same for processes of this machine, where the run is another one's."""
        owners = None if self.owners is None else self.owners.elsewhere()
        return self._replace(run=self.run.elsewhere(), owners=owners)


class Converter(Serving):
    """Converts files, one after another, in one process."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._spool: Spool | None = None
        self._sink: DirectorySink | ObjectSink | Spool
        claims = None if job.owners is None else self._may_replace
        self._source = ""
        if job.remote:
            from fastdcm.sinks.objects import ObjectSink

            self._sink = ObjectSink(job.run, job.options.existing, claims=claims)
        elif job.spool is None:
            self._sink = DirectorySink(job.run, job.options.existing, fsync=job.options.fsync, claims=claims)
        else:
            from fastdcm.sinks.spool import Spool

            self._sink = self._spool = Spool(job.spool)
        self._put, self._put_made = self._sink.put, self._sink.put_made
        self._in_one_file = FORMATS[self._options.encode.format].frames
        self._template: Template | None = None
        if (name := job.options.name) is not None:
            from fastdcm.batch.template import Template

            self._template = Template.parse(name, allow_phi=job.options.allow_phi_names)
        self._fields: dict[str, str] = {}
        self._converted, self._unchanged = Outcome("", files=0), Outcome("", files=0)
        self._stages: Stages | None = None
        #: What is done before frames are converted, where that takes long.
        self.phase = ""
        if job.profile:
            self._measure()
        self._rows: Rows | None = None
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
        outcome = Outcome(shown(task.source), task.part, task.parts)
        self.begin()
        parts = self.convert(task, own, beat, outcome)
        if self._job.every_file or parts or not outcome.is_plain:
            return outcome, parts
        sums = self._converted if outcome.images else self._unchanged
        sums.add(outcome)
        return None, []

    def _may_replace(self, path: str, modified: float) -> bool:
        """Whether the present input's image may take the place of what a run before has left there."""
        assert self._job.owners is not None
        return self._job.owners.may_replace(shown(absolute(self._source)), path, modified)

    def counted(self) -> list[Outcome]:
        """The sums over files of which nothing was told, since the last call."""
        sums = [outcome for outcome in (self._converted, self._unchanged) if outcome.files]
        self._converted, self._unchanged = Outcome("", files=0), Outcome("", files=0)
        return sums

    def convert(self, task: Task, own: bool, beat: Beat, outcome: Outcome) -> list[Task]:
        """Convert a file and fill in what came of it; its parts, where it should be spread."""
        self._source = task.source
        if self._stages is None:
            parts = self._converted_or_told(task, own, beat, outcome)
        else:
            self._stages.start()
            try:
                parts = self._converted_or_told(task, own, beat, outcome)
            finally:
                outcome.stages = self._stages.stop()
        if self._spool is not None:
            outcome.number, outcome.spooled = task.number, self._spool.taken()
        if self._job.account is not None and (outcome.failures or outcome.skipped is not None):
            outcome.stamp = known_stamp_of(task.source)
        return parts

    def _converted_or_told(self, task: Task, own: bool, beat: Beat, outcome: Outcome) -> list[Task]:
        """The same; errors are told in the outcome."""
        try:
            with self._open(task, self._options.read) as image:
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
            from fastdcm.sidecars.fields import read_fields

            self._fields = read_fields(image, self._template.attributes)
        if self._in_one_file:
            self._begin_rows(image, task, len(numbers), beat, outcome)
            self._movie(image, numbers, task, own, beat, outcome)
            return []
        if task.exact is not None and self._job.first_only and frames > 1:
            numbers = [1]
            message = f"1 of {frames} frames; --frames all for the rest"
            outcome.notices = (Notice("more-frames", message, outcome.path),)
        selected = len(numbers)
        if task.done:
            numbers = [number for number in numbers if number not in task.done]
        if parts := self.parts(image, task, len(numbers)):
            return parts
        self._begin_rows(image, task, selected, beat, outcome)
        render = self._render(image, task, beat)
        if self._described is not None:
            self._described.begin(image, task, render, own, outcome)
        wanted = share(numbers, task)
        image.expect([number - 1 for number in wanted])
        for number in self.timed(image, wanted, beat):
            name = self._name(image, task, number, frames, selected)
            try:
                self._frame(image, number, render, task.folder, name, own, outcome)
            except OutputError as error:
                # the next frame would meet the same full disk
                _fail(outcome, error.at(path=outcome.path, frame=number if frames > 1 else None))
                break
            except FastdcmError as error:
                _fail(outcome, error)
                if self._options.fail_fast:
                    break
        return []

    def _begin_rows(self, image: Image, task: Task, frames: int, beat: Beat, outcome: Outcome) -> None:
        """The manifest is to tell of so many frames of this object."""
        if self._job.account is None:
            return
        from fastdcm.manifest.rows import Rows

        def note(notice: Notice) -> None:
            outcome.notices += (notice._replace(path=outcome.path),)

        render = self._render(image, task, beat)
        self._rows = Rows(self._job.account, image, task.source, render, frames, note)

    def _frame(
        self,
        image: Image,
        number: int,
        render: RenderOptions,
        folder: str,
        name: str,
        own: bool,
        outcome: Outcome,
    ) -> None:
        described, rows = self._described, self._rows
        if self._sink.leaves(folder, name, own=own):
            if described is not None:
                described.left(name, [number - 1])
            if rows is not None:
                outcome.lines += rows.existing([number - 1], os.path.join(folder, name))
            outcome.existing += 1
            return
        if described is not None and described.leaves(name):
            outcome.existing += 1
            return
        if rows is not None:
            rows.begin()
        data, passed_through = image.encode_frame(number - 1, render, self._options.encode)
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
            if rows is not None:
                path = os.path.join(folder, name)
                outcome.lines += rows.written([number - 1], path, data, copied=passed_through)
        else:
            outcome.existing += 1

    def _movie(
        self, image: Image, numbers: Sequence[int], task: Task, own: bool, beat: Beat, outcome: Outcome
    ) -> None:
        """All frames in one file; one frame that fails is the failure of the file."""
        name = self._name(image, task, numbers[0], 1, 1)
        described, indexes = self._described, [number - 1 for number in numbers]
        if described is not None:
            described.begin(image, task, self._render(image, task, beat), own, outcome)
        if self._sink.leaves(task.folder, name, own=own):
            if described is not None:
                described.left(name, indexes, together=True)
            if self._rows is not None:
                outcome.lines += self._rows.existing(indexes, os.path.join(task.folder, name))
            outcome.existing += 1
            return
        if described is not None and described.leaves(name):
            outcome.existing += 1
            return
        render = self._render(image, task, beat)
        image.expect(indexes)
        rows, columns = image.shape
        last = -1

        def begin(index: int) -> None:
            nonlocal last
            # Of what is sequential those between two are decoded as well; the last one is told again before
            # the frames are written that the encoder still looks at.
            frames = index - last or _FRAMES_BEHIND
            last = index
            beat(index + 1, self._options.timeout + frames * rows * columns / PIXELS_A_SECOND)

        def make(path: str) -> None:
            image.encode_frames(indexes, path, render, self._options.encode, begin)
            if described is not None:
                described.before(name, indexes, together=True)

        written = False
        try:
            written, size = self._put_made(task.folder, name, make, own=own)
        except FastdcmError as error:
            _fail(outcome, error.at(path=outcome.path))
            return
        finally:
            if described is not None:
                described.after(name, there=written)
        if written:
            outcome.images += 1
            outcome.bytes_written += size
            if self._rows is not None:
                outcome.lines += self._rows.written(indexes, os.path.join(task.folder, name), None)
        else:
            outcome.existing += 1

    def _render(self, image: Image, task: Task, beat: Beat) -> RenderOptions:
        """Options of rendering; with the range of the image's series, where they ask for that."""
        options = self._options.render
        if options.voi != "series" or options.series_range is not None:
            return options
        if (series := self._job.series) is not None:
            from fastdcm.rendering.series import settled

            return settled(options, series.get(series_of(image, task)))
        rows, columns = image.shape

        def begin(index: int) -> None:
            frames = index + 1 if image.sequential else 1
            beat(index + 1, self._options.timeout + frames * rows * columns / PIXELS_A_SECOND)

        self.phase = MEASURING
        options = image.as_series(options, begin)
        self.phase = ""
        return options

    def _name(self, image: Image, task: Task, number: int, frames: int, selected: int) -> str:
        """The output's path below the task's folder."""
        if task.exact is not None:
            stem, extension = os.path.splitext(task.exact)
            return task.exact if selected == 1 else stem + frame_suffix(number, frames) + extension
        if self._template is None:
            name = output_stem(task.stem, number, frames)
        else:
            from fastdcm.batch.templated import template_name

            name = template_name(task, self._template, image, number, frames, self._fields)
            if "/" in name:
                name = os.path.join(*name.split("/"))
        return name + EXTENSIONS[self._options.encode.format]


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


def series_of(image: Image, task: Task) -> str:
    """What tells the image's series from others; where it has no UID it is one by itself."""
    return image.header.series_instance_uid or task.source
