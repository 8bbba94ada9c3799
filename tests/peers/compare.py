"""``python -m tests.peers.compare [RULE...]``: grayscale images of the corpus by each rule, against DCMTK.

Prints how many frames are equal or off by one, and for each that is not, why. The first and the last frame of
every image that renders to 8 bits of gray. What DCMTK has no decoder for is decoded for it (`readable`).
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import fastdcm
from tests.conftest import CORPUS, find_tool
from tests.corpus.second import AbsentError, run
from tests.peers import by_hand
from tests.peers.asks import RULES, Ask, Case
from tests.peers.by_hand import Array, Quirk
from tests.peers.comparing import frames_of, images, of_frame, read_data_set
from tests.peers.quirks import BIG_ENDIAN_WORDS, COPIED, DECLARED, ODD, PADDING, SHIFTED, SIGMOID, WHOLE
from tests.peers.test_dcmtk import RefusedError, dcmj2pnm, read_pnm, readable

#: Those that no rule shows alike.
_ALL = {
    "dicom-test-files__RG3_JPLY": DECLARED,
    "pydicom.h57a08__rtdose_expb.dcm": BIG_ENDIAN_WORDS,
    "pydicom.h58abe__rtdose_expb_1frame.dcm": BIG_ENDIAN_WORDS,
}
_FRACTIONS = dict.fromkeys(["pydicom__6154", "pydicom__6247"], WHOLE)
_RANGES = {
    "fo-dicom__D_CLUNIE_CT1_RLE_FRAGS.dcm": PADDING,
    "fo-dicom__GH133.dcm": SIGMOID,
    "fo-dicom__GH1376.dcm": PADDING,
    "highdicom__dx_image.dcm": ODD,
}
_STATES = {
    "highdicom.h37467__seg_image_sm_numbers.dcm": SHIFTED,
    "highdicom__seg_image_ct_binary_overlap.dcm": SHIFTED,
    "highdicom__seg_image_ct_binary_single_frame.dcm": SHIFTED,
    "pydicom-data__liver_expb.dcm": SHIFTED,
    "pydicom-data__liver_j2k.dcm": SHIFTED,
    "pydicom__liver_1frame.dcm": SHIFTED,
    "weasis-dicom-tools__jpeg2000-multiframe-multifragments.dcm": COPIED,
}
#: Rule -> file -> why DCMTK shows it otherwise.
EXPLAINED: dict[str, dict[str, Quirk]] = {
    **dict.fromkeys(RULES, _ALL),
    "min-max": {**_ALL, **_RANGES},
    "ROI": {**_ALL, **_FRACTIONS, "fo-dicom__GH133.dcm": SIGMOID, "fo-dicom__GH1376.dcm": PADDING},
    "inverse": {**_ALL, **_FRACTIONS, **_RANGES},
    "presentation state": {**_ALL, **_STATES},
    "presentation state, INVERSE": {**_ALL, **_STATES, "pydicom-data__JLSL_08_07_0_1F.dcm": SHIFTED},
}
#: Rule -> what DCMTK's tools for states do not read.
UNREAD = {
    rule: {
        "pydicom-data__JLSL_16_15_1_1F.dcm": "no Study Instance UID",
        "pydicom.h7477e__rtdose_rle_1frame.dcm": "UIDs of VR UN, once dcmdrle has decoded it",
        "pydicom__rtdose_rle.dcm": "the same",
    }
    for rule in ("presentation state", "presentation state, INVERSE")
}
#: What DCMTK does not read at all: floats, and what it has no decoder for (as pydicom).
REFUSED = {
    "pydicom-data__emri_small_jpeg_2k_lossless_too_short.dcm": "JPEG 2000; pydicom wants the last delimiter",
    "pydicom-data__liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression, unknown to both",
    "pydicom-data__liver_nonbyte_aligned_rle.dcm": "RLE of 1 bit, unknown to both",
    "pydicom-data__parametric_map_double_float.dcm": "Double Float Pixel Data",
    "pydicom-data__parametric_map_float.dcm": "Float Pixel Data",
}


@dataclass
class Found:
    """What a rule gave: frames by how far DCMTK is off, and the files where that is more than one gray.

    ``explained`` are those whose `Quirk` holds, ``wrong`` everything that must not be.
    """

    off: Counter[int] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    explained: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, case: Case, ask: Ask, theirs: Array, ours: Array, quirk: Quirk | None) -> None:
        """Judge a frame."""
        self.seen.add(case.name)
        frame = ask.frame or case.frame
        hand = by_hand.display_values(case.stored, ask.voi, frame)
        model = hand if quirk is None else quirk.model(case.stored, ask.voi, frame)
        if ours.ndim == 3:
            # DCMTK knows no supplemental palette: what it does not colour is compared (C.7.6.23).
            gray = case.stored < case.frame.RedPaletteColorLookupTableDescriptor[1]
            ours, theirs, hand, model = ours[..., 0][gray], theirs[gray], hand[gray], model[gray]
        where = f"{case.name} frame {case.index + 1}, {' '.join(ask.options)}"
        if not np.array_equal(ours, hand):
            self.wrong.append(f"{where}: ours is not what the formulas give, by up to {_most(ours, hand)}")
        off = _most(ours, theirs)
        if off <= 1:
            self.off[off] += 1
            self.files.add(case.name)
        elif quirk is None:
            self.wrong.append(f"{where}: DCMTK is off by {off}, which nothing explains")
        elif (left := _most(model, theirs)) > 1:
            self.wrong.append(f"{where}: DCMTK is off by {off}, and by {left} from what explains it")
        else:
            self.explained[case.name] = f"off by {off}, by {left} from this: {quirk.reason}"


def _most(one: Array, other: Array) -> int:
    return int(np.abs(one.astype(int) - other).max(initial=0))


def cases(corpus: Path, folder: Path, refused: dict[str, str]) -> Iterator[Case]:
    """First and last frames of all gray images, the image open meanwhile; what cannot be read is noted."""
    for name, path in images(corpus).items():
        # Of irreversible JPEG 2000 the copies have OpenJPEG's samples, from which ours may differ by 1.
        for image, index in frames_of(path, decoder="library"):
            if not image.header.photometric_interpretation.startswith("MONOCHROME"):
                continue
            try:
                given = readable(path, image.header, folder, index)
                dcmj2pnm(_tool("dcmj2pnm"), given, index + 1)
            except RefusedError as error:
                refused[name] = str(error)
                continue
            yield Case(
                name, image, index, given, image.pixels(index), of_frame(read_data_set(path), index), folder
            )


def compare(
    corpus: Path, folder: Path, rules: Iterable[str] = RULES
) -> tuple[dict[str, Found], dict[str, str]]:
    """What each rule gave, and what DCMTK did not read."""
    found = {rule: Found() for rule in rules}
    refused: dict[str, str] = {}
    for case in cases(corpus, folder, refused):
        for rule, result in found.items():
            try:
                for ask in RULES[rule](case):
                    result.add(
                        case, ask, _theirs(case, ask), _ours(case, ask), EXPLAINED[rule].get(case.name)
                    )
            except (RefusedError, RuntimeError) as error:
                result.refused[case.name] = str(error)
    return found, refused


def _tool(name: str) -> str:
    found = find_tool(name)
    if found is None:
        raise AbsentError(f"{name} is not installed")
    return found


def _theirs(case: Case, ask: Ask) -> Array:
    path = ask.changed or case.given
    if "presentation_state" not in ask.keywords:
        return dcmj2pnm(_tool("dcmj2pnm"), path, case.index + 1, *ask.options)
    pgm = case.folder / "theirs.pgm"
    state = ask.keywords["presentation_state"]
    run("dcmp2pgm", "-q", "-f", str(case.index + 1), "-p", state, path, pgm)
    return read_pnm(pgm.read_bytes())


def _ours(case: Case, ask: Ask) -> Array:
    if ask.changed is None or "presentation_state" in ask.keywords:
        return case.image.render(case.index, presentation_shape="follow", **ask.keywords)
    with fastdcm.open(ask.changed, decoder="library") as image:
        return image.render(case.index, presentation_shape="follow", **ask.keywords)


def main() -> int:
    """Print a table; 1 where anything is not as it should be."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        found, refused = compare(CORPUS, Path(folder), sys.argv[1:] or RULES)
    print("| rule | frames of files | equal | off by 1 | files explained | wrong |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rule, result in found.items():
        frames, files = result.off.total(), len(result.files)
        print(
            f"| {rule} | {frames} of {files} | {result.off[0]} | {result.off[1]} "
            f"| {len(result.explained)} | {len(result.wrong)} |"
        )
    for rule, result in found.items():
        for name, words in (result.explained | result.refused | UNREAD.get(rule, {})).items():
            print(f"{rule}: {name}: {words}")
    for name, said in refused.items():
        print(f"not read by DCMTK: {name}: {REFUSED.get(name, said)}")
    wrong = [f"{rule}: {words}" for rule, result in found.items() for words in result.wrong]
    print("\n".join(wrong))
    return int(bool(wrong) or refused.keys() != REFUSED.keys())


if __name__ == "__main__":
    sys.exit(main())
