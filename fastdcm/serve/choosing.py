"""How a request for images is answered: by which type, by which options (PS3.18 8.3.5.1, 8.7.4, 8.7.5)."""

from __future__ import annotations

import pickle
import re
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import parse_qsl

from fastdcm.errors import OptionError
from fastdcm.options import FORMATS, ColourOptions, EncodeOptions, Format, GeometryOptions, RenderOptions
from fastdcm.serve.cache import etag_of
from fastdcm.serve.index.lookup import Instance
from fastdcm.serve.refusal import RefusalError
from fastdcm.serve.tasks.picture import Asked
from fastdcm.web.media_types import OCTETS, mixes, parse_accept, select
from fastdcm.web.parameters import Parameters, parse_parameters

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
TEXT = "text/plain"
_MAX_QUERY, _MAX_FRAMES = 64, 4096
_DOCUMENT_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,60}/[A-Za-z0-9][\w.+-]{0,60}", re.ASCII)
_FRAMES = re.compile(r"[1-9]\d{0,8}(?:,[1-9]\d{0,8})*")


class Choice(NamedTuple):
    """How a request is answered: by which type; in parts, if that was asked for; what is told besides."""

    media_type: str
    multipart: bool
    asked: Asked
    data: bytes
    etag: str
    warnings: tuple[str, ...]


@lru_cache(maxsize=2048)
def choose(query: bytes, accept: str, there: tuple[str, ...], thumbnail: bool, palette: bool) -> Choice:
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
    selected = select(*ranges, there)
    if selected is None:
        raise RefusalError(406, f"none of the types that are accepted; there are {', '.join(there)}")
    media_type = selected.media_type
    asked, warnings = _asked(parameters, media_type, thumbnail=thumbnail)
    data = pickle.dumps(asked, protocol=5)
    return Choice(
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


def offered(instance: Instance, *, single: bool, thumbnail: bool) -> tuple[str, ...]:
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
        return (TEXT,)
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
