"""Windows as people write them (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

import math
from typing import Any, get_args

from fastdcm.errors import OptionError
from fastdcm.model import VoiFunction, Window


def parse_window(value: str | Window | tuple[Any, ...]) -> Window:
    """A window from ``CENTER,WIDTH[,FUNCTION]``, a tuple of the same, or a `Window`.

    The width must be at least 1 for LINEAR, above 0 for the other functions (PS3.3 C.11.2.1.2).
    """
    if isinstance(value, Window):
        return check_window(value)
    try:
        parts = value.split(",") if isinstance(value, str) else [str(part) for part in value]
    except TypeError:
        raise OptionError(f"window {value!r} is not (center, width)") from None
    if len(parts) not in (2, 3):
        raise OptionError(f"window {value!r} is not CENTER,WIDTH or CENTER,WIDTH,FUNCTION")
    try:
        center, width = float(parts[0]), float(parts[1])
    except ValueError:
        raise OptionError(f"window {value!r}: center and width must be numbers") from None
    name = parts[2].strip().upper() if len(parts) == 3 else "LINEAR"
    for function in get_args(VoiFunction):
        if function == name:
            return check_window(Window(center, width, function))
    known = ", ".join(known.lower() for known in get_args(VoiFunction))
    raise OptionError(f"window {value!r}: {name.lower()} is not one of {known}")


def check_window(window: Window) -> Window:
    """The window, if it has a meaning; else an `OptionError`."""
    if window.function not in get_args(VoiFunction):
        raise OptionError(
            f"window function {window.function!r} is not one of {', '.join(get_args(VoiFunction))}"
        )
    if not is_usable(window):
        least = "at least 1" if window.function == "LINEAR" else "above 0"
        raise OptionError(
            f"window {window.center:g},{window.width:g}: the width must be {least}, both numbers finite"
        )
    return window


def is_usable(window: Window) -> bool:
    """Whether PS3.3 C.11.2.1.2 gives this window a meaning."""
    if not (math.isfinite(window.center) and math.isfinite(window.width)):
        return False
    return window.width >= 1 if window.function == "LINEAR" else window.width > 0
