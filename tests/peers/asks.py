"""What is asked of DCMTK, of fastdcm and of the formulas: each rule of the VOI, in three languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom

import fastdcm
from tests.corpus.second import run
from tests.peers import by_hand
from tests.peers.by_hand import Array, Full, Lut, Stretched, Voi, Window
from tests.peers.comparing import is_shown, of_frame, read_data_set


class Case(NamedTuple):
    """A frame, the file that DCMTK is given, and what pydicom reads about it."""

    name: str
    image: fastdcm.Image
    index: int
    given: Path
    stored: Array
    frame: pydicom.Dataset
    folder: Path


class Ask(NamedTuple):
    """The same request in three languages: DCMTK's options, keywords of `Image.render`, the formulas.

    ``changed`` takes the place of the file, ``frame`` that of its attributes.
    """

    options: list[str]
    keywords: dict[str, Any]
    voi: Voi
    changed: Path | None = None
    frame: pydicom.Dataset | None = None


def _middle(case: Case) -> tuple[float, float]:
    """A window over the middle third of the values, not of whole numbers."""
    x = by_hand.modality_values(case.stored, case.frame)
    low, high = by_hand.ends(x, is_shown(case.stored, case.frame), None)
    return round((low + high) / 2, 1), max(2.0, round((high - low) / 3, 1))


def _windows(case: Case) -> Iterator[Ask]:
    """Every window of the file, by number."""
    if case.frame.get("WindowCenter") in (None, ""):
        return
    function = case.frame.get("VOILUTFunction") or "LINEAR"
    centers, widths = (np.atleast_1d(case.frame[name].value) for name in ("WindowCenter", "WindowWidth"))
    # DCMTK finds the rescale in functional groups (the first one), but not the window.
    hidden = "SharedFunctionalGroupsSequence" in read_data_set(case.given)
    for number, (center, width) in enumerate(zip(centers, widths, strict=True), 1):
        voi = Window(float(center), float(width), function)
        asked = ["+Ww", str(voi.center), str(voi.width)] if hidden else ["+Wi", str(number)]
        yield Ask(asked, {"window_number": number}, voi)


def _explicit(function: str, option: str) -> Callable[[Case], Iterator[Ask]]:
    def asks(case: Case) -> Iterator[Ask]:
        center, width = _middle(case)
        asked = ["+Ww", str(center), str(width), option]
        yield Ask(asked, {"window": (center, width, function)}, Window(center, width, function.upper()))

    return asks


def _luts(case: Case) -> Iterator[Ask]:
    """Every VOI LUT of the file, by number."""
    for number in range(1, len(case.frame.get("VOILUTSequence") or []) + 1):
        yield Ask(["+Wl", str(number)], {"voi": "lut", "voi_lut_number": number}, Lut(number))


def _minmax(case: Case) -> Iterator[Ask]:
    yield Ask(["+Wm"], {"voi": "minmax"}, Stretched())


def _roi(case: Case) -> Iterator[Ask]:
    """The middle quarter."""
    rows, columns = case.stored.shape
    part = (columns // 4, rows // 4, max(1, columns // 2), max(1, rows // 2))
    yield Ask(["+Wr", *map(str, part)], {"voi": "roi", "roi": part}, Stretched(part))


def _inverse(case: Case) -> Iterator[Ask]:
    """The same pixels with the other Photometric Interpretation (C.7.6.3.1.2)."""
    data_set = read_data_set(case.given)
    other = "MONOCHROME1" if case.frame.PhotometricInterpretation == "MONOCHROME2" else "MONOCHROME2"
    frame = of_frame(data_set, case.index)
    for changed in (data_set, frame):
        changed.PhotometricInterpretation = other
        changed.pop("PresentationLUTShape", None)
    if data_set["PixelData"].is_undefined_length and not data_set.file_meta.TransferSyntaxUID.is_compressed:
        # GH1376, which says that it is native; pydicom would write it so.
        data_set.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLosslessSV1
    path = case.folder / "inverse.dcm"
    data_set.save_as(path)
    for ask in (*_explicit("linear", "+Wfl")(case), *_minmax(case)):
        yield ask._replace(changed=path, frame=frame)


def _native(case: Case) -> Path:
    """The file, or a decoded one: DCMTK's tools for states have no decoders."""
    data_set = read_data_set(case.given)
    syntax = data_set.file_meta.TransferSyntaxUID
    if not data_set["PixelData"].is_undefined_length:
        return case.given
    path = case.folder / f"{case.name}.decoded"
    if not path.exists():
        run("dcmdrle" if syntax == pydicom.uid.RLELossless else "dcmdjpeg", case.given, path)
    return path


def _states(shape: str | None) -> Callable[[Case], Iterator[Ask]]:
    """dcmpsmk takes rescale, VOI LUT or window, and shape of an image over into a state."""

    def asks(case: Case) -> Iterator[Ask]:
        native = _native(case)
        for way in ("+Vl", "+Vw", "-V"):
            path = case.folder / f"{way}.pre"
            run("dcmpsmk", "-q", "-o", "-s", way, native, path)
            state = pydicom.dcmread(path)
            if shape is not None:
                state.PresentationLUTShape = shape
                state.save_as(path)
            frame = _frame_of(state, case.frame)
            yield Ask([way], {"presentation_state": path}, _voi_of(state), native, frame)

    return asks


def _voi_of(state: pydicom.Dataset) -> Voi:
    if "SoftcopyVOILUTSequence" not in state:
        return Full()
    (item,) = state.SoftcopyVOILUTSequence
    if "VOILUTSequence" in item:
        return Lut(1)
    center, width = (float(np.atleast_1d(item[f"Window{what}"].value)[0]) for what in ("Center", "Width"))
    return Window(center, width, item.get("VOILUTFunction") or "LINEAR")


def _frame_of(state: pydicom.Dataset, frame: pydicom.Dataset) -> pydicom.Dataset:
    """The attributes of a state, in which nothing of the image's display counts (PS3.4 N.2)."""
    found = pydicom.Dataset()
    found.PhotometricInterpretation = "MONOCHROME2"
    (item,) = state.get("SoftcopyVOILUTSequence") or [pydicom.Dataset()]
    for source, names in (
        (frame, ("BitsStored", "PixelRepresentation", "RedPaletteColorLookupTableDescriptor")),
        (state, ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "PresentationLUTShape")),
        (item, ("VOILUTSequence",)),
    ):
        found.update({source[name].tag: source[name] for name in names if name in source})
    return found


RULES: dict[str, Callable[[Case], Iterator[Ask]]] = {
    "window of the file": _windows,
    "VOI LUT": _luts,
    "window, LINEAR": _explicit("linear", "+Wfl"),
    "window, SIGMOID": _explicit("sigmoid", "+Wfs"),
    "min-max": _minmax,
    "ROI": _roi,
    "inverse": _inverse,
    "presentation state": _states(None),
    "presentation state, INVERSE": _states("INVERSE"),
}
