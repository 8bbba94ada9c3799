"""Metadata, frames and bulk data (PS3.18 10.4.1.1.2, 10.4.1.1.5, 10.4.1.1.6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response

from fastdcm.errors import FastdcmError
from fastdcm.serve.cache import etag_of
from fastdcm.serve.choosing import parse_frames
from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError, refusal_of
from fastdcm.serve.retrieve.given import EXPLICIT_LE, Given, accepted, given_frames, stream_of
from fastdcm.serve.site import Site, answer, matches, not_modified, streamed
from fastdcm.web.media_types import DICOM_JSON, JSON, OCTETS, select
from fastdcm.web.multipart_write import MultipartWriter

#: Objects whose metadata are made at the same time for one request.
_AHEAD = 8
_TAG, _NUMBER = re.compile(r"[0-9A-Fa-f]{8}"), re.compile(r"[1-9]\d{0,6}")
_PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
_MAX_DEPTH = 32


class Details:
    """Answers requests for what is in objects."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def metadata(self, request: Request) -> Response:
        """``/metadata`` of a study, a series, an instance, in the DICOM JSON model."""
        instances = self._site.instances(request)
        selected = select(*accepted(request), (DICOM_JSON, JSON))
        if selected is None:
            raise RefusalError(406, f"metadata are given as {DICOM_JSON}")
        if len(instances) == 1:
            key = self._metadata_key(request, instances[0])
            etag = etag_of(key, selected.media_type)
            if matches(etag, request.headers.get("if-none-match")):
                return not_modified(etag)
            data = await self._metadata(key, instances[0], patient=False)
            return answer(b"[%b]" % data, selected.media_type, etag=etag)

        async def one(instance: Instance) -> bytes:
            try:
                return await self._metadata(self._metadata_key(request, instance), instance, patient=True)
            except FastdcmError:
                return b""  # what cannot be read is not told; its other resources say why

        async def parts() -> AsyncIterator[bytes]:
            between = b"["
            for start in range(0, len(instances), _AHEAD):
                some = instances[start : start + _AHEAD]
                for data in await asyncio.gather(*map(one, some)):
                    if data:
                        yield between + data
                        between = b","
            yield b"]" if between == b"," else b"[]"

        return streamed(parts(), selected.media_type)

    def _metadata_key(self, request: Request, instance: Instance) -> tuple[object, ...]:
        return "metadata", instance.path, self._site.stamp(instance), self._site.location(request, instance)

    async def _metadata(self, key: tuple[object, ...], instance: Instance, *, patient: bool) -> bytes:
        syntaxes = list(dict.fromkeys((instance.transfer_syntax, EXPLICIT_LE)))
        if not instance.has_pixels or instance.is_video:
            syntaxes = [instance.transfer_syntax]

        async def make() -> bytes:
            data: bytes = await self._site.pool.run(
                "metadata", instance.path, key[-1], syntaxes, patient=patient
            )
            return data

        return await self._site.cache.get_or_make(key, make)

    async def frames(self, request: Request) -> Response:
        """``.../frames/{frames}``: as they are stored, or decoded."""
        instance = self._site.instance(request)
        if not instance.has_pixels:
            raise RefusalError(406, "the object has no pixels, and so no frames")
        indexes = parse_frames(request.path_params["frames"], instance.frames)
        given = self._frames_given(request, instance)
        bodies = await self._site.pool.run("frames", instance.path, indexes, given.stored)
        return self._frames_answer(request, instance, given, indexes, bodies)

    def _frames_given(self, request: Request, instance: Instance) -> Given:
        given = given_frames(accepted(request), instance)
        if given is None:
            stream = stream_of(instance.transfer_syntax)
            stored = f", or {stream}; transfer-syntax={instance.transfer_syntax}" if stream else ""
            raise RefusalError(
                406,
                f"frames are given as {OCTETS} in Explicit VR Little Endian{stored}; images are at /rendered",
            )
        return given

    def _frames_answer(
        self, request: Request, instance: Instance, given: Given, indexes: list[int], bodies: list[bytes]
    ) -> Response:
        if len(bodies) == 1 and not given.multipart:
            return answer(bodies[0], given.content_type)
        writer = MultipartWriter(given.media_type, given.transfer_syntax)
        place = self._site.location(request, instance)
        parts = [
            (given.content_type, {"Content-Location": f"{place}/frames/{index + 1}"}, body)
            for index, body in zip(indexes, bodies, strict=True)
        ]
        return answer(writer.whole(parts), writer.content_type)

    async def bulk_data(self, request: Request) -> Response:
        """``.../bulkdata/{tag}[/{item}/{tag}...]``, as the metadata name it."""
        instance = self._site.instance(request)
        place = _place(request.path_params["place"])
        if place[0] in _PIXELS and len(place) == 1:
            if not instance.has_pixels:
                raise RefusalError(404, "there is no such bulk data")
            given = self._frames_given(request, instance)
            bodies = await self._site.pool.run("frames", instance.path, None, given.stored)
            if given.media_type == OCTETS and given.transfer_syntax == EXPLICIT_LE:
                bodies = [b"".join(bodies)]  # the value of native Pixel Data is one
            return self._frames_answer(request, instance, given, list(range(len(bodies))), bodies)
        selected = select(*accepted(request), (OCTETS,))
        if selected is None:
            raise RefusalError(406, f"bulk data are given as {OCTETS}")
        try:
            data = await self._site.pool.run("bulk_data", instance.path, place)
        except FastdcmError as error:
            refusal = refusal_of(error)
            raise RefusalError(404 if refusal.status == 400 else refusal.status, refusal.message) from error
        if not selected.by.multipart:
            return answer(data, OCTETS)
        writer = MultipartWriter(OCTETS)
        own = f"{self._site.location(request, instance)}/bulkdata/{request.path_params['place']}"
        return answer(writer.whole([(OCTETS, {"Content-Location": own}, data)]), writer.content_type)


def _place(text: str) -> tuple[int, ...]:
    """Tags, and numbers of items between them. Raises `RefusalError`: 400."""
    parts = text.split("/")
    if len(parts) % 2 == 0 or len(parts) > _MAX_DEPTH:
        raise RefusalError(400, "a place of bulk data is TAG, or TAG/ITEM/TAG and so on")
    for number, part in enumerate(parts):
        if not (_NUMBER if number % 2 else _TAG).fullmatch(part):
            raise RefusalError(400, f"{part[:40]!r} is no {'number of an item' if number % 2 else 'tag'}")
    return tuple(int(part, 10 if number % 2 else 16) for number, part in enumerate(parts))
