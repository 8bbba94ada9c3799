"""Keyword arguments of the API as options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.options.channels import parse_channels
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import parse_format
from fastdcm.options.geometry import parse_size, parse_spacing
from fastdcm.options.overlays import parse_color, parse_overlay_groups
from fastdcm.options.presets import parse_preset
from fastdcm.options.region import parse_crop, parse_region, parse_regions
from fastdcm.options.render import RenderOptions, parse_voi
from fastdcm.options.window import parse_window

#: Fields of `RenderOptions` that are topics of their own: the fields of these are keywords, too.
_TOPICS: dict[str, type[Any]] = {
    field.name: type(field.default) for field in fields(RenderOptions) if is_dataclass(field.default)
}
_KINDS: dict[str, type[Any]] = {"render": RenderOptions, **_TOPICS, "encode": EncodeOptions}
_NAMES = {topic: {field.name for field in fields(kind)} for topic, kind in _KINDS.items()}
_KNOWN = set[str]().union(*_NAMES.values())
#: For calls without options, which are most of those in a loop.
_USUAL = RenderOptions(), EncodeOptions()
_ATOMS = frozenset((bool, int, float, str, type(None)))
#: Keywords whose values may be written in several ways.
_PARSERS: dict[str, Callable[[Any], Any]] = {
    "window": parse_window,
    "preset": parse_preset,
    "channels": parse_channels,
    "size": parse_size,
    "spacing": parse_spacing,
    "crop": parse_crop,
    "roi": parse_region,
    "masks": parse_regions,
    "overlay_groups": parse_overlay_groups,
    "overlay_color": parse_color,
}


def split_options(options: dict[str, Any]) -> tuple[RenderOptions, EncodeOptions]:
    """Keyword arguments of the API as the two dataclasses; an unknown name is an `OptionError`.

    A topic is given by its fields, or as a whole. Who asks for a quality or a subsampling gets it: then
    ``reencode`` is true, and with a quality ``lossless`` is false, unless they are given.
    """
    if not options:
        return _USUAL
    # Those of a loop are the same each time, and of kinds that are told apart by their types.
    if all(type(value) in _ATOMS for value in options.values()):
        return _split_again(**options)
    return _split(options)


@lru_cache(maxsize=64, typed=True)
def _split_again(**options: Any) -> tuple[RenderOptions, EncodeOptions]:
    return _split(options)


def _split(options: dict[str, Any]) -> tuple[RenderOptions, EncodeOptions]:
    asked = dict(options)
    if asked.keys() & {"quality", "subsampling"}:
        asked.setdefault("reencode", True)
    if "quality" in asked and asked.setdefault("lossless", False):
        raise OptionError("quality and lossless exclude each other")
    for name, parse in _PARSERS.items():
        if asked.get(name) is not None:
            asked[name] = parse(asked[name])
    if isinstance(asked.get("voi"), str):
        asked |= parse_voi(asked["voi"])
    if "format" in asked:
        asked["format"] = parse_format(asked["format"])
    if "subsampling" in asked:
        asked["subsampling"] = str(asked["subsampling"]).replace(":", "")
    # Of a topic only its class says what is meant: the name of one is no keyword.
    no_topics = {topic for topic, kind in _TOPICS.items() if not isinstance(asked.get(topic), kind)}
    if unknown := sorted(asked.keys() - (_KNOWN - no_topics)):
        there = ", ".join(sorted(_KNOWN - _TOPICS.keys()))
        raise OptionError(f"unknown option {unknown[0]!r}; there are {there}")
    given = {topic: {name: asked[name] for name in asked.keys() & own} for topic, own in _NAMES.items()}
    try:
        for topic, kind in _TOPICS.items():
            if given[topic] and topic in asked:
                raise OptionError(f"{min(given[topic])} is a field of {topic}, which is given, too")
            if given[topic]:
                given["render"][topic] = kind(**given[topic])
        return RenderOptions(**given["render"]), EncodeOptions(**given["encode"])
    except (TypeError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(f"an option has a value of the wrong kind: {error}") from error


def options_of_values(asked: dict[str, Any]) -> RenderOptions:
    """Keyword arguments that say in which geometry values are wanted; others are an `OptionError`."""
    if unknown := sorted(asked.keys() - _NAMES["geometry"] - {"geometry"}):
        raise OptionError(
            f"{unknown[0]!r} is no option of values; there are {', '.join(sorted(_NAMES['geometry']))}"
        )
    return split_options(asked)[0]
