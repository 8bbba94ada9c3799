"""Every codec's subjects."""

from __future__ import annotations

from functools import cache

from tests.damage import jpegs, uncompressed, wavelets
from tests.damage.subject import Subject

_KINDS = (
    uncompressed.native,
    uncompressed.encapsulated_uncompressed,
    uncompressed.deflated_frame,
    uncompressed.deflated_data_set,
    uncompressed.rle,
    jpegs.jpeg_baseline,
    jpegs.jpeg_extended,
    jpegs.jpeg_progressive,
    jpegs.jpeg_lossless,
    jpegs.jpeg_ls_streams,
    wavelets.jpeg_2000,
    wavelets.htj2k,
    wavelets.jpeg_xl,
)


@cache
def subjects() -> dict[str, list[Subject]]:
    """Codec -> its subjects, in the order of the tables."""
    found: dict[str, list[Subject]] = {}
    for kind in _KINDS:
        for subject in kind():
            found.setdefault(subject.codec, []).append(subject)
    return found
