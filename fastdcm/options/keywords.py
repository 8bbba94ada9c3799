"""Keyword arguments of the API as options."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.options.colour import ColourOptions
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import parse_format
from fastdcm.options.render import RenderOptions, parse_voi
from fastdcm.options.window import parse_window

#: Fields of `RenderOptions` that are dataclasses of their own -> these; their fields are keywords, too.
_TOPICS: dict[str, type[Any]] = {"colour": ColourOptions}


def split_options(options: dict[str, Any]) -> tuple[RenderOptions, EncodeOptions]:
    """Keyword arguments of the API as the two dataclasses; an unknown name is an `OptionError`.

    Who asks for a quality or a subsampling gets it: then ``reencode`` is true, and with a quality
    ``lossless`` is false, unless they are given.
    """
    asked = dict(options)
    if asked.keys() & {"quality", "subsampling"}:
        asked.setdefault("reencode", True)
    if "quality" in asked and asked.setdefault("lossless", False):
        raise OptionError("quality and lossless exclude each other")
    if asked.get("window") is not None:
        asked["window"] = parse_window(asked["window"])
    if isinstance(asked.get("voi"), str):
        asked |= parse_voi(asked["voi"])
    if "format" in asked:
        asked["format"] = parse_format(asked["format"])
    if "subsampling" in asked:
        asked["subsampling"] = str(asked["subsampling"]).replace(":", "")
    render_names = {field.name for field in fields(RenderOptions)}
    encode_names = {field.name for field in fields(EncodeOptions)}
    topics = {name: {field.name for field in fields(topic)} for name, topic in _TOPICS.items()}
    known = (render_names | encode_names).union(*topics.values())
    whole = {name for name, topic in _TOPICS.items() if not isinstance(asked.get(name), topic)}
    if unknown := sorted(asked.keys() - known | asked.keys() & whole):
        raise OptionError(
            f"unknown option {unknown[0]!r}; there are {', '.join(sorted(known - topics.keys()))}"
        )
    try:
        for topic, names in topics.items():
            if own := {name: asked.pop(name) for name in names & asked.keys()}:
                asked[topic] = replace(asked.get(topic, _TOPICS[topic]()), **own)
        return (
            RenderOptions(**{name: value for name, value in asked.items() if name in render_names}),
            EncodeOptions(**{name: value for name, value in asked.items() if name in encode_names}),
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        raise OptionError(f"an option has a value of the wrong kind: {error}") from error
