"""Pictures of an instance: rendered by the server, or here, where it cannot or is not to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import anyio
import anyio.to_thread

from fastdcm.dicomweb import assembled
from fastdcm.dicomweb.asked import Asked, only_for_servers
from fastdcm.dicomweb.bodies import parts_of, source_of
from fastdcm.dicomweb.refusals import UNABLE
from fastdcm.dicomweb.remote import Habits, Reading, RemoteSource, remote_source
from fastdcm.dicomweb.retrieving import Service
from fastdcm.dicomweb.transport import Again, Answer
from fastdcm.errors import FastdcmError, UnsupportedError, WebError
from fastdcm.model import Notice
from fastdcm.web.parameters import Viewport
from fastdcm.web.resources import Resource, View, shown

if TYPE_CHECKING:
    from fastdcm.options import ReadOptions
    from fastdcm.pipeline import Image
    from fastdcm.reader.source import Source

#: The server rendered it; or frames, an instance, or ranges of one came, and it was rendered here.
Way = Literal["rendered", "frames", "instance", "ranges"]

#: How files of these types begin, and end.
_SIGNATURES = {
    "image/jpeg": (b"\xff\xd8\xff", b"\xff\xd9"),
    "image/png": (b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
    "image/gif": (b"GIF8", b"\x3b"),
}


#: Images that may come for an instance, where one was asked for.
_MOST_PARTS = 10_000
#: What thumbnails that are rendered here fit into.
_THUMBNAIL = Viewport(128, 128)


class Picture(NamedTuple):
    """An image file, and the way it came.

    ``why`` says in words why it was not rendered by the server, where it was not; ``warnings`` are what the
    server said about it (RFC 9111 5.5). ``notices`` are those of rendering here.
    """

    data: bytes
    media_type: str
    way: Way
    why: str = ""
    warnings: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


class Instance:
    """An instance on a server, of which pictures are wanted; a context manager.

    ``frames`` are those that are wanted, from 1, where not all are; what is retrieved serves all of them.
    """

    def __init__(
        self,
        service: Service,
        resource: Resource,
        reading: Callable[[], Reading],
        options: ReadOptions,
        habits: Habits | None = None,
        *,
        frames: Sequence[int] = (),
        part: bool = False,
    ) -> None:
        self._service, self._resource, self._reading, self._options = service, resource, reading, options
        self._habits = habits or Habits()
        self._frames, self._part = tuple(frames), part
        self._lock = anyio.Lock()
        self._opened: tuple[Image, Way, tuple[int, ...]] | None = None
        self._failed: FastdcmError | None = None

    async def close(self) -> None:
        """Close what was retrieved."""
        if self._opened is not None:
            await anyio.to_thread.run_sync(self._opened[0].close)
            self._opened = None

    async def picture(self, frame: int | None, asked: Asked) -> Picture:
        """One frame (from 1), or what the server gives for the instance, which here is the first.

        Raises `WebError`, and other errors of rendering.
        """
        if asked.local:
            return await self._local(frame, asked, "")
        try:
            if not asked.media_type:
                raise UnsupportedError(f"servers do not render {asked.format}")
            if self._habits.renders is False:
                raise UnsupportedError("the server does not render")
            picture = await self._rendered(frame, asked)
        except FastdcmError as error:
            if not _may_go_on(error):
                raise
            return await self._instead(frame, asked, error)
        self._habits.renders = True
        return picture

    async def _rendered(self, frame: int | None, asked: Asked) -> Picture:
        resource, address = self._resource, self._service.address
        frames = () if frame is None else (frame,)
        view: View = "thumbnail" if resource.view == "thumbnail" else "rendered"
        one = Resource(resource.study, resource.series, resource.instance, frames, view)
        asking = asked.uri_parameters if address.uri else asked.parameters
        url = address.url(one, **asking)

        async def take(answer: Answer) -> Picture:
            parts = await parts_of(answer, "an image", most=_MOST_PARTS)
            if not parts:
                raise WebError("nothing came", status=answer.status, path=shown(url))
            data, kind = parts[0].data, parts[0].media_type.name
            if not asked.accepts(kind):
                words = f"{kind or 'no type'} came instead of {asked.media_type}"
                raise WebError(words, status=406, path=shown(url))
            begin, end = _SIGNATURES.get(kind, (b"", b""))
            if not data.startswith(begin) or end not in data[-64:] or not data:
                raise Again(WebError(f"what came as {kind} is none, or cut", path=shown(url)), tries=2)
            warnings: tuple[str, ...] = tuple(answer.headers.get_list("warning"))  # type: ignore[attr-defined]
            if len(parts) > 1:
                warnings = (*warnings, f"the server gave {len(parts)} images, of which this is the first")
            return Picture(data, kind, "rendered", warnings=warnings)

        return await self._service.transport.get(url, take, accept=asked.media_type)

    async def _instead(self, frame: int | None, asked: Asked, refused: FastdcmError) -> Picture:
        try:
            picture = await self._local(frame, asked, refused.message)
        except WebError as error:
            if error.status == getattr(refused, "status", None):
                raise error from refused  # such as 404: what is not there is not there rendered either
            error.add_note(f"it was not rendered by the server either: {refused.message}")
            raise
        except FastdcmError as error:
            error.add_note(f"the server did not render it: {refused.message}")
            raise
        if self._habits.renders is None and getattr(refused, "status", None) in (404, 405, 501):
            self._habits.renders = False
        return picture

    async def _local(self, frame: int | None, asked: Asked, why: str) -> Picture:
        if name := only_for_servers(self._service.address):
            raise UnsupportedError(f"{name} of WADO-URI is not done here, only by servers")
        if self._resource.view == "thumbnail" and asked.viewport is None:
            asked = replace(asked, viewport=_THUMBNAIL)
        image, way, have = await self.opened()
        number = frame or 1
        index = have.index(number) if have else number - 1
        encoded = await anyio.to_thread.run_sync(_encoded, image, index, asked)
        media_type = asked.media_type.partition(";")[0] or f"image/{asked.format}"
        return Picture(encoded, media_type, way, why, notices=image.notices)

    async def opened(self) -> tuple[Image, Way, tuple[int, ...]]:
        """The image, how it came, and which frames it has; these are empty where it has all.

        It is retrieved once: an error is raised for each that asks, too.
        """
        async with self._lock:
            if self._failed is not None:
                # Each gets its own, to which frame and notes are added.
                error = copy(self._failed)
                error.__notes__ = list(getattr(self._failed, "__notes__", ()))
                raise error
            if self._opened is None:
                try:
                    self._opened = await self._retrieved()
                except FastdcmError as error:
                    self._failed = copy(error)
                    raise
            return self._opened

    async def _retrieved(self) -> tuple[Image, Way, tuple[int, ...]]:
        if self._part and not self._service.address.uri:
            try:
                data = await self._of_frames()
            except (WebError, UnsupportedError) as error:
                if isinstance(error, WebError) and error.status in (401, 403, 404):
                    raise
            else:
                return await self.open(data), "frames", self._frames
        if self._part:
            source: Source = await remote_source(self._service, self._resource, self._reading, self._habits)
        else:
            source = source_of(await self._service.file(self._resource), self.name)
        way: Way = "ranges" if isinstance(source, RemoteSource) else "instance"
        return await self.open(source), way, ()

    async def _of_frames(self) -> bytes:
        resource, frames = self._resource, self._frames or (1,)
        attributes = (await self._service.metadata(resource))[0]
        if reason := assembled.is_fit(attributes, frames):
            raise UnsupportedError(reason)
        bulk = {uri: await self._service.bulk(uri) for uri in assembled.needed(attributes)}
        wanted = Resource(resource.study, resource.series, resource.instance, frames)
        return assembled.assembled(attributes, bulk, frames, await self._service.frames(wanted))

    @property
    def name(self) -> str:
        """The address, for messages."""
        resource = self._resource
        return shown(self._service.address.url(Resource(resource.study, resource.series, resource.instance)))

    async def open(self, source: Source | bytes) -> Image:
        """The image of what was retrieved."""
        from fastdcm.pipeline import open_image
        from fastdcm.reader.source import MemorySource

        if isinstance(source, bytes):
            source = MemorySource(source, self.name)
        return await anyio.to_thread.run_sync(open_image, source, self._options)


def _encoded(image: Image, index: int, asked: Asked) -> bytes:
    render, encode = asked.options(image)
    return image.encode_frame(index, render, encode).data


def _may_go_on(error: FastdcmError) -> bool:
    """Whether a picture may be had in another way than that of this error."""
    return isinstance(error, UnsupportedError) or (isinstance(error, WebError) and error.status in UNABLE)
