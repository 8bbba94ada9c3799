"""The work of an executor that converts files: `Task` in, `Outcome` out."""

from __future__ import annotations

from fastdcm.batch.convert import Converter, Job
from fastdcm.batch.discovery import Task
from fastdcm.batch.executor import Work
from fastdcm.batch.report import Outcome
from fastdcm.errors import CollisionError
from fastdcm.sinks.run import remove_temporaries


def converting(job: Job) -> Work:
    """The work of a job."""
    task = f"{Converter.__module__}:{Converter.__name__}"
    return Work(task, job, job.options.timeout, _remove_left, _may_be_its_own, job.together)


def _remove_left(job: Job, tasks: list[Task], process: int | None) -> None:
    """Remove the temporary files of a process that is dead; those of all of the run, where it is None."""
    prefix = job.run.all_prefix if process is None else job.run.prefix(process)
    for folder in {task.folder for task in tasks}:
        remove_temporaries(folder or ".", prefix)


def _may_be_its_own(outcome: Outcome) -> bool:
    """Whether the output may have been in the way that the input itself has made."""
    return any(isinstance(failure.error, CollisionError) for failure in outcome.failures)
