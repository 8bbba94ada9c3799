"""Images that tell a clock which stage they are at; nothing of this runs, or is imported, without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fastdcm.batch.discovery import Task
from fastdcm.batch.stages import DECODE, ENCODE, HEADER, READ, RENDER, Stages
from fastdcm.model import Samples
from fastdcm.options import EncodeOptions, ReadOptions, RenderOptions
from fastdcm.pipeline import Array, Encoded, Image
from fastdcm.reader.source import Source
from fastdcm.sources import open_source

_Bytes = TypeVar("_Bytes", bytes, memoryview, int)
_What = TypeVar("_What", int, memoryview)


class _MeasuredSource(Source):
    """Another source, whose reads are counted as such."""

    def __init__(self, source: Source, stages: Stages) -> None:
        self._inner, self._stages = source, stages
        self.name, self.size, self.refusal = source.name, source.size, source.refusal
        self.bytes_read, self.whole = source.bytes_read, source.whole
        self.expects = source.expects

    def read(self, offset: int, length: int) -> bytes:
        return self._counted(self._inner.read, offset, length)

    def view(self, offset: int, length: int) -> memoryview:
        return self._counted(self._inner.view, offset, length)

    def read_into(self, offset: int, buffer: memoryview) -> int:
        return self._counted(self._inner.read_into, offset, buffer)

    def ahead(self, offset: int, length: int) -> memoryview:
        return self._counted(self._inner.ahead, offset, length)

    def part(self, offset: int, length: int) -> bytes:
        return self._counted(self._inner.part, offset, length)

    def expect(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._inner.expect(ranges)

    def _counted(self, read: Callable[[int, _What], _Bytes], offset: int, what: _What) -> _Bytes:
        with self._stages.during(READ):
            data = read(offset, what)
            self.bytes_read = self._inner.bytes_read
            return data

    def close(self) -> None:
        with self._stages.during(READ):
            self._inner.close()


class _MeasuredImage(Image):
    """An image whose steps are counted: what a step does for another one is that one's."""

    def __init__(self, source: Source, options: ReadOptions, stages: Stages) -> None:
        self._stages = stages
        with stages.during(HEADER):
            super().__init__(source, options)

    def encode_frame(self, index: int, render: RenderOptions, encode: EncodeOptions) -> Encoded:
        with self._stages.during(ENCODE):
            return super().encode_frame(index, render, encode)

    def encode_frames(self, *arguments: Any, **options: Any) -> None:
        with self._stages.during(ENCODE):
            super().encode_frames(*arguments, **options)

    def render_frame(self, index: int, options: RenderOptions, out: Array | None = None) -> Array:
        with self._stages.during(RENDER):
            return super().render_frame(index, options, out)

    def _decode(self, index: int, **how: Any) -> Samples:
        with self._stages.during(DECODE):
            return super()._decode(index, **how)


def open_measured(task: Task, options: ReadOptions, stages: Stages) -> Image:
    """`fastdcm.batch.opening.open_task`, with a clock."""
    with stages.during(READ):
        source = _MeasuredSource(open_source(task.source, task.place, options.limits), stages)
    try:
        return _MeasuredImage(source, options, stages)
    except BaseException:
        source.close()
        raise
