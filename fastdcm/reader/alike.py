"""Objects whose headers say the same: what was made of the first is remembered for the others.

The slices of a series differ in their names and their pixels only. Where kernels are loaded, one of them
passes a header and puts together all of its values that count, and what is known of the same values is taken
over. That takes a third of the time of reading and planning, which is up to a tenth of that of a CT slice
(benches/bench_reader.py). It is done with plain native files in which there is nothing to notice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fastdcm.kernels import Payoff
from fastdcm.model import Display, Header
from fastdcm.options import Limits
from fastdcm.reader.elements import IMPLICIT_LE, PIXEL_DATA, Element, Encoding
from fastdcm.reader.header import NAMES
from fastdcm.reader.plain import DATA_SET, ELEMENTS_A_SCAN, ELEMENTS_BEFORE_NUMBA, HEADS, META, VRS
from fastdcm.reader.scan import DataSet
from fastdcm.reader.source import Source
from fastdcm.reader.values import text_of

_PAYOFF = Payoff(ELEMENTS_BEFORE_NUMBA // ELEMENTS_A_SCAN, ("elements",))
#: Series whose slices come mixed; then all are forgotten.
_MOST = 256
_MOST_BYTES = 4096
#: Functional groups may be short, and say something else of each frame.
_GROUPS = frozenset((0x52009229, 0x52009230))
_IMPLICIT = np.frombuffer(IMPLICIT_LE.encode(), np.uint8)
_WANTED = DATA_SET.wanted
_OWN = np.array(list(NAMES), np.int64)


class Alike:
    """What objects of the same values share: what was read of the first, and made of it by others."""

    __slots__ = ("display", "encoding", "header", "plan")

    def __init__(self, header: Header, encoding: Encoding) -> None:
        self.header, self.encoding = header, encoding
        self.display: Display | None = None
        self.plan: Any = None


class Digest(NamedTuple):
    """The values of a native file: ``key`` is all but its names, which are told by their places."""

    key: tuple[Any, ...]
    source: Source
    pixel: Element
    names: list[list[int]]


_known: dict[tuple[Any, ...], Alike] = {}


def digest_of(source: Source, limits: Limits) -> Digest | None:
    """A file's values; None where it is not in memory, not plain and native, or kernels do not pay yet."""
    whole = source.whole
    if whole is None or not _PAYOFF.reached(1):
        return None
    from fastdcm.kernels import elements as kernels

    places, out = np.empty((2 + len(NAMES), 2), np.int64), np.empty(_MOST_BYTES, np.uint8)
    found = np.empty((2 * len(_WANTED), 4), np.int64)
    data = np.frombuffer(whole, np.uint8)
    kernels.digest(data, HEADS, _IMPLICIT, META.wanted, _WANTED, _OWN, found, places, out)
    (size, vr), (offset, length), *names = places.tolist()
    if not size:
        return None
    return Digest((out[:size].tobytes(), vr, length, limits), source, (VRS[vr], offset, length), names)


def recall(digest: Digest | None) -> tuple[DataSet, Header, Alike] | None:
    """Data set and header of a file whose values are known. The data set has no elements but its pixels."""
    known = None if digest is None else _known.get(digest.key)
    if digest is None or known is None or known.display is None:
        return None
    whole = digest.source.whole or b""
    names = (text_of(whole[offset : offset + length]) for offset, length in digest.names)
    header = known.header.changed(**dict(zip(NAMES.values(), names, strict=True)))
    uid = header.transfer_syntax_uid
    return DataSet(digest.source, known.encoding, uid, {}, PIXEL_DATA, digest.pixel), header, known


def remember(digest: Digest | None, found: DataSet, header: Header) -> Alike | None:
    """Where to put what is made of this file's values; None where it is of this file alone."""
    if digest is None or found.notices or found.pixel != digest.pixel or _GROUPS & found.elements.keys():
        return None
    if len(_known) >= _MOST:
        _known.clear()
    return _known.setdefault(digest.key, Alike(header, found.encoding))
