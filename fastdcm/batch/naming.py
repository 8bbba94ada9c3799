"""Output names from input names, one folder's listing at a time.

Only ``.dcm .dicom .dic .ima`` is taken off an input's name, because ``1.2.840.10008.1`` and
``IM.0002`` have no extension.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator

_EXTENSIONS = frozenset({"dcm", "dicom", "dic", "ima"})
# Not compiled here: that would cost a single file, which needs neither, a hundredth of its time.
_FRAME_LIKE = r"(?s)(.+)_\d{4,}"
_DEVICE = r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?= *(?:\.|$))"
#: Longest name in bytes on the filesystems in use; what `frame_suffix`, the extension and that of a sidecar
#: need is kept free.
_LONGEST = 255
_KEPT_FREE = 24


def sort_key(name: str) -> tuple[str, str]:
    """Sorted order of names: without regard to case, small letters first where only case differs."""
    return name.casefold(), name.swapcase()


def strip_extension(name: str) -> str:
    """The name without a DICOM extension; unchanged where nothing would be left."""
    stem, _, extension = name.rpartition(".")
    return stem if stem and extension.lower() in _EXTENSIONS else name


def name_listing(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(input name, stem of its outputs) of one folder, in sorted order.

    Where two would share a stem on a filesystem that ignores case, and where a stem looks like
    another's numbered frame (``a_0001`` beside ``a``), the later one keeps its full name.
    """
    ordered = _sorted(names)
    taken: set[str] = set()
    # Of a folder of many thousands as little is kept as is needed: this mostly is not.
    others: set[str] | None = None
    for name in ordered:
        stem = strip_extension(name)
        folded = stem.casefold()
        frame_like = frame_base(folded)
        if frame_like and others is None:
            others = {other.casefold() for known in ordered for other in (known, strip_extension(known))}
        if folded in taken or (frame_like and others and frame_like in others):
            yield name, name
            taken.add(name.casefold())
        else:
            taken.add(stem if folded == stem else folded)
            yield name, stem


def frame_base(stem: str) -> str:
    """The stem whose numbered frame this one looks like (``a`` of ``a_0001``); empty for most."""
    found = re.fullmatch(_FRAME_LIKE, stem) if "_" in stem else None
    return found[1] if found else ""


def _sorted(names: Iterable[str]) -> list[str]:
    """Names by `sort_key`, which all small letters and digits need not."""
    ordered = sorted(names)
    if any(name.casefold() != name for name in ordered):
        ordered.sort(key=sort_key)
    return ordered


def frame_suffix(number: int, frames: int) -> str:
    """``_0001`` for a frame of an object that has several."""
    return f"_{number:0{max(4, len(str(frames)))}d}"


def output_stem(stem: str, number: int, frames: int) -> str:
    """The output's name without extension, where no template was given."""
    safe = shorten(stem)
    if sys.platform == "win32":
        safe = without_device(safe)
    return safe + frame_suffix(number, frames) if frames > 1 else safe


def shorten(name: str) -> str:
    """Cut a name that no filesystem would take, with a hash of it so that it stays the only one."""
    if 4 * len(name) <= _LONGEST - _KEPT_FREE:  # no character has more bytes
        return name
    encoded = os.fsencode(name)
    if len(encoded) <= _LONGEST - _KEPT_FREE:
        return name
    from hashlib import blake2b

    digest = blake2b(encoded, digest_size=6).hexdigest()
    kept = encoded[: _LONGEST - _KEPT_FREE - len(digest) - 1]
    return f"{kept.decode('utf-8', 'ignore')}~{digest}"


def without_device(name: str) -> str:
    """A name that no system takes for a device."""
    return f"_{name}" if re.match(_DEVICE, name) else name
