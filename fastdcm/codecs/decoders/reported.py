"""Errors of a library that its binding reports to the interpreter but does not raise.

Cython prints an exception that a function cannot pass on, by `sys.unraisablehook`, and the call returns
as if all were well: with a wrong image, when the function is a decoder.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_ORIGINS = frozenset({"imagecodecs._htj2k._copy_from_codestream"})

_seen = threading.local()
_lock = threading.Lock()
_previous: Callable[[Any], Any] = sys.unraisablehook


def _hook(unraisable: Any) -> None:
    """Keep what comes from a decoder, in the thread that called it; pass on everything else."""
    if isinstance(unraisable.object, str) and unraisable.object in _ORIGINS:
        _seen.error = unraisable.exc_value
    else:
        _previous(unraisable)


def _install() -> None:
    """Put the hook before whichever is there now."""
    global _previous
    with _lock:
        if sys.unraisablehook is not _hook:
            _previous, sys.unraisablehook = sys.unraisablehook, _hook


def raising(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, raising as RuntimeError what its binding merely reports."""

    def call(*arguments: Any, **options: Any) -> Any:
        _install()
        _seen.error = None
        result = function(*arguments, **options)
        if _seen.error is not None:
            raise RuntimeError(str(_seen.error))
        return result

    return call
