"""What workers do around their tasks, whatever they do with a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from fastdcm import system
from fastdcm.batch.discovery import Task
from fastdcm.kernels import OUTLOOK, are_loaded
from fastdcm.reader.source import WHOLE_FILE_SIZE
from fastdcm.sources.addresses import is_remote

if TYPE_CHECKING:
    from fastdcm.batch.convert import Job
    from fastdcm.batch.protocol import Outlook
    from fastdcm.pipeline import Image

#: Objects with at least so many frames to write are spread over the workers ...
SPREAD_FRAMES = 64
#: ... in parts of at least so many, because each part reads the header and the frame index again.
_PART_FRAMES = 16
#: Parts a worker: few enough to be cheap, enough that the last one does not wait for long.
_PARTS_A_WORKER = 4
#: A frame gets a second more for each so many pixels; the slowest decoders do 2 million a second.
PIXELS_A_SECOND = 1_000_000
#: Single frames below this size do not announce their time limit.
_SMALL_PIXELS = 4_000_000

#: Called with the frame's number and the seconds it may take, before each frame.
Beat = Callable[[int, float], None]


class Serving:
    """The base of what serves a `fastdcm.batch.pool.Pool` file by file, in one process."""

    def __init__(self, job: Job) -> None:
        self._job, self._options = job, job.options
        self._done = self._to_come = 0
        self._blocks: int | None = None
        self._from_disk = False
        if job.states is not None and (folder := job.options.render.presentation.presentation_states):
            from fastdcm.presentation.folder import seed

            seed(folder, job.states)
        from fastdcm.batch.opening import open_task

        self._open = open_task

    def foresee(self, outlook: Outlook) -> None:
        """Take notice of what is to come."""
        self._to_come = outlook.items
        OUTLOOK.may_compile = outlook.may_compile
        blocks = system.blocks_read()
        self._from_disk = self._blocks is not None and blocks > self._blocks
        self._blocks = blocks

    def announce(self, tasks: Sequence[Task]) -> None:
        """These tasks come next: remote objects are on their way meanwhile, as many as there are.

        Where files come from a disk, the next one is fetched during this one's work. That takes a third off
        the time of slices that are not in memory; where files are, it would cost 1 %
        (benches/bench_workers.py).
        """
        task = tasks[0]
        if "://" in task.source and is_remote(task.source):
            from fastdcm.sources.objects import Coming, fetch_ahead

            fetch_ahead([Coming(task.source, task.place.size if task.place else None) for task in tasks])
        elif self._from_disk:
            if (place := task.place) is not None:
                system.will_need(place.path, min(place.length, WHOLE_FILE_SIZE), place.offset)
            else:
                system.will_need(task.source, WHOLE_FILE_SIZE)

    def has_compiled(self) -> bool:
        """Whether kernels are compiled, or in their cache."""
        return are_loaded()

    def begin(self) -> None:
        """One task more is begun."""
        self._done += 1
        OUTLOOK.times = self._to_come / self._done
        self._to_come -= 1

    def parts(self, image: Image, task: Task, frames: int) -> list[Task]:
        """The parts of a task with so many frames, where it should be spread."""
        spread = self._job.spread > 1 and frames >= SPREAD_FRAMES and not image.sequential
        if task.parts > 1 or not spread:
            return []
        parts = min(self._job.spread * _PARTS_A_WORKER, frames // _PART_FRAMES)
        return [task._replace(part=part, parts=parts) for part in range(parts)]

    def timed(self, image: Image, numbers: Sequence[int], beat: Beat) -> Iterator[int]:
        """The numbers of frames, each with its time limit from when it is taken."""
        rows, columns = image.shape
        pixels = rows * columns
        decoded = 0
        for number in numbers:
            work = pixels * (number - decoded if image.sequential else 1)
            decoded = number
            if len(numbers) > 1 or work > _SMALL_PIXELS:
                beat(number, self._options.timeout + work / PIXELS_A_SECOND)
            yield number


def share(numbers: Sequence[int], task: Task) -> Sequence[int]:
    """The part's run of the selected frames; all parts together are all of them."""
    if task.parts == 1:
        return numbers
    count = len(numbers)
    return numbers[count * task.part // task.parts : count * (task.part + 1) // task.parts]
