"""Three windows of one gray image as red, green and blue."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastdcm.errors import OptionError
from fastdcm.model import Window
from fastdcm.options.presets import PRESETS, parse_preset
from fastdcm.options.window import check_window, parse_window

#: Names of presets, which other images than CT refuse, or windows; none where there are no channels.
Channels = tuple[str | Window, ...]


def parse_channels(value: str | Iterable[Any]) -> Channels:
    """Three presets or windows from ``A,B,C``, of which each is a name or ``CENTER/WIDTH[/FUNCTION]``.

    Or from a sequence of three of these, of (center, width[, function]), or of `Window`.
    """
    if isinstance(value, str):
        value = value.split(",")
    elif isinstance(value, Window) or not isinstance(value, Iterable):
        raise OptionError(f"channels {value!r} are not three windows")
    return check_channels(tuple(map(_channel, value)))


def check_channels(channels: Channels) -> Channels:
    """The channels, if they can be red, green and blue; else an `OptionError`."""
    if len(channels) != 3:
        raise OptionError(
            f"channels are three windows for red, green and blue, not {len(channels)} "
            "(for example brain,subdural,bone or 40/80,80/200,600/2800)"
        )
    for channel in channels:
        if isinstance(channel, Window):
            check_window(channel)
        elif channel not in PRESETS:
            raise OptionError(f"channel {channel!r} is not one of {', '.join(PRESETS)}")
    return channels


def _channel(value: Any) -> str | Window:
    if not isinstance(value, str):
        return parse_window(value)
    return parse_window(tuple(value.split("/"))) if "/" in value else parse_preset(value)
