"""Our own: what each worker process of a run does, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benches.peers import Absent, Present, UnsupportedJobError, files_of

if TYPE_CHECKING:
    from fastdcm.options import Decoder

label = "fastdcm, one worker"


def available() -> Present | Absent:
    import fastdcm
    from fastdcm import system

    system.keep_freed_memory()  # as a worker does
    return Present(fastdcm.__version__)


def convert(source: str, target: str, format: str) -> None:
    convert_by(source, target, format)


def convert_by(source: str, target: str, format: str, decoder: Decoder = "auto") -> None:
    """The same with a decoder of one's choice."""
    from fastdcm.batch.convert import Converter, Job
    from fastdcm.batch.discovery import Task
    from fastdcm.batch.protocol import Outlook
    from fastdcm.options import ConvertOptions, EncodeOptions, ReadOptions
    from fastdcm.sinks.run import Run

    options = ConvertOptions(
        read=ReadOptions(decoder=decoder), encode=EncodeOptions(format="png" if format == "png" else "jpeg")
    )
    converter = Converter(Job(Run.begin(), options, every_file=False))
    converter.foresee(Outlook(10**9, may_compile=True))  # a long run, which uses all kernels
    for path, stem in files_of(source):
        outcome, _ = converter(Task(path, target, stem), False, lambda frame, seconds: None)
        if outcome is not None and outcome.failures:
            raise UnsupportedJobError(str(outcome.failures[0].error))
