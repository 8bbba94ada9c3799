"""How servers are asked, and how much of them is borne."""

from __future__ import annotations

import math
from dataclasses import fields

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass


@dataclass(frozen=True)
class WebOptions:
    """How servers are asked, and how much of them is borne.

    ``timeout`` are seconds of silence, until a connection stands or while an answer comes; ``deadline`` those
    that a whole answer may take. ``tries`` is how often something is asked for, the first time included,
    where a server says 429, 503 or another 5xx, is silent, or a connection drops; in between lie
    ``backoff`` seconds, twice as many each time, of which a random part passes, or as many as Retry-After
    says: more than ``max_wait`` are not waited. ``max_body`` bounds the bytes of an answer, and
    ``max_redirects`` how often it may be elsewhere. ``connections`` are open to a server at once.
    """

    timeout: float = 30.0
    deadline: float = 900.0
    tries: int = 5
    backoff: float = 0.5
    max_wait: float = 120.0
    max_body: int = 4 << 30
    max_redirects: int = 5
    connections: int = 8

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            whole = field.type == "int"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise OptionError(f"{field.name} must be a number, not {value!r}")
            least = 0 if field.name in ("backoff", "max_wait", "max_redirects") else 1 if whole else 1e-3
            if not least <= value < math.inf:
                raise OptionError(f"{field.name} must be {least:g} or more, not {value:g}")
