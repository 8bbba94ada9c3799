"""How objects are read, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass

Decoder = Literal["auto", "own", "library"]


@dataclass(frozen=True)
class Limits:
    """What an object may ask for before it is refused; no honest file reaches the defaults.

    ``max_pixels`` bounds Rows x Columns of a frame, ``max_decoded`` the bytes of all frames together
    once they are decoded, ``max_inflated`` the bytes of a deflated data set (PS3.5 A.5), and
    ``max_nesting`` the depth of sequences in sequences.
    """

    max_pixels: int = 1 << 29
    max_decoded: int = 1 << 46
    max_inflated: int = 1 << 30
    max_nesting: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            _must_be_positive(field.name, getattr(self, field.name))


def _must_be_positive(name: str, value: Any) -> None:
    if not isinstance(value, int) or value < 1:
        raise OptionError(f"{name} must be a whole number above 0, not {value!r}")


LIMIT_NAMES = frozenset(field.name for field in fields(Limits))


@dataclass(frozen=True)
class ReadOptions:
    """How objects are read.

    ``strict`` makes every notice an error. ``allow_partial`` gives what is there of a frame that is
    cut, filled up with its darkest value and with a notice; without it such a frame is an error.
    ``threads`` may work at one frame, where its decoder can share it out (JPEG 2000; lossless JPEG with
    restart intervals): more than one for who waits for a single frame, one for who decodes several at once,
    which is faster in all.
    ``decoder`` is for JPEG 2000, JPEG-LS and JPEG: our own one, the ``library``
    (OpenJPEG, CharLS, libjpeg-turbo), or the own one where it can and pays (``auto``); a frame of these that
    ``own`` cannot decode is an `UnsupportedError`. Gray baseline JPEG that is halved for a smaller size is
    decoded by our own but for ``library``. ``refuse_burned_in`` makes an image that says that patients'
    names may be in its pixels (Burned In Annotation YES, PS3.3 C.7.6.1) a `BurnedInError`; else that is a
    notice.
    """

    strict: bool = False
    allow_partial: bool = False
    limits: Limits = Limits()
    threads: int = 1
    decoder: Decoder = "auto"
    refuse_burned_in: bool = False

    def __post_init__(self) -> None:
        _must_be_positive("threads", self.threads)
        if self.decoder not in get_args(Decoder):
            raise OptionError(f"decoder {self.decoder!r} is not one of {', '.join(get_args(Decoder))}")

    @classmethod
    def of(
        cls,
        *,
        strict: bool = False,
        allow_partial: bool = False,
        threads: int = 1,
        decoder: Decoder = "auto",
        refuse_burned_in: bool = False,
        **limits: Any,
    ) -> ReadOptions:
        """From keyword arguments of the API: this class' own, and the fields of `Limits`."""
        if unknown := sorted(limits.keys() - LIMIT_NAMES):
            raise OptionError(f"unknown option {unknown[0]!r}")
        changed = strict or allow_partial or refuse_burned_in or limits or type(threads) is not int
        if not changed and threads == 1 and decoder == "auto":
            return _USUAL  # of most calls in a loop
        return cls(strict, allow_partial, Limits(**limits), threads, decoder, refuse_burned_in)


_USUAL = ReadOptions()
