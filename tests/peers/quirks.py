"""Why DCMTK 3.6.7 shows some images of the corpus otherwise, each with what it computes instead.

A `Quirk` is proven where its model gives DCMTK's picture, while fastdcm's is that of the formulas.
"""

from __future__ import annotations

import copy

import numpy as np
import pydicom

from tests.peers import by_hand
from tests.peers.by_hand import Array, Quirk, Stretched, Voi, Window
from tests.peers.comparing import WORDS


def _shown(x: Array, stored: Array, voi: Voi, frame: pydicom.Dataset, extra: tuple[float, ...] = ()) -> Array:
    """Display values where padding counts among the values that a range is made of, as do ``extra`` ones."""
    if isinstance(voi, Stretched):
        low, high = by_hand.ends(x, np.ones(x.shape, bool), voi.part)
        low, high = min([low, *extra]), max([high, *extra])
        # LINEAR of this window is the range (C.11.2.1.2.1); of a single value it is a step behind it.
        voi = Window((low + high + 1) / 2, high - low + 1)
    return by_hand.presented(by_hand.voi_values(x, stored, voi, frame), frame)


def _whole(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    return _shown(np.trunc(by_hand.modality_values(stored, frame)), stored, voi, frame)


def _padded(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    return _shown(by_hand.modality_values(stored, frame), stored, voi, frame)


def _odd(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    return _shown(by_hand.modality_values(stored, frame), stored, voi, frame, extra=(0.0,))


def _declared(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    kept = stored & ((1 << frame.BitsStored) - 1)
    return _shown(by_hand.modality_values(kept, frame), kept, voi, frame)


def _words(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    swapped = (stored >> 16 | stored << 16).astype(stored.dtype)
    # 32-bit numbers of DCMTK's are whole.
    return _shown(np.trunc(by_hand.modality_values(swapped, frame)), swapped, voi, frame)


def _copied(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    declared = copy.deepcopy(frame)
    declared.BitsStored = 16
    return by_hand.display_values(stored, voi, declared)


def _sigmoid(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    if not isinstance(voi, Stretched):
        return by_hand.display_values(stored, voi, frame)
    x = by_hand.modality_values(stored, frame)
    low, high = by_hand.ends(x, np.ones(x.shape, bool), voi.part)
    window = Window((low + high + 1) / 2, high - low + 1, "SIGMOID")
    return by_hand.presented(by_hand.voi_values(x, stored, window, frame), frame)


def _shifted(stored: Array, voi: Voi, frame: pydicom.Dataset) -> Array:
    return by_hand.presented(stored * 2.0 ** (8 - frame.BitsStored), frame)


WHOLE = Quirk("DCMTK cuts modality values to whole numbers before the VOI; C.11.2 has no such step", _whole)
PADDING = Quirk(
    "Pixel Padding Value (to Range Limit) is no value of the image (C.7.5.1.1.2); DCMTK stretches from it",
    _padded,
)
ODD = Quirk("DCMTK counts the zero that makes an odd number of 8-bit pixels even among the pixels", _odd)
DECLARED = Quirk(
    "the 12-bit codestream overshoots the 10 bits that are declared. Its samples count (PS3.5 8.2.1): 1024 "
    "among 1022 is as dark as its neighbours. DCMTK keeps 10 bits, and shows white dots",
    _declared,
)
BIG_ENDIAN_WORDS = Quirk(WORDS, _words)
COPIED = Quirk(
    "the copy that DCMTK gets declares 16 bits, since 12 would cut off values that overshoot them; a state "
    "without VOI shows the whole range that is declared (PS3.4 N.2.1.3)",
    _copied,
)
SIGMOID = Quirk(
    "DCMTK applies the file's VOI LUT Function, SIGMOID, to a range of its own, with padding in it", _sigmoid
)
SHIFTED = Quirk(
    "an identity is one of the whole range (PS3.4 N.2.1.3): 1 bit is black and white. Of less than 8 bits "
    "DCMTK shifts the values: it shows 0 and 128",
    _shifted,
)
