"""The input of a task, opened."""

from __future__ import annotations

from fastdcm import pipeline
from fastdcm.batch.discovery import Task
from fastdcm.options import ReadOptions
from fastdcm.sources import open_source


def open_task(task: Task, options: ReadOptions) -> pipeline.Image:
    """The object of a task, wherever its bytes lie. Raises errors of `FastdcmError`'s tree."""
    if task.place is None:
        return pipeline.open_image(task.source, options)
    return pipeline.open_image(open_source(task.source, task.place, options.limits), options)
