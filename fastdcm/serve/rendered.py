"""``/rendered`` and ``/thumbnail`` (PS3.18 8.7, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from fastdcm.errors import FastdcmError
from fastdcm.serve.cache import etag_of
from fastdcm.serve.choosing import MOVIES, TEXT, Choice, choose, offered, parse_frames
from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError, refusal_of
from fastdcm.serve.site import Site, answer, matches, not_modified, streamed
from fastdcm.web.multipart_write import MultipartWriter
from fastdcm.web.parameters import Viewport


class Rendered:
    """Answers requests for images."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def instance(self, request: Request) -> Response:
        """``.../instances/{instance}/rendered``."""
        instance = self._site.instance(request)
        choice = self._choice(request, instance)
        warnings = choice.warnings
        index: int | None = 0
        if instance.has_pixels and instance.frames > 1:
            if choice.media_type in MOVIES:
                index = None
            else:
                warnings = (*warnings, f"the object has {instance.frames} frames; this is the first")
        return await self._one(request, instance, index, choice, warnings)

    async def frames(self, request: Request) -> Response:
        """``.../frames/{frames}/rendered``."""
        instance = self._site.instance(request)
        _must_have_pixels(instance)
        indexes = parse_frames(request.path_params["frames"], instance.frames)
        choice = self._choice(request, instance, single=True)
        if len(indexes) == 1:
            return await self._one(request, instance, indexes[0], choice, choice.warnings)
        return self._many(request, [(instance, index) for index in indexes], choice, choice.warnings)

    async def series(self, request: Request) -> Response:
        """``/studies/{study}[/series/{series}]/rendered``: a representation of each instance with pixels."""
        instances = self._site.instances(request)
        with_pixels = [instance for instance in instances if instance.has_pixels]
        if not with_pixels:
            if len(instances) == 1:
                choice = self._choice(request, instances[0])
                return self._many(request, [(instances[0], 0)], choice, choice.warnings)
            raise RefusalError(406, "none of the objects has pixels; ask for each by itself")
        choice = self._choice(request, with_pixels[0], single=True)
        warnings = choice.warnings
        if any(instance.frames > 1 for instance in with_pixels):
            warnings = (*warnings, "of objects with several frames this is the first")
        return self._many(request, [(instance, 0) for instance in with_pixels], choice, warnings)

    async def thumbnail(self, request: Request) -> Response:
        """``/thumbnail`` of a study, a series, an instance: of its middle image, or of that one's middle."""
        instance = self._site.middle(request)
        choice = self._choice(request, instance, thumbnail=True)
        # A frame of a video costs the decoding of those before it.
        index = 0 if instance.is_video else instance.frames // 2
        return await self._one(request, instance, index, choice, choice.warnings)

    async def frame_thumbnail(self, request: Request) -> Response:
        """``.../frames/{frames}/thumbnail``: of the first of them."""
        instance = self._site.instance(request)
        _must_have_pixels(instance)
        indexes = parse_frames(request.path_params["frames"], instance.frames)
        choice = self._choice(request, instance, thumbnail=True)
        return await self._one(request, instance, indexes[0], choice, choice.warnings)

    def _choice(
        self, request: Request, instance: Instance, *, single: bool = False, thumbnail: bool = False
    ) -> Choice:
        there = offered(instance, single=single, thumbnail=thumbnail)
        accept = ",".join(request.headers.getlist("accept"))
        query: bytes = request.scope["query_string"]
        try:
            choice = choose(query, accept, there, thumbnail, instance.is_palette)
        except RefusalError as refusal:
            if refusal.status == 406 and not instance.has_pixels:
                words = f"the object has no pixels; as it is, it can be had as {', '.join(there)}"
                raise RefusalError(406, words) from None
            raise
        self._check_size(choice.asked.viewport)
        return choice

    def _check_size(self, viewport: Viewport | None) -> None:
        most = self._site.options.max_pixels
        if viewport is not None and viewport.vw * viewport.vh > most:
            raise RefusalError(413, f"a viewport has at most {most} pixels")

    async def _one(
        self,
        request: Request,
        instance: Instance,
        index: int | None,
        choice: Choice,
        warnings: Sequence[str],
    ) -> Response:
        key = (instance.path, self._site.stamp(instance), index, choice.etag)
        etag = etag_of(key, choice.multipart)
        if not choice.multipart and matches(etag, request.headers.get("if-none-match")):
            return not_modified(etag)
        data = await self._data(instance, index, choice, key)
        if choice.multipart:
            writer = MultipartWriter(choice.media_type)
            where = {"Content-Location": self._place(request, instance, index)}
            body = writer.whole([(choice.media_type, where, data)])
            return answer(body, writer.content_type, warnings=warnings)
        kind = f"{TEXT}; charset=utf-8" if choice.media_type == TEXT else choice.media_type
        kept = answer(data, kind, etag=etag, warnings=warnings)
        if not instance.has_pixels:
            # A document may be a page with a script in it, which is not to act in the name of this server.
            kept.headers["content-security-policy"] = "sandbox"
        return kept

    async def _data(
        self, instance: Instance, index: int | None, choice: Choice, key: object, *, patient: bool = False
    ) -> bytes:
        async def make() -> bytes:
            run, path = self._site.pool.run, instance.path
            if not instance.has_pixels:
                task = "document" if instance.document_type else "report"
                data: bytes = await run(task, path, patient=patient)
            elif index is None:
                data = await run("movie", path, choice.data, patient=patient)
            else:
                data = await run("picture", path, index, choice.data, patient=patient)
            return data

        return await self._site.cache.get_or_make(key, make)

    def _place(self, request: Request, instance: Instance, index: int | None) -> str:
        frame = "" if index is None else f"/frames/{index + 1}"
        return f"{self._site.location(request, instance)}{frame}/rendered"

    def _many(
        self,
        request: Request,
        targets: Sequence[tuple[Instance, int]],
        choice: Choice,
        warnings: Sequence[str],
    ) -> Response:
        writer = MultipartWriter(choice.media_type)

        async def parts() -> AsyncIterator[bytes]:
            for instance, index in targets:
                kind, where = choice.media_type, {"Content-Location": self._place(request, instance, index)}
                try:
                    key = (instance.path, self._site.stamp(instance), index, choice.etag)
                    data = await self._data(instance, index, choice, key, patient=True)
                except FastdcmError as error:
                    # The answer has begun: a part in words stands for what cannot be made.
                    kind, data = f"{TEXT}; charset=utf-8", f"{refusal_of(error).message}\n".encode()
                yield writer.head(kind, where)
                yield data
            yield writer.end()

        return streamed(parts(), writer.content_type, warnings)


def _must_have_pixels(instance: Instance) -> None:
    if not instance.has_pixels:
        raise RefusalError(406, "the object has no pixels, and so no frames")
