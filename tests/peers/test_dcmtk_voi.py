"""DCMTK's dcmj2pnm with the same windows and regions of interest, on real gray images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import fastdcm
from fastdcm.errors import RenderError
from fastdcm.options import PRESETS
from tests.conftest import PYDICOM_FILES
from tests.peers.comparing import Tally, frames_of, images, is_shown, of_frame, read_data_set
from tests.peers.test_dcmtk import GRAY_DEVIATES, GRAY_REFUSED, RefusedError, dcmj2pnm, readable

pytestmark = pytest.mark.filterwarnings("ignore")

FRACTIONS = (
    "Rescale Slope 32.1216: DCMTK rounds modality values to whole numbers before the window, which C.11.2 "
    "does not, so 32.4432 HU counts as 32 in a window of 40"
)
PRESETS_DEVIATE = {
    f"cornerstone3D{name}.dcm": FRACTIONS
    for name in (
        ".h01605__CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57",
        ".h4b0b0__CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51",
        ".hbf174__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53",
        ".he9915__CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50",
        "__CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53",
    )
}


def test_presets(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Every gray CT with a rescale, by every preset: DCMTK is given the numbers."""
    tool, tally = peer("dcmj2pnm"), Tally("DCMTK, presets")
    for name, path in images(corpus).items():
        for image, index in frames_of(path, decoder="library"):
            gray = image.header.photometric_interpretation.startswith("MONOCHROME")
            if image.header.modality != "CT" or not gray or "rescale" not in image.explain(index):
                continue
            if of_frame(read_data_set(path), index).get("RescaleType", "HU") != "HU":
                with pytest.raises(RenderError, match="Rescale Type"):
                    image.render(index, preset="lung")
                continue
            try:
                given = readable(path, image.header, tmp_path, index)
                for preset, (center, width, _) in PRESETS.items():
                    theirs = dcmj2pnm(tool, given, index + 1, "+Ww", str(center), str(width))
                    ours = image.render(index, presentation_shape="follow", preset=preset)
                    tally.add(name, index + 1, ours, theirs, 1)
            except RefusedError as refused:
                tally.refuse(name, index + 1, refused)
    record_property("DCMTK, presets", str(tally))
    tally.check(PRESETS_DEVIATE, GRAY_REFUSED)


def regions(columns: int, rows: int) -> list[tuple[int, int, int, int]]:
    """The middle, and a corner; all inside, because DCMTK clips nothing."""
    return [
        (columns // 4, rows // 4, max(1, columns // 2), max(1, rows // 2)),
        (0, 0, max(1, columns // 3), max(1, rows // 5)),
    ]


def test_regions_of_interest(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """+Wr on every gray image. DCMTK counts padding: regions that hold some are left out.

    It cuts modality values to whole numbers: where these are fractions, one unit more is allowed for.
    """
    tool, tally = peer("dcmj2pnm"), Tally("DCMTK, regions of interest")
    for name, path in images(corpus).items():
        for image, index in frames_of(path, decoder="library"):
            if not image.header.photometric_interpretation.startswith("MONOCHROME"):
                continue
            frame = of_frame(read_data_set(path), index)
            try:
                for region in regions(image.header.columns, image.header.rows):
                    left, top, width, height = region
                    part = image.pixels(index)[top : top + height, left : left + width]
                    if image.header.is_float or not is_shown(part, frame).all():
                        continue
                    given = readable(path, image.header, tmp_path, index)
                    theirs = dcmj2pnm(tool, given, index + 1, "+Wr", *map(str, region))
                    ours = image.render(index, presentation_shape="follow", voi="roi", roi=region)
                    if ours.ndim == 3:
                        continue  # a supplemental palette, which DCMTK does not know
                    values = image.pixels(index, values="modality")[top : top + height, left : left + width]
                    whole = np.array_equal(values, np.rint(values))
                    unit = 0 if whole else 255 / (float(values.max()) - float(values.min()))
                    tally.add(name, index + 1, ours, theirs, 1 + unit)
            except RefusedError as refused:
                tally.refuse(name, index + 1, refused)
    record_property("DCMTK, regions of interest", str(tally))
    tally.check(GRAY_DEVIATES, GRAY_REFUSED)


def test_channels(peer: Callable[[str], str]) -> None:
    """The windows of a training pipeline, one by one through DCMTK."""
    path, windows = PYDICOM_FILES / "CT_small.dcm", ((40, 80), (80, 200), (600, 2800))
    theirs = [dcmj2pnm(peer("dcmj2pnm"), path, 1, "+Ww", *map(str, window)) for window in windows]
    ours = fastdcm.render(path, channels="brain,subdural,temporal-bone")
    assert ours.shape == (128, 128, 3)
    assert np.abs(ours.astype(int) - np.stack(theirs, axis=-1)).max() <= 1
    assert len({plane.tobytes() for plane in theirs}) == 3
