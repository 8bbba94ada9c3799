"""Output names from a template, ``--name``; few runs have one."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from fastdcm.batch.naming import frame_suffix, shorten, without_device
from fastdcm.errors import OptionError
from fastdcm.model import Header
from fastdcm.options import FORMAT_NAMES
from fastdcm.sidecars.fields import FREE, HEADER, NAME, NUMBERS, STEM, TAGS, UNIQUE, check_field

#: The fields that a template may have without further leave.
FIELDS = FREE
_FIELD = r"\{\{|\}\}|\{([^{}:]*)(?::([^{}]*))?\}|[{}]"
_WIDTH = r"0?\d{0,2}d?"
#: IS (PS3.5 6.2).
_WHOLE_NUMBER = r"[+-]?[0-9]{1,12}"
#: What some system does not take in a name, and what shows another name than there is: controls, marks
#: without width, changes of direction.
_UNSAFE = r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]'
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Template(NamedTuple):
    """A checked ``--name`` template: literals, and pairs of a field and its format."""

    parts: tuple[str | tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str, *, allow_phi: bool = False) -> Template:
        """Raises `OptionError` for what is no template, would leave the output folder, or, unless
        ``allow_phi``, may tell who a patient is.
        """
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
                check_field(text, found[1], allow_phi=allow_phi)
                parts.append((found[1], _checked_width(text, found[1], found[2] or "")))
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
        return self.has_path or any("/" in part for part in self.parts if isinstance(part, str))

    @property
    def attributes(self) -> frozenset[str]:
        """The fields that no header has, which `fastdcm.sidecars.fields.read_fields` looks for."""
        return frozenset(part[0] for part in self.parts if not isinstance(part, str) and part[0] in TAGS)

    @property
    def has_path(self) -> bool:
        """Whether names count from the folder of all outputs, because they have the source's path."""
        return any(part[0] == "path" for part in self.parts if isinstance(part, tuple))

    def tells_apart(self, *, by_name: bool = True, by_stem: bool = True) -> bool:
        """Whether inputs whose outputs share a folder cannot have the same name, but for copies of one image.

        ``by_name`` is whether the names of their files differ, ``by_stem`` whether their stems do.
        """
        fields = {part[0] for part in self.parts if isinstance(part, tuple)}
        return not fields.isdisjoint(UNIQUE) or (by_name and NAME in fields) or (by_stem and STEM in fields)

    def render(
        self,
        stem: str,
        name: str,
        header: Header,
        number: int,
        frames: int,
        *,
        folder: str = "",
        attributes: Mapping[str, str] = _NOTHING,
        twin: int = 1,
    ) -> str:
        """The output's path below its folder, with ``/``, without extension.

        ``folder`` is the source's below its root, ``attributes`` has the values of those of `attributes`;
        ``twin`` tells apart inputs that would have the same name.
        """
        values = {"stem": stem, "name": name, "frame": str(number), **attributes}
        text = ""
        for part in self.parts:
            if isinstance(part, str):
                text += part
            elif part[0] == "path":
                text += _path_text(folder, stem)
            else:
                field, width = part
                value = getattr(header, field) if field in HEADER else values[field]
                text += _value_text(value, field, width)
        if twin > 1:
            text += f"-{twin}"
        safe = "/".join(_safe_component(component) for component in text.split("/"))
        return safe if self.has_frame or frames == 1 else safe + frame_suffix(number, frames)


def _path_text(folder: str, stem: str) -> str:
    """A source's path below its root, with ``/`` between folders."""
    folders = folder.replace(os.sep, "/").split("/") if folder else []
    return "/".join(re.sub(_UNSAFE, "_", part) or "_" for part in (*folders, stem))


def _value_text(value: str, field: str, width: str) -> str:
    """A value of an object as a part of a name, which has no separators."""
    value = value.strip()
    if field in NUMBERS and re.fullmatch(_WHOLE_NUMBER, value):
        # A name that begins with a sign would lose it.
        value = (format(int(value), width) if width else value.lstrip("+")).replace("-", "_")
    return re.sub(_UNSAFE, "_", value).strip() or "unknown"


def _checked_width(text: str, field: str, width: str) -> str:
    if width and (field not in NUMBERS or not re.fullmatch(_WIDTH, width)):
        numbers = ", ".join(f"{{{number}}}" for number in FREE if number in NUMBERS)
        raise OptionError(f"name {text!r}: only {numbers} take a format, a width such as {{frame:04d}}")
    return width


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
    return shorten(without_device(trimmed or "_"))
