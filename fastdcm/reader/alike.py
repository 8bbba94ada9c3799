"""Objects whose headers say the same: what was made of the first is remembered for the others.

The slices of a series differ in their names and their pixels only. Where kernels are loaded, one of them
passes a header and puts together all of its values that count, and what is known of the same values is taken
over. That takes a third of the time of reading and planning, which is up to a tenth of that of a CT slice
(benches/bench_reader.py). It is done with plain files in which there is nothing to notice; of encapsulated
ones the fragments are found each time.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fastdcm.kernels import Payoff
from fastdcm.model import Display, Header, Samples
from fastdcm.options import Limits
from fastdcm.reader.elements import IMPLICIT_LE, PIXEL_DATA, PROFILES, UNDEFINED, Element, Encoding
from fastdcm.reader.header import NAMES
from fastdcm.reader.plain import DATA_SET, ELEMENTS_A_SCAN, ELEMENTS_BEFORE_NUMBA, HEADS, META, VRS
from fastdcm.reader.scan import DataSet
from fastdcm.reader.source import Source
from fastdcm.reader.values import text_of

_PAYOFF = Payoff(ELEMENTS_BEFORE_NUMBA // ELEMENTS_A_SCAN, ("elements",))
#: Series whose slices come mixed; then all are forgotten.
_MOST = 256
_MOST_BYTES = 4096
#: What is read of a large file for it, which is little beside a frame: most headers are shorter. Where one is
#: seen that is not, so much is read of the next, up to the most.
_HEAD_BYTES, _MOST_HEAD_BYTES = 4096, 32768
#: Functional groups may be short, and say something else of each frame; profiles are read when it is known
#: that they are needed.
_READ_LATER = PROFILES | {0x52009229, 0x52009230}
_IMPLICIT = np.frombuffer(IMPLICIT_LE.encode(), np.uint8)
_WANTED = DATA_SET.wanted
_OWN = np.array(list(NAMES), np.int64)
_WORD = np.dtype("<u2")


class Alike:
    """What objects of the same values share: what was read of the first, and made of it by others.

    ``header`` has the first one's names.
    """

    __slots__ = ("_decoded", "_frame_bytes", "display", "encoding", "header", "is_native", "plan")

    def __init__(self, header: Header, encoding: Encoding, *, native: bool) -> None:
        self.header, self.encoding, self.is_native = header, encoding, native
        self.display: Display | None = None
        self.plan: Any = None
        self._decoded: Samples | None = None
        self._frame_bytes = header.native_frame_bits // 8 if native and header.is_gray_words else 0

    def was_decoded(self, samples: Samples) -> None:
        """A frame of one of them was decoded, not masked, and there was nothing to notice."""
        if self._frame_bytes and not samples.masked and not samples.missing:
            self._decoded = samples._replace(array=None)

    def samples(self, found: DataSet, index: int) -> Samples | None:
        """A frame's samples, not masked, where decoding is taking words that are all there; else None."""
        whole, pixel, size = found.source.whole, found.pixel, self._frame_bytes
        if self._decoded is None or whole is None or pixel is None:
            return None
        start = index * size
        if start + size > min(pixel[2], len(whole) - pixel[1]):
            return None
        words = np.ndarray((self.header.rows, self.header.columns), _WORD, whole, pixel[1] + start)
        return self._decoded._replace(array=words.astype(np.uint16, copy=False))


class Digest(NamedTuple):
    """The values of a file: ``key`` is all but its names, whose places in ``head`` are told."""

    key: tuple[Any, ...]
    source: Source
    head: bytes | memoryview
    pixel: Element
    names: list[list[int]]


_known: dict[tuple[Any, ...], Alike] = {}


class _Scratch(threading.local):
    """What the kernel writes to, and how much of a file it looks at; a thread's own."""

    def __init__(self) -> None:
        self.head_bytes = _HEAD_BYTES
        self.places, self.out = np.empty((2 + len(NAMES), 2), np.int64), np.empty(_MOST_BYTES, np.uint8)
        self.found = np.empty((2 * len(_WANTED), 4), np.int64)


_scratch = _Scratch()


@cache
def _kernel() -> Any:
    """Asked for once: an import statement costs some microseconds each time."""
    from fastdcm.kernels.elements import digest

    return digest


def digest_of(source: Source, limits: Limits) -> Digest | None:
    """A file's values; None where it is not plain, or kernels do not pay yet."""
    if not _PAYOFF.reached(1):
        return None
    head = source.ahead(0, _scratch.head_bytes) if source.whole is None else source.whole
    places, out = _scratch.places, _scratch.out
    data = np.frombuffer(head, np.uint8)
    _kernel()(data, HEADS, _IMPLICIT, META.wanted, _WANTED, _OWN, _scratch.found, places, out)
    (size, vr), (offset, length), *names = places.tolist()
    if not size:
        return None
    return Digest((out[:size].tobytes(), vr, length, limits), source, head, (VRS[vr], offset, length), names)


def recall(digest: Digest | None) -> tuple[DataSet, Alike] | None:
    """The data set of a file whose values are known, without elements but its pixels; and what is known."""
    known = None if digest is None else _known.get(digest.key)
    if digest is None or known is None or known.display is None:
        return None
    uid = known.header.transfer_syntax_uid
    return DataSet(digest.source, known.encoding, uid, {}, PIXEL_DATA, digest.pixel), known


def named(header: Header, digest: Digest) -> Header:
    """A header with a file's own names."""
    names = (text_of(bytes(digest.head[offset : offset + length])) for offset, length in digest.names)
    return header.changed(**dict(zip(NAMES.values(), names, strict=True)))


def remember(digest: Digest | None, found: DataSet, header: Header) -> Alike | None:
    """Where to put what is made of this file's values; None where it is of this file alone."""
    if digest is None and found.pixel is not None:
        # The head of Pixel Data has to be there as that of any element would: 12 bytes, also where it has 8.
        needed = found.pixel[1] + 4
        if needed <= _MOST_HEAD_BYTES:
            _scratch.head_bytes = max(_scratch.head_bytes, needed)
    if digest is None or found.notices or found.pixel != digest.pixel or _READ_LATER & found.elements.keys():
        return None
    if len(_known) >= _MOST:
        _known.clear()
    native = digest.pixel[2] != UNDEFINED
    return _known.setdefault(digest.key, Alike(header, found.encoding, native=native))
