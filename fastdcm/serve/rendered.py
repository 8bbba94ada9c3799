"""``/rendered`` and ``/thumbnail`` (PS3.18 8.7, 10.4.1.1.3, 10.4.1.1.4)."""

from __future__ import annotations

import pickle
import re
from collections.abc import AsyncIterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from fastdcm.errors import FastdcmError, OptionError
from fastdcm.options import FORMATS, ColourOptions, EncodeOptions, Format, GeometryOptions, RenderOptions
from fastdcm.serve.cache import etag_of
from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError, refusal_of
from fastdcm.serve.site import Site, answer, matches, not_modified, streamed
from fastdcm.serve.tasks.picture import Asked
from fastdcm.web.media_types import OCTETS, mixes, parse_accept, select
from fastdcm.web.multipart_write import MultipartWriter
from fastdcm.web.parameters import Parameters, Viewport, parse_parameters

#: Media type -> format. The first is the default (8.7.4).
IMAGES: dict[str, Format] = {
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/gif": "gif",
    "image/jp2": "jp2",
    "image/jph": "jph",
    "image/jxl": "jpegxl",
}
MOVIES: dict[str, Format] = {"image/gif": "gif", "video/mp4": "mp4"}
#: (rows, columns) that a thumbnail fits in where nothing is asked.
_THUMBNAIL = (128, 128)
_TEXT = "text/plain"
_MAX_QUERY, _MAX_FRAMES = 64, 4096
_DOCUMENT_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}/[A-Za-z0-9][\w.+-]{0,60}", re.ASCII)
_FRAMES = re.compile(r"[1-9]\d{0,8}(?:,[1-9]\d{0,8})*")


class _Choice(NamedTuple):
    """How a request is answered: by which type; in parts, if that was asked for; what is told besides."""

    media_type: str
    multipart: bool
    asked: Asked
    data: bytes
    etag: str
    warnings: tuple[str, ...]


@lru_cache(maxsize=2048)
def _choose(query: bytes, accept: str, offered: tuple[str, ...], thumbnail: bool, palette: bool) -> _Choice:
    """The answer to a query and an Accept header. Raises `OptionError` and `RefusalError`."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_QUERY, errors="strict"
        )
    except (ValueError, UnicodeDecodeError):
        raise OptionError("the query cannot be read") from None
    parameters = parse_parameters(pairs, thumbnail=thumbnail)
    told = []
    if palette and parameters.window is not None:
        told = ["window is of gray values, and was left out for PALETTE COLOR"]
        parameters = parameters._replace(window=None)
    ranges = parse_accept(parameters.accept or ""), parse_accept(accept)
    if mixes([*ranges[0], *ranges[1]]):
        raise OptionError("accept has types of DICOM objects beside rendered ones; ask for one kind of them")
    selected = select(*ranges, offered)
    if selected is None:
        raise RefusalError(406, f"none of the types that are accepted; there are {', '.join(offered)}")
    media_type = selected.media_type
    asked, warnings = _asked(parameters, media_type, thumbnail=thumbnail)
    data = pickle.dumps(asked, protocol=5)
    return _Choice(
        media_type, selected.by.multipart, asked, data, etag_of(media_type, asked, "1"), (*warnings, *told)
    )


def _asked(parameters: Parameters, media_type: str, *, thumbnail: bool) -> tuple[Asked, list[str]]:
    warnings = [
        f"annotation {keyword} is not supported and was left out" for keyword in parameters.annotation
    ]
    format = IMAGES.get(media_type) or MOVIES.get(media_type)
    if format is None:  # a document, which is given as it is
        return Asked(RenderOptions(), EncodeOptions()), warnings
    profile = parameters.iccprofile
    if profile not in (None, "no") and not FORMATS[format].profile:
        raise OptionError(f"iccprofile: {media_type} carries no profile")
    viewport = parameters.viewport
    geometry = GeometryOptions()
    if thumbnail and viewport is None:
        geometry = GeometryOptions(size=_THUMBNAIL)
    icc = {"no": "none", "srgb": "srgb"}.get(profile or "", "embed")
    render = RenderOptions(
        window=parameters.window,
        colour=ColourOptions(icc=icc),  # type: ignore[arg-type]
        geometry=geometry,
    )
    if parameters.quality is None or not FORMATS[format].quality:
        encode = EncodeOptions(format)
    else:
        # Who asks for a quality gets it: what is coded already is coded again.
        encode = EncodeOptions(format, quality=parameters.quality, reencode=True, lossless=False)
    return Asked(render, encode, viewport, profile), warnings


def _offered(instance: Instance, *, single: bool, thumbnail: bool) -> tuple[str, ...]:
    """The types that there are of an instance, the default first. Raises `RefusalError` for none."""
    if instance.has_pixels:
        if single or thumbnail or instance.frames == 1:
            return tuple(IMAGES)
        return (*IMAGES, *(("video/mp4",) if _has_video() else ()))
    if thumbnail:
        raise RefusalError(406, "the object has no pixels, so there is no thumbnail of it")
    if instance.document_type:
        known = _DOCUMENT_TYPE.fullmatch(instance.document_type)
        return (instance.document_type.lower() if known else OCTETS,)
    if instance.is_report:
        return (_TEXT,)
    raise RefusalError(
        406, "the object has no pixels, and nothing else of which an image or a text could be made"
    )


@lru_cache(maxsize=1)
def _has_video() -> bool:
    return find_spec("av") is not None


def parse_frames(text: str, count: int) -> list[int]:
    """Indexes, from 0, of the frames in a path, from 1, which ascend. Raises `RefusalError`: 400, 404."""
    if not _FRAMES.fullmatch(text):
        raise RefusalError(400, f"frames {text[:80]!r} is no list of numbers from 1, as 1,2,5")
    numbers = [int(number) for number in text.split(",")]
    if any(one >= other for one, other in pairwise(numbers)):
        raise RefusalError(400, f"frames {text[:80]!r} do not ascend")
    if len(numbers) > _MAX_FRAMES:
        raise RefusalError(413, f"more than {_MAX_FRAMES} frames are not given at once")
    if numbers[-1] > count:
        have = "one frame" if count == 1 else f"{count} frames"
        raise RefusalError(
            404, f"there is no frame {next(n for n in numbers if n > count)}; the object has {have}"
        )
    return [number - 1 for number in numbers]


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
    ) -> _Choice:
        offered = _offered(instance, single=single, thumbnail=thumbnail)
        accept = ",".join(request.headers.getlist("accept"))
        query: bytes = request.scope["query_string"]
        try:
            choice = _choose(query, accept, offered, thumbnail, instance.is_palette)
        except RefusalError as refusal:
            if refusal.status == 406 and not instance.has_pixels:
                words = f"the object has no pixels; as it is, it can be had as {', '.join(offered)}"
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
        choice: _Choice,
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
        kind = f"{_TEXT}; charset=utf-8" if choice.media_type == _TEXT else choice.media_type
        kept = answer(data, kind, etag=etag, warnings=warnings)
        if not instance.has_pixels:
            # A document may be a page with a script in it, which is not to act in the name of this server.
            kept.headers["content-security-policy"] = "sandbox"
        return kept

    async def _data(
        self, instance: Instance, index: int | None, choice: _Choice, key: object, *, patient: bool = False
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
        choice: _Choice,
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
                    kind, data = f"{_TEXT}; charset=utf-8", f"{refusal_of(error).message}\n".encode()
                yield writer.head(kind, where)
                yield data
            yield writer.end()

        return streamed(parts(), writer.content_type, warnings)


def _must_have_pixels(instance: Instance) -> None:
    if not instance.has_pixels:
        raise RefusalError(406, "the object has no pixels, and so no frames")
