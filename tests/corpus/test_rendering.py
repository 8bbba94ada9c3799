"""Every decodable frame of the corpus renders, at 8 and at 16 bits; notices are those of a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastdcm
from tests.corpus.reading import files, table

#: File -> codes of all its notices, after every frame was rendered. Others have none.
NOTICES = {
    "cornerstone3D.h9aa5c__IM-0001-0001.dcm": {"precision"},  # 9 bits in the stream, 12 declared
    "dicom-test-files__RG3_JPLY": {"precision"},  # 12, 10
    "fo-dicom__GH133.dcm": {"precision"},  # 16, 12
    "fo-dicom__GH1376.dcm": {"other-syntax", "precision"},  # lossless JPEG of 16 bits under Explicit VR
    "fo-dicom__GH364.dcm": {"burned-in", "meta-group-length", "stray-item"},
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": {"precision"},  # 16, 12
    "pydicom-data__emri_small_jpeg_ls_lossless.dcm": {"precision"},  # 16, 12
    "pydicom.h140fc__emri_small_jpls_1k_fragment_with_offset_table.dcm": {"precision"},  # 16, 12
    "pydicom-data__liver_nonbyte_aligned_rle.dcm": {"rle-bits"},  # eight to a byte
    "pydicom.h2d7f0__no_meta.dcm": {"no-preamble"},
    "pydicom.h57a08__rtdose_expb.dcm": {"big-endian-words"},
    "pydicom.h58abe__rtdose_expb_1frame.dcm": {"big-endian-words"},
    "pydicom.h45afb__liver_expb_1frame.dcm": {"pixel-data-long", "functional-groups"},
    "pydicom__693_J2KI.dcm": {"precision"},  # 16, 14
    "pydicom__J2K_pixelrep_mismatch.dcm": {"sign"},  # unsigned in the stream
    "pydicom__liver_1frame.dcm": {"functional-groups"},  # one frame of three was kept
    "pylibjpeg-data__OsirixFake16BitsStoredFakeSpacing.dcm": {"precision"},  # 11, 16
    "weasis-dicom-tools__jpeg2000-multiframe-multifragments.dcm": {"precision"},  # 16, 12
}

#: (file, frame) that render to one grey though their values differ -> why.
FLAT = {
    ("pydicom__17166", 1): "all values lie above the file's window (30, 100)",
}


def test_every_frame_renders(corpus: Path, record_property: Callable[[str, object], None]) -> None:
    refused = {row["file"] for row in table("failures.tsv")}
    wrong: list[str] = []
    flat: set[tuple[str, int]] = set()
    frames = 0
    present = {name: path for name, path in files(corpus).items() if name not in refused}
    for name, path in present.items():
        with fastdcm.open(path) as image:
            for index in range(len(image)):
                frames += 1
                shown, fine = image.render(index), image.render(index, bits=16)
                wrong += [f"{name} frame {index + 1}: {what}" for what in _problems(image, shown, fine)]
                if _is_flat(shown) and not _is_flat(image.pixels(index)):
                    flat.add((name, index + 1))
            codes = {notice.code for notice in image.notices}
            if codes != NOTICES.get(name, set()):
                wrong.append(f"{name}: notices {codes or 'none'}, not {NOTICES.get(name, 'none')}")
    record_property("files", len(present))
    record_property("frames", frames)
    assert not wrong, "\n".join(wrong)
    assert flat == {place for place in FLAT if place[0] in present}


def _problems(image: fastdcm.Image, shown: Any, fine: Any) -> list[str]:
    coloured = image.header.photometric_interpretation not in ("MONOCHROME1", "MONOCHROME2")
    size = (image.header.rows, image.header.columns)
    allowed = {(*size, 3)} if coloured else {size, (*size, 3)}  # supplemental palettes colour some
    found = []
    if shown.shape not in allowed or fine.shape != shown.shape:
        found.append(f"shapes {shown.shape} and {fine.shape}")
    elif shown.dtype != np.uint8 or fine.dtype != np.uint16:
        found.append(f"{shown.dtype} and {fine.dtype}")
    # 257 is 65535 / 255. A palette's 16-bit entries are cut to 8 bits, not rounded (PS3.3 C.7.6.3.1.5).
    elif float(np.abs(fine / 257 - shown).max()) >= (1 if shown.ndim == 3 else 0.51):
        found.append("8 and 16 bits show different images")
    return found


def _is_flat(pixels: Any) -> bool:
    first = pixels[:1, :1]
    return bool((pixels == first).all())


@pytest.mark.parametrize("voi", ["minmax", "none", "object", "percentile:1,99", "lut"])
def test_every_rule_renders(corpus: Path, voi: str) -> None:
    """First frames, with rules that files do not ask for."""
    refused = {row["file"] for row in table("failures.tsv")}
    for name, path in files(corpus).items():
        if name in refused:
            continue
        with fastdcm.open(path) as image:
            if voi == "none" and image.header.is_float:
                with pytest.raises(fastdcm.errors.RenderError, match="no full range"):
                    image.render(voi=voi)
            else:
                assert image.render(voi=voi).shape[:2] == (image.header.rows, image.header.columns), name
