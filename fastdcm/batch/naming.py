"""Output names: from input names, one folder's listing at a time, or from a template.

Only ``.dcm .dicom .dic .ima`` is taken off an input's name, because ``1.2.840.10008.1`` and
``IM.0002`` have no extension.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fastdcm.errors import OptionError
from fastdcm.model import Header
from fastdcm.options import FORMAT_NAMES

_EXTENSIONS = frozenset({"dcm", "dicom", "dic", "ima"})
_FRAME_LIKE = re.compile(r"(.+)_\d{4,}", re.DOTALL)
#: Longest name in bytes on the filesystems in use; what `frame_suffix` and the extension need is kept free.
_LONGEST = 255
_KEPT_FREE = 16


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
    found = _FRAME_LIKE.fullmatch(stem) if "_" in stem else None
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
        safe = _without_device(safe)
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


FIELDS = (
    "stem",
    "name",
    "frame",
    "sop_instance_uid",
    "series_instance_uid",
    "study_instance_uid",
    "modality",
    "instance_number",
)
# Not compiled here: that would cost a single file, which needs none of them, a hundredth of its time.
_FIELD = r"\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}|[{}]"
_FRAME_FORMAT = r"0?\d{0,2}d?"
_UNSAFE = r'[\x00-\x1f\x7f<>:"/\\|?*]'
_DEVICE = r"(?i)(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)"


class Template(NamedTuple):
    """A checked ``--name`` template: literals, and pairs of a field and its format."""

    parts: tuple[str | tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Raises `OptionError` for what is no template or would leave the output folder."""
        for extension in FORMAT_NAMES:
            if text.lower().endswith(f".{extension}"):
                text = text[: -len(extension) - 1]
        parts: list[str | tuple[str, str]] = []
        end = 0
        for found in re.finditer(_FIELD, text):
            parts.append(text[end : found.start()])
            end = found.end()
            if found[0] in ("{{", "}}"):
                parts.append(found[0][0])
            elif found[1] is None:
                raise OptionError(f"name {text!r}: write {found[0] * 2} for the character {found[0]}")
            else:
                parts.append(_checked_field(text, found[1], found[2] or ""))
        parts.append(text[end:])
        _check_folders(text, parts)
        return cls(tuple(part for part in parts if part))

    @property
    def has_frame(self) -> bool:
        """Whether the template itself tells frames apart."""
        return any(part[0] == "frame" for part in self.parts if isinstance(part, tuple))

    @property
    def has_folders(self) -> bool:
        """Whether outputs lie in folders that the template makes."""
        return any("/" in part for part in self.parts if isinstance(part, str))

    def render(self, stem: str, name: str, header: Header, number: int, frames: int) -> str:
        """The output's path below its folder, with ``/``, without extension."""
        values = {"stem": stem, "name": name, "frame": number}
        text = ""
        for part in self.parts:
            if isinstance(part, str):
                text += part
                continue
            value = values[part[0]] if part[0] in values else getattr(header, part[0])
            text += re.sub(_UNSAFE, "_", format(value, part[1])).strip() or "unknown"
        path = "/".join(_safe_component(component) for component in text.split("/"))
        return path if self.has_frame or frames == 1 else path + frame_suffix(number, frames)


def _checked_field(text: str, field: str, spec: str) -> tuple[str, str]:
    if field not in FIELDS:
        known = ", ".join(f"{{{known}}}" for known in FIELDS)
        raise OptionError(f"name {text!r}: there is no field {{{field}}}; there are {known}")
    if spec and (field != "frame" or not re.fullmatch(_FRAME_FORMAT, spec)):
        raise OptionError(f"name {text!r}: only {{frame}} takes a format, a width such as {{frame:04d}}")
    return field, spec


def _check_folders(text: str, parts: list[str | tuple[str, str]]) -> None:
    # A field stands for one character here: it can neither be empty nor hold a separator.
    shape = "".join(part if isinstance(part, str) else "x" for part in parts)
    components = shape.split("/")
    if re.search(_UNSAFE, shape.replace("/", "")):
        raise OptionError(f'name {text!r}: no \\ < > : " | ? * nor control characters; / makes folders')
    if any(component.strip(". ") == "" for component in components):
        raise OptionError(f"name {text!r}: an empty part, . or .. (a name stays inside the output folder)")


def _safe_component(component: str) -> str:
    """One folder's or file's name that every system takes and no shell takes for an option."""
    trimmed = component.lstrip(".- ").rstrip(". ")
    return shorten(_without_device(trimmed or "_"))


def _without_device(name: str) -> str:
    return f"_{name}" if re.match(_DEVICE, name) else name
