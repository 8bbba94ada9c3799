"""Keyword arguments of the API as options."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import parse_format
from fastdcm.options.overlays import parse_color, parse_overlay_groups
from fastdcm.options.render import RenderOptions, parse_voi
from fastdcm.options.window import parse_window

#: The fields of `RenderOptions` that hold a topic: its class, whose fields are keywords of the API, too.
_TOPICS: dict[str, type[Any]] = {
    field.name: type(field.default) for field in fields(RenderOptions) if is_dataclass(field.default)
}
_PARSERS = {"overlay_groups": parse_overlay_groups, "overlay_color": parse_color}


def split_options(options: dict[str, Any]) -> tuple[RenderOptions, EncodeOptions]:
    """Keyword arguments of the API as the two dataclasses; an unknown name is an `OptionError`.

    Who asks for a quality or a subsampling gets it: then ``reencode`` is true, unless it is given.
    """
    asked = dict(options)
    if asked.keys() & {"quality", "subsampling"}:
        asked.setdefault("reencode", True)
    if asked.get("window") is not None:
        asked["window"] = parse_window(asked["window"])
    if isinstance(asked.get("voi"), str):
        asked |= parse_voi(asked["voi"])
    if "format" in asked:
        asked["format"] = parse_format(asked["format"])
    if "subsampling" in asked:
        asked["subsampling"] = str(asked["subsampling"]).replace(":", "")
    for name in _PARSERS.keys() & asked.keys():
        asked[name] = _PARSERS[name](asked[name])
    topics = {topic: {field.name for field in fields(kind)} for topic, kind in _TOPICS.items()}
    render_names = {field.name for field in fields(RenderOptions)} - topics.keys()
    encode_names = {field.name for field in fields(EncodeOptions)}
    every_name = render_names.union(encode_names, *topics.values())
    if unknown := sorted(asked.keys() - every_name):
        known = ", ".join(sorted(every_name))
        raise OptionError(f"unknown option {unknown[0]!r}; there are {known}")
    try:
        render: dict[str, Any] = {
            topic: _TOPICS[topic](**{name: asked[name] for name in names & asked.keys()})
            for topic, names in topics.items()
            if names & asked.keys()
        }
        return (
            RenderOptions(**render, **{name: value for name, value in asked.items() if name in render_names}),
            EncodeOptions(**{name: value for name, value in asked.items() if name in encode_names}),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(f"an option has a value of the wrong kind: {error}") from error
