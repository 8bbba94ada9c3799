"""Our own: what each worker process of a run does, in this process."""

from __future__ import annotations

from benches.peers import Absent, Present, UnsupportedJobError, files_of

label = "fastdcm, one worker"


def available() -> Present | Absent:
    import fastdcm
    from fastdcm import system

    system.keep_freed_memory()  # as a worker does
    return Present(fastdcm.__version__)


def convert(source: str, target: str, format: str) -> None:
    from fastdcm.batch.convert import Converter, Job
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.pool import Outlook
    from fastdcm.options import ConvertOptions, EncodeOptions
    from fastdcm.sinks.run import Run

    encode = EncodeOptions(format="png" if format == "png" else "jpeg")
    converter = Converter(Job(Run.begin(), ConvertOptions(encode=encode), every_file=False))
    converter.foresee(Outlook(10**9, may_compile=True))  # a long run, which uses all kernels
    for path, stem in files_of(source):
        outcome, _ = converter(Task(path, target, stem), False, lambda frame, seconds: None)
        if outcome is not None and outcome.failures:
            raise UnsupportedJobError(str(outcome.failures[0].error))
