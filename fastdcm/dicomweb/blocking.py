"""`AsyncClient` for who has no event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fastdcm.dicomweb.bodies import Part
from fastdcm.dicomweb.client import AsyncClient, OpenedFrames
from fastdcm.dicomweb.loops import Loop
from fastdcm.dicomweb.pictures import Picture
from fastdcm.dicomweb.remote import Reading
from fastdcm.dicomweb.searching import Level
from fastdcm.web.dicom_json_read import Attributes

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

T = TypeVar("T")


class _Client(AsyncClient):
    """One whose images are read in the loop that it runs in, from other threads."""

    loop: Loop

    @property
    def reading(self) -> Reading:
        return Reading(self.loop.run, self.service)


class Client:
    """A DICOMweb service, asked without an event loop: arguments and methods of `AsyncClient`.

    A context manager; safe to use from several threads. Images stay open on their own, but those that are
    read by ranges cannot be read once the client is closed.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._client = _Client(url, **options)
        self._client.loop = self._loop = Loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace(type(self._client).__name__, "Client")

    def close(self) -> None:
        """Close all connections."""
        if self._loop.is_open:
            self._loop.run(self._client.close)
            self._loop.close()

    def search(self, level: Level, *, study: str = "", series: str = "", **matching: Any) -> list[Attributes]:
        """As `AsyncClient.search`."""
        return self._run(self._client.search, level, study=study, series=series, **matching)

    def metadata(self, study: str, series: str = "", instance: str = "") -> list[Attributes]:
        """As `AsyncClient.metadata`."""
        return self._run(self._client.metadata, study, series, instance)

    def retrieve(self, study: str, series: str, instance: str) -> bytes:
        """As `AsyncClient.retrieve`."""
        return self._run(self._client.retrieve, study, series, instance)

    def retrieve_all(self, study: str, series: str = "") -> Iterator[bytes]:
        """As `AsyncClient.retrieve_all`."""
        files: AsyncIterator[bytes] = self._client.retrieve_all(study, series)
        try:
            while (data := self._run(_next, files)) is not None:
                yield data
        finally:
            self._run(files.aclose)  # type: ignore[attr-defined]  # a generator

    def frames(self, study: str, series: str, instance: str, frames: Any) -> list[Part]:
        """As `AsyncClient.frames`."""
        return self._run(self._client.frames, study, series, instance, frames)

    def rendered(
        self, study: str, series: str, instance: str, frame: int | None = None, **asked: Any
    ) -> Picture:
        """As `AsyncClient.rendered`."""
        return self._run(self._client.rendered, study, series, instance, frame, **asked)

    def open(self, study: str, series: str, instance: str) -> Image:
        """As `AsyncClient.open`."""
        return self._run(self._client.open, study, series, instance)

    def open_frames(self, study: str, series: str, instance: str, frames: Any) -> OpenedFrames:
        """As `AsyncClient.open_frames`."""
        return self._run(self._client.open_frames, study, series, instance, frames)

    def _run(self, function: Callable[..., Awaitable[T]], *arguments: Any, **named: Any) -> T:
        async def called() -> T:
            return await function(*arguments, **named)

        return self._loop.run(called)


async def _next(files: AsyncIterator[bytes]) -> bytes | None:
    return await anext(files, None)
