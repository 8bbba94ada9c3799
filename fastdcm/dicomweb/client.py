"""What a server is asked for, a method each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import anyio
import anyio.to_thread

from fastdcm.dicomweb.access import Access, need_web, without_user
from fastdcm.dicomweb.asked import Asked
from fastdcm.dicomweb.bodies import Part, source_of
from fastdcm.dicomweb.loops import Loop
from fastdcm.dicomweb.pictures import Instance, Picture
from fastdcm.dicomweb.remote import Habits, Reading, remote_source
from fastdcm.dicomweb.retrieving import Service
from fastdcm.dicomweb.searching import Level, search
from fastdcm.dicomweb.transport import Transport
from fastdcm.errors import OptionError
from fastdcm.options import LIMIT_NAMES, ReadOptions
from fastdcm.options.web import WebOptions
from fastdcm.web.dicom_json_read import Attributes
from fastdcm.web.resources import Address, Resource, parse_frames

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

_LIMITS = {field.name for field in fields(WebOptions)}
_READ = {*LIMIT_NAMES, *(field.name for field in fields(ReadOptions))} - {"limits"}


class OpenedFrames(NamedTuple):
    """An image, and the index in it of each frame that was asked for."""

    image: Image
    indexes: tuple[int, ...]


class AsyncClient:
    """A DICOMweb service (PS3.18 10), asked from an event loop of asyncio's.

    ``url`` is the service's address, that to which ``/studies`` is added. ``headers``, ``bearer``, ``basic``,
    ``certificate``, ``password`` and ``authority`` are those of `fastdcm.dicomweb.access.Access`: secrets may
    be ``env:NAME`` or ``file:PATH``. User and password in the address are taken for ``basic``. ``options``
    are the fields of `WebOptions` (timeout, tries, ...), and keywords of `fastdcm.open` for images.

    A context manager (``async with``). Raises `OptionError`; methods raise `WebError`, with the status code.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        bearer: str | None = None,
        basic: tuple[str, str] | None = None,
        certificate: str | tuple[str, str] | None = None,
        password: str | None = None,
        authority: str | None = None,
        **options: Any,
    ) -> None:
        need_web()
        bare, user = without_user(url)
        access = Access(
            headers=headers,
            bearer=bearer,
            basic=user or basic if bearer is None else basic,
            certificate=certificate,
            password=password,
            authority=authority,
        )
        if unknown := sorted(options.keys() - _LIMITS - _READ):
            raise OptionError(f"unknown option {unknown[0]!r}")
        web = WebOptions(**{name: options[name] for name in _LIMITS & options.keys()})
        read = ReadOptions.of(**{name: options[name] for name in _READ & options.keys()})
        self._begin(Address(bare.rstrip("/"), Resource("0")), access, web, read)

    @classmethod
    def at(
        cls, address: Address, access: Access, web: WebOptions | None = None, read: ReadOptions | None = None
    ) -> Self:
        """A client of the service of an address, which may be of WADO-URI."""
        self = cls.__new__(cls)
        self._begin(address, access, web or WebOptions(), read or ReadOptions())
        return self

    def _begin(self, address: Address, access: Access, web: WebOptions, read: ReadOptions) -> None:
        self._access, self._web, self._read, self._address = access, web, read, address
        self.habits = Habits()
        self.service = Service(Transport(address.service, access, web), address)
        self._loop: Loop | None = None
        self._ranges = self.service

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<fastdcm.dicomweb.{type(self).__name__} {self._address.service.partition('?')[0]}>"

    async def close(self) -> None:
        """Close all connections. Images that are read by ranges cannot be read after."""
        await self.service.transport.close()
        if self._loop is not None:
            await anyio.to_thread.run_sync(self._loop.run, self._ranges.transport.close)
            await anyio.to_thread.run_sync(self._loop.close)
            self._loop = None

    async def search(
        self, level: Level, *, study: str = "", series: str = "", **matching: Any
    ) -> list[Attributes]:
        """What QIDO-RS finds (10.6): "studies", "series" or "instances", of a study or series or of all.

        ``matching`` are attributes by keyword or tag (``PatientID="1"``), ``includefield``, and so on;
        with ``limit`` or ``offset`` one page comes, else all do. Data sets are in the DICOM JSON model,
        dictionaries by tags (``"0020000D"``), whose values `fastdcm.web.dicom_json_read.values_of` gives.
        """
        texts = {name: str(value) for name, value in matching.items()}
        return [found async for found in search(self.service, level, study, series, texts)]

    async def metadata(self, study: str, series: str = "", instance: str = "") -> list[Attributes]:
        """All attributes but bulk data, a data set an instance (10.4.1.1.2), as those of `search`."""
        return await self.service.metadata(Resource(study, series, instance))

    async def retrieve(self, study: str, series: str, instance: str) -> bytes:
        """An instance as it is stored, a DICOM file."""
        source = source_of(await self.service.file(Resource(study, series, instance)), instance)
        try:
            return source.read(0, source.size)
        finally:
            source.close()

    async def retrieve_all(self, study: str, series: str = "") -> AsyncIterator[bytes]:
        """The instances of a study or series as they come, DICOM files, in one answer of the server.

        Where it breaks off, it is not asked for again.
        """
        async for file in self.service.files(Resource(study, series)):
            source = source_of(file, study)
            try:
                yield source.read(0, source.size)
            finally:
                source.close()

    async def frames(self, study: str, series: str, instance: str, frames: Any) -> list[Part]:
        """Frames (from 1; "1,3" or numbers) as they are coded, with media types and transfer syntaxes."""
        return await self.service.frames(Resource(study, series, instance, _frames(frames)))

    async def rendered(
        self, study: str, series: str, instance: str, frame: int | None = None, **asked: Any
    ) -> Picture:
        """A frame (from 1) as an image file, or what the server renders for the instance.

        ``asked`` are the fields of `fastdcm.dicomweb.asked.Asked`: ``format`` ("jpeg", "png", ...),
        ``quality``, ``window`` ((center, width) or text), ``viewport`` ("512,512"), ``accept``, ``local``.
        What the server has not, or refuses, is retrieved and rendered here: the picture tells.
        """
        one = Resource(study, series, instance)
        wanted = Asked.of(**asked)
        part = frame is not None and frame > 1
        pictures = self.instance(one, frames=() if frame is None else (frame,), part=part)
        try:
            return await pictures.picture(frame, wanted)
        finally:
            await pictures.close()

    async def open(self, study: str, series: str, instance: str) -> Image:
        """An instance as `fastdcm.open` gives a file, read by ranges where the server gives these.

        Ranges are fetched when a frame is read, which waits for them: do that in a thread, where the event
        loop has more to do.
        """
        resource = Resource(study, series, instance)
        source = await remote_source(self.service, resource, lambda: self.reading, self.habits)
        return await self.instance(resource).open(source)

    async def open_frames(self, study: str, series: str, instance: str, frames: Any) -> OpenedFrames:
        """Frames (from 1; "1,3" or numbers) of an instance, of which no others come, where the server can.

        The image has these frames, and the metadata of the instance that rendering needs; where the server
        gives no frames, it is all of the instance.
        """
        chosen = _frames(frames)
        pictures = self.instance(Resource(study, series, instance), frames=chosen, part=True)
        image, _, have = await pictures.opened()
        return OpenedFrames(image, tuple(have.index(n) if have else n - 1 for n in chosen))

    def instance(self, resource: Resource, *, frames: Sequence[int] = (), part: bool = False) -> Instance:
        """An instance of which several pictures are wanted; with ``part`` not all of its frames."""
        return Instance(
            self.service, resource, lambda: self.reading, self._read, self.habits, frames=frames, part=part
        )

    @property
    def reading(self) -> Reading:
        """What images read ranges by: in a loop and by connections of its own, so from any thread."""
        if self._loop is None:
            self._loop = Loop()
            transport = Transport(self._address.service, self._access, self._web)
            self._ranges = Service(transport, self._address)
        return Reading(self._loop.run, self._ranges)


def _frames(frames: Any) -> tuple[int, ...]:
    if isinstance(frames, str):
        return parse_frames(frames)
    return parse_frames(",".join(map(str, [frames] if isinstance(frames, int) else frames)))
