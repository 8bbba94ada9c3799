"""A frame, or all of them, as an image file: what ``/rendered`` and ``/thumbnail`` give."""

from __future__ import annotations

import pickle
from dataclasses import replace
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from fastdcm.errors import OptionError
from fastdcm.options import EncodeOptions, RenderOptions
from fastdcm.pipeline import Image
from fastdcm.serve.tasks import Folder
from fastdcm.web.parameters import IccProfile, Viewport


class Asked(NamedTuple):
    """How a picture is asked for, apart from which frame it shows. ``profile`` is to be in the file."""

    render: RenderOptions
    encode: EncodeOptions
    viewport: Viewport | None = None
    profile: IccProfile | None = None


@lru_cache(maxsize=256)
def _asked(data: bytes) -> Asked:
    # Equal options should be the same object: plans are looked up by them.
    asked: Asked = pickle.loads(data)
    return asked


def picture(folder: Folder, path: str, index: int, data: bytes) -> bytes:
    """An image file of the frame at ``index``; ``data`` is a pickled `Asked`."""
    asked = _asked(data)
    image = folder.image(path)
    render = _render_options(image, asked)
    if asked.profile is None or asked.profile == "no":
        return image.encode_frame(index, render, asked.encode).data
    from fastdcm.codecs.encode import encode_image

    pixels = image.render_frame(index, render)
    profile = None
    if pixels.ndim == 3:
        pixels, profile = _with_profile(image, index, pixels, render, asked)
    return encode_image(pixels, asked.encode, profile)


def _with_profile(
    image: Image, index: int, pixels: Any, render: RenderOptions, asked: Asked
) -> tuple[Any, bytes]:
    """Colours and the profile by which they are meant (PS3.18 8.3.5.1.5). Raises `OptionError`."""
    from fastdcm.codecs.icc import converted, is_matrix, profile_of_space

    # What has no profile of its own is taken for sRGB, as everything does that shows it. PNG takes any.
    own = image.profile_frame(index, pixels, render, EncodeOptions("png")) or profile_of_space("srgb")
    if asked.profile == "adobergb" or asked.profile == "rommrgb":
        return converted(pixels, own, asked.profile), profile_of_space(asked.profile)
    if asked.profile == "srgb":
        return pixels, profile_of_space("srgb")  # in which they were rendered
    if asked.encode.format in ("jp2", "jph") and not is_matrix(own):
        raise OptionError("iccprofile: JPEG 2000 does not carry a profile of this kind; there is srgb")
    return pixels, own


def movie(folder: Folder, path: str, data: bytes) -> bytes:
    """All frames in one file, as GIF or MP4."""
    asked = _asked(data)
    image = folder.image(path)
    render = _render_options(image, asked)
    rows, columns = image.shape
    if rows * columns * len(image) > 8 * folder.options.limits.max_pixels:
        raise OptionError(f"{len(image)} frames of {columns} x {rows} are too many for one file")
    file = BytesIO()
    image.encode_frames(range(len(image)), file, render, asked.encode)
    return file.getvalue()


def _render_options(image: Image, asked: Asked) -> RenderOptions:
    if asked.viewport is None:
        return asked.render
    geometry = asked.viewport.geometry(*image.shape)
    return replace(asked.render, geometry=geometry)
