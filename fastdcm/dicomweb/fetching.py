"""Pictures of whole studies and series into a folder, several at once: what ``fastdcm get`` does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import anyio
import anyio.to_thread

from fastdcm.batch.report import Failure, Watcher
from fastdcm.dicomweb.client import AsyncClient
from fastdcm.dicomweb.fetched import Fetched, Fetching, Place, Wanted
from fastdcm.dicomweb.searching import Found, instances_of
from fastdcm.errors import FastdcmError, NoPixelDataError, WebError
from fastdcm.model import Notice
from fastdcm.options import Existing, FrameSelection
from fastdcm.sinks.directory import DirectorySink
from fastdcm.sinks.run import Run
from fastdcm.web.dicom_json_read import number_of
from fastdcm.web.resources import Resource, shown

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

    from fastdcm.dicomweb.asked import Asked
    from fastdcm.dicomweb.pictures import Instance
    from fastdcm.options import ReadOptions
    from fastdcm.options.web import WebOptions

_TICK_SECONDS = 0.1


class _Frames(NamedTuple):
    """Frames that are wanted, ``of`` so many, where that is known; None is what is given for the instance."""

    numbers: tuple[int | None, ...]
    of: int | None


@dataclass(slots=True)
class _Job:
    """A picture that is wanted; ``frame`` None is what the server gives for the instance."""

    instance: _Counted
    frame: int | None
    part: int
    place: Place
    asked: Asked
    path: str


@dataclass(slots=True)
class _Counted:
    """An instance, and how many pictures of it are still to come."""

    pictures: Instance
    parts: int
    left: int


async def fetch(
    wanted: Sequence[Wanted],
    place: Place,
    *,
    web: WebOptions,
    read: ReadOptions,
    jobs: int = 4,
    frames: FrameSelection | None = None,
    overwrite: bool = False,
    watcher: Watcher | None = None,
    result: Fetching | None = None,
) -> Fetching:
    """Fetch pictures, ``jobs`` at a time; ``result`` is filled in as they come.

    They go to ``STUDY/SERIES/INSTANCE`` below the folder, with ``_FRAME`` behind it where an instance has
    several. What is there is left, without ``overwrite``. Failures are in the report, they do not raise.
    """
    run = _Run(place, web, read, frames, overwrite, watcher or Watcher(), result or Fetching())
    await run.all(wanted, jobs)
    return run.result


class _Run:
    def __init__(
        self,
        place: Place,
        web: WebOptions,
        read: ReadOptions,
        frames: FrameSelection | None,
        overwrite: bool,
        watcher: Watcher,
        result: Fetching,
    ) -> None:
        self._place, self._web, self._read, self._frames = place, web, read, frames
        self._watcher, self.result = watcher, result
        self._run: Run = Run.begin()
        self._existing: Existing = "overwrite" if overwrite else "skip"
        # A sink works at one folder at a time, and series come interleaved.
        self._sinks: dict[str, DirectorySink] = {}
        self._one_writes = anyio.CapacityLimiter(1)
        self._outputs: set[str] = set()
        self._clients: dict[tuple[object, ...], AsyncClient] = {}
        self._complete = False
        result.report.outputs = (os.path.join(*place) if place.name else place.folder or ".",)

    async def all(self, wanted: Sequence[Wanted], jobs: int) -> None:
        begun = anyio.current_time()
        try:
            async with anyio.create_task_group() as ticking:
                ticking.start_soon(self._tick)
                send, receive = anyio.create_memory_object_stream[_Job](jobs)
                async with anyio.create_task_group() as group:
                    for _ in range(jobs):
                        group.start_soon(self._work, receive.clone())
                    receive.close()
                    await self._find_all(wanted, send)
                ticking.cancel_scope.cancel()
        finally:
            self.result.report.seconds = anyio.current_time() - begun
            with anyio.CancelScope(shield=True):
                for client in self._clients.values():
                    await client.close()

    async def _tick(self) -> None:
        while True:
            self._watcher.tick(self.result.report.progress(self._complete))
            await anyio.sleep(_TICK_SECONDS)

    async def _find_all(self, wanted: Sequence[Wanted], send: MemoryObjectSendStream[_Job]) -> None:
        async with send:
            for one in wanted:
                path = shown(one.address.url())
                try:
                    found_any = False
                    client = self._client(one)
                    async for found in self._found(client, one):
                        found_any = True
                        self.result.report.found += 1
                        await self._plan(client, one, found, send)
                    if not found_any:
                        raise WebError("the server finds nothing there", path=path)
                except FastdcmError as error:
                    self._done(Fetched(path, failures=[Failure(path, None, error.at(path=path))]))
        self._complete = True

    def _client(self, one: Wanted) -> AsyncClient:
        key = (one.address.service, one.address.query, one.address.uri, one.access)
        if key not in self._clients:
            self._clients[key] = AsyncClient.at(one.address, one.access, self._web, self._read)
        return self._clients[key]

    async def _found(self, client: AsyncClient, one: Wanted) -> AsyncIterator[Found]:
        resource = one.address.resource
        if resource.frames or one.address.uri:
            yield Found(resource, max(resource.frames, default=1), "")
            return
        if resource.view == "thumbnail" and resource.instance:
            yield Found(resource, 1, "")
            return
        found_any = False
        async for found in instances_of(client.service, resource):
            found_any = True
            yield found
        if resource.instance and not found_any:
            yield Found(resource, None, "")  # a server may have what its search does not tell of

    async def _plan(
        self, client: AsyncClient, one: Wanted, found: Found, send: MemoryObjectSendStream[_Job]
    ) -> None:
        """The jobs of an instance."""
        resource, path = found.resource, shown(one.address.url(found.resource))
        try:
            frames = await self._frames_of(client, one, found)
        except NoPixelDataError as error:
            self._done(Fetched(path, skipped=error.message))
            return
        except FastdcmError as error:
            self._done(Fetched(path, failures=[Failure(path, None, error.at(path=path))]))
            return
        chosen = [frame for frame in frames.numbers if frame is not None]
        part = bool(chosen) and (frames.of is None or len(chosen) < frames.of)
        pictures = client.instance(resource, frames=chosen, part=part)
        counted = _Counted(pictures, len(frames.numbers), len(frames.numbers))
        for number, frame in enumerate(frames.numbers):
            place = self._place_of(resource, None if frames.of == 1 else frame, one.asked)
            await send.send(_Job(counted, frame, number, place, one.asked, path))

    async def _frames_of(self, client: AsyncClient, one: Wanted, found: Found) -> _Frames:
        """Which frames are wanted of an instance."""
        if given := one.address.resource.frames:
            return _Frames(given, None)
        if one.address.uri or found.resource.view == "thumbnail":
            return _Frames((None,), None)
        count = found.frames
        if count is None:
            count = await self._count(client, one, found)
        selection = self._frames or FrameSelection()
        if count is None:
            return _Frames(tuple(selection.numbers(1)) if selection.ranges else (None,), None)
        numbers = selection.numbers(count) if self._frames or not self._place.name else (1,)
        return _Frames((None,), 1) if count == 1 else _Frames(tuple(numbers), count)

    @staticmethod
    async def _count(client: AsyncClient, one: Wanted, found: Found) -> int | None:
        """How many frames an instance has, of which a search does not tell; None where nothing does."""
        try:
            attributes = (await client.service.metadata(found.resource))[0]
        except WebError as error:
            if error.status in (401, 403):
                raise
            return None
        if number_of(attributes, "00280010") is None:
            if one.asked.accept:
                return None
            raise NoPixelDataError("it is no image")
        return number_of(attributes, "00280008") or 1

    def _place_of(self, resource: Resource, frame: int | None, asked: Asked) -> Place:
        if self._place.name:
            return self._place
        folder = os.path.join(self._place.folder, resource.study, resource.series)
        number = "" if frame is None else f"_{frame:04d}"
        return Place(folder, f"{resource.instance}{number}{asked.extension}")

    async def _work(self, jobs: MemoryObjectReceiveStream[_Job]) -> None:
        async with jobs:
            async for job in jobs:
                outcome = await self._fetched(job)
                job.instance.left -= 1
                if not job.instance.left:
                    await job.instance.pictures.close()
                self._done(outcome)

    async def _fetched(self, job: _Job) -> Fetched:
        outcome = Fetched(job.path, job.part, job.instance.parts)
        outcome.output = output = os.path.join(*job.place)
        sink = self._sinks.setdefault(job.place.folder, DirectorySink(self._run, self._existing))
        try:
            if output in self._outputs or await self._writing(sink.leaves, *job.place):
                outcome.existing = 1
                return outcome
            self._outputs.add(output)
            picture = await job.instance.pictures.picture(job.frame, job.asked)
            placed = await self._writing(sink.put, *job.place, picture.data)
        except NoPixelDataError as error:
            outcome.parts, outcome.skipped = 1, error.message
            return outcome
        except FastdcmError as error:
            error.at(path=job.path, frame=job.frame)
            outcome.failures = [Failure(job.path, job.frame, error)]
            return outcome
        if not placed:
            outcome.existing = 1
            return outcome
        outcome.images, outcome.bytes_written = 1, len(picture.data)
        outcome.way, outcome.why = picture.way, picture.why
        told = [*(Notice("server", text) for text in picture.warnings), *picture.notices]
        outcome.notices = tuple(Notice(one.code, one.message, job.path, job.frame) for one in told)
        self.result.ways[picture.way] += 1
        if picture.why:
            self.result.reasons[picture.why] += 1
        return outcome

    async def _writing(self, function: object, *arguments: object) -> bool:
        """One thread at a time has the sink."""
        return await anyio.to_thread.run_sync(function, *arguments, limiter=self._one_writes)  # type: ignore[arg-type]

    def _done(self, outcome: Fetched) -> None:
        self.result.report.add(outcome)
        if self._watcher.every_file or not outcome.is_plain:
            self._watcher.done(outcome)
