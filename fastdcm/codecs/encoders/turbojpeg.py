"""The system's libjpeg-turbo through PyTurboJPEG, where there is one."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any

from fastdcm.errors import EncodeError

#: TJFLAG_ACCURATEDCT: the DCT that imagecodecs uses; the bytes are then the same.
ACCURATE_DCT = 4096

Version = tuple[int, int, int]

#: Where systems keep the library, by `sys.platform`. Asking the linker would cost a process, and
#: importing PyTurboJPEG 5 ms, which most processes never need.
_PLACES = {
    "linux": (
        "/opt/libjpeg-turbo/lib64/libturbojpeg.so",
        "/usr/lib/x86_64-linux-gnu/libturbojpeg.so.0",
        "/usr/lib/aarch64-linux-gnu/libturbojpeg.so.0",
        "/usr/lib64/libturbojpeg.so.0",
        "/usr/lib/libturbojpeg.so.0",
    ),
    "darwin": (
        "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/opt/libjpeg-turbo/lib64/libturbojpeg.dylib",
    ),
    "win32": ("C:/libjpeg-turbo64/bin/turbojpeg.dll",),
}


@cache
def system_library() -> tuple[str, Version] | None:
    """The path and version of the system's library; None where there is none.

    The version stands in the library's text and nowhere in its interface.
    """
    for candidate in _PLACES.get(sys.platform, ()):
        try:
            with open(candidate, "rb") as file:
                text = file.read()
        except OSError:
            continue
        _, _, version = text.partition(b"libjpeg-turbo version ")
        if (found := parse_version(version[:40].decode("latin-1"))) is not None:
            return candidate, found
    return None


def parse_version(text: str) -> Version | None:
    """The first dotted version in a text."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3] or 0))


@cache
def library() -> Any:
    """The system's library. Raises `EncodeError` where there is none."""
    from turbojpeg import TurboJPEG

    found = system_library()
    if found is None:
        raise EncodeError("no system libjpeg-turbo was found for PyTurboJPEG")
    return TurboJPEG(found[0])


def encode(pixels: Any, quality: int, subsampling: str) -> bytes:
    """Baseline JPEG of a (rows, columns[, 3]) uint8 array. Raises `EncodeError`."""
    import turbojpeg

    kinds = {"444": turbojpeg.TJSAMP_444, "422": turbojpeg.TJSAMP_422, "420": turbojpeg.TJSAMP_420}
    gray = pixels.ndim == 2
    try:
        data: bytes = library().encode(
            pixels[..., None] if gray else pixels,
            quality=quality,
            pixel_format=turbojpeg.TJPF_GRAY if gray else turbojpeg.TJPF_RGB,
            jpeg_subsample=turbojpeg.TJSAMP_GRAY if gray else kinds[subsampling],
            flags=ACCURATE_DCT,
        )
    except (OSError, ValueError) as error:
        raise EncodeError(f"libjpeg-turbo cannot encode it: {error}") from error
    return data
