"""By what a run that goes on from another one knows that both make the same."""

from __future__ import annotations

from hashlib import blake2b

from fastdcm import __version__
from fastdcm.options import ConvertOptions


def made_of(options: ConvertOptions, *more: object) -> str:
    """A digest of what decides the bytes of images and their names, besides the inputs, and of ``more``."""
    read = options.read
    told = (
        __version__,
        options.render,
        options.encode,
        options.frames,
        (read.strict, read.allow_partial, read.decoder, read.refuse_burned_in, read.limits),
        options.sidecar,
        options.flat,
        options.name,
        *more,
    )
    return blake2b(repr(told).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
