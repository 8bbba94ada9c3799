"""Presentation states and overlays against DCMTK's dcmp2pgm, dcmpsmk and dcmj2pnm.

dcmp2pgm applies a state's grayscale transformations, rotation and flip. It draws neither shutters, overlays,
graphics nor text, and shows all of the image; these are taken out of the states before.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow

import fastdcm
from fastdcm.presentation.reading import read_state
from tests.builders import Element, image
from tests.corpus.test_presentation_states import PREFIX, STATES, _image
from tests.peers.comparing import Array, Tally, images
from tests.peers.test_dcmtk import dcmj2pnm, read_pnm
from tests.unit.presentation.states import UID
from tests.unit.reader.test_reader_overlays import embedded, overlay

pytestmark = pytest.mark.filterwarnings("ignore")

DEVIATES = {
    **dict.fromkeys(
        [
            "highdicom.h37467__seg_image_sm_numbers.dcm",
            "highdicom__seg_image_ct_binary_overlap.dcm",
            "highdicom__seg_image_ct_binary_single_frame.dcm",
            "pydicom-data__liver_expb.dcm",
            "pydicom__liver_1frame.dcm",
        ],
        "1 bit: an identity over 0 and 1 (PS3.4 N.2.1.3) shows black and white; DCMTK shows 0 and 128",
    ),
    **dict.fromkeys(
        ["pydicom.h57a08__rtdose_expb.dcm", "pydicom.h58abe__rtdose_expb_1frame.dcm"],
        "32-bit samples whose words DCMTK takes in the other order (see `tests.peers.comparing.WORDS`)",
    ),
}


def dcmp2pgm(tool: str, state: Path, path: Path, folder: Path, frame: int = 1) -> Array | None:
    """A frame as DCMTK shows it by a state; None where it does not read it."""
    pgm = folder / "theirs.pgm"
    pgm.unlink(missing_ok=True)
    command = [tool, "-q", "-f", str(frame), "-p", str(state), str(path), str(pgm)]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    return read_pnm(pgm.read_bytes()) if pgm.exists() else None


@pytest.mark.parametrize("name", STATES)
def test_states_of_the_corpus(name: str, corpus: Path, peer: Callable[[str], str], tmp_path: Path) -> None:
    tool, path = peer("dcmp2pgm"), _image(corpus, name)
    data_set = pydicom.dcmread(corpus / "files" / f"{PREFIX}{name}.pre")
    taken_out = [element.tag for element in data_set if element.tag.group >> 8 == 0x60]
    taken_out += [tag for tag in (0x00181600, 0x00700001) if tag in data_set]
    for tag in taken_out:
        del data_set[tag]
    (area,) = data_set.DisplayedAreaSelectionSequence
    with fastdcm.open(path) as found:
        rows, columns = found.shape
    area.DisplayedAreaTopLeftHandCorner = [1, 1]
    area.DisplayedAreaBottomRightHandCorner = [columns, rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    state = tmp_path / "a.pre"
    data_set.save_as(state)
    ours, theirs = fastdcm.render(path, presentation_state=state), dcmp2pgm(tool, state, path, tmp_path)
    assert theirs is not None
    assert ours.shape == theirs.shape
    # DCMTK cuts off what fastdcm rounds.
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_states_that_dcmtk_makes(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """dcmpsmk takes rescale, window or VOI LUT and shape of an image over into a state."""
    maker, shower = peer("dcmpsmk"), peer("dcmp2pgm")
    tally = Tally("DCMTK, presentation states")
    unread = set()
    for name, path in images(corpus).items():
        with fastdcm.open(path) as found:
            header = found.header
            # DCMTK's tools for states have no decoders.
            native = header.transfer_syntax_uid in (
                "",
                *(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2")),
            )
            if (
                not native
                or not header.photometric_interpretation.startswith("MONOCHROME")
                or header.is_float
            ):
                continue
            for way in ([], ["+Vw"], ["-V"]):
                state = tmp_path / "made.pre"
                state.unlink(missing_ok=True)
                command = [maker, "-q", "-o", "-s", *way, str(path), str(state)]
                subprocess.run(command, capture_output=True, timeout=120, check=False)
                theirs = dcmp2pgm(shower, state, path, tmp_path, len(found)) if state.exists() else None
                if theirs is None:
                    unread.add(name)
                    continue
                ours = found.render(len(found) - 1, presentation_state=state)
                tally.add(name, len(found), ours, theirs, 1)
    record_property("DCMTK", f"{tally}; not read: {len(unread)}")
    tally.check(DEVIATES, {})
    assert tally.frames > 150


def test_overlays_of_a_state_are_those_that_dcmtk_dumps(
    corpus: Path, peer: Callable[[str], str], tmp_path: Path
) -> None:
    state_path, path = corpus / "files" / f"{PREFIX}ovly_p01.pre", _image(corpus, "ovly_p01")
    command = [peer("dcmp2pgm"), "-v", "-p", str(state_path), str(path), "x.pgm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
    dumped = re.findall(r"group=0x(60..).*\n.*\n.*filename=\"(\w+\.pgm)\"", done.stdout + done.stderr)
    assert len(dumped) == 6
    state = read_state(str(state_path))
    with fastdcm.open(path) as found:
        for group, name in dumped:
            theirs = np.asarray(Pillow.open(tmp_path / name)) > 0
            number = int(group, 16)
            if number in state.overlays.overlays:
                ours = state.overlays.plane(number, 0, found.shape)
            else:
                shown = found.render(overlay_groups=[number], voi="none")
                ours = shown != found.render(voi="none")
            assert np.array_equal(ours, theirs), group


def _burned(tool: str, path: Path, frame: int) -> Array:
    """dcmj2pnm with all overlays in white."""
    return dcmj2pnm(tool, path, frame, "+O", "0", "+Omr", "+Ww", "2048", "4096")


@pytest.mark.parametrize("origin", [(1, 1), (3, 2), (-2, 0), (-1, 4), (5, -3)])
def test_origins(origin: tuple[int, int], peer: Callable[[str], str], tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "a.dcm"
    pixels = rng.integers(0, 4096, (20, 24), np.uint16).astype("<u2").tobytes()
    extra = overlay(rng.random((12, 16)) < 0.5, origin=origin)
    path.write_bytes(_sc(pixels, rows=20, columns=24, extra=extra))
    ours = fastdcm.render(path, window=(2048, 4096), overlays=True)
    assert np.abs(ours.astype(int) - _burned(peer("dcmj2pnm"), path, 1)).max() <= 1


@pytest.mark.parametrize(("frames", "first"), [("4", None), ("2", 2), ("1", 3), (None, None)])
def test_frames(frames: str | None, first: int | None, peer: Callable[[str], str], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    planes = rng.random((int(frames or 1), 7, 9)) < 0.5
    pixels = rng.integers(0, 4096, (4, 7, 9), np.uint16).astype("<u2").tobytes()
    path = tmp_path / "a.dcm"
    extra = overlay(planes, frames=frames, first=first)
    path.write_bytes(_sc(pixels, rows=7, columns=9, frames=4, extra=extra))
    with fastdcm.open(path) as found:
        for index in range(4):
            ours = found.render(index, window=(2048, 4096), overlays=True)
            theirs = _burned(peer("dcmj2pnm"), path, index + 1)
            assert np.abs(ours.astype(int) - theirs).max() <= 1, index


def test_embedded(peer: Callable[[str], str], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    stored = rng.integers(0, 4096, (3, 5, 7), np.uint16)
    bits = rng.integers(0, 16, (3, 5, 7), np.uint16)
    path = tmp_path / "a.dcm"
    # Without a number of frames DCMTK takes the bits of the first frame for all.
    several = [Element(group << 16 | 0x15, "IS", "3") for group in (0x6000, 0x6002)]
    extra = [*embedded(12), *embedded(15, group=0x6002), *several]
    path.write_bytes(
        _sc((stored | bits << 12).astype("<u2").tobytes(), rows=5, columns=7, frames=3, extra=extra)
    )
    with fastdcm.open(path) as found:
        for index in range(3):
            ours = found.render(index, window=(2048, 4096), overlays=True)
            theirs = _burned(peer("dcmj2pnm"), path, index + 1)
            assert np.abs(ours.astype(int) - theirs).max() <= 1, index


def _sc(pixels: bytes, *, extra: list[Element], **changes: int) -> bytes:
    """A Secondary Capture image of 12 bits."""
    return image(
        pixels,
        sop_class="1.2.840.10008.5.1.4.1.1.7",
        sop_instance=UID,
        bits=16,
        stored=12,
        high_bit=11,
        extra=extra,
        **changes,
    )
