"""What the comparisons with other implementations share: images, a tally, and pydicom's view of a frame."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

import fastdcm
from tests.corpus.reading import files, table

Array = NDArray[Any]

#: Photometric Interpretation in the file -> that of the decoded array, where it is another.
NATIVE_PHOTOMETRIC = {"YBR_FULL_422": "YBR_FULL", "YBR_ICT": "RGB", "YBR_RCT": "RGB"}

#: Why DCMTK and GDCM see other values in the 32-bit big-endian files of DCMTK's making.
WORDS = (
    "32-bit samples in the retired Explicit VR Big Endian: DCMTK wrote 16-bit words, the low one first (VR "
    "OW, PS3.5 2016b 7.3), and reads them so, as GDCM does. pydicom (so STORED.csv) and fastdcm read 32-bit "
    "big-endian numbers, which pydicom's present rtdose_expb.dcm holds. No attribute tells the two apart"
)


def images(corpus: Path) -> dict[str, Path]:
    """The files of the corpus that fastdcm reads, by name; those of failures.tsv are left out."""
    refused = {row["file"] for row in table("failures.tsv")}
    return {name: path for name, path in files(corpus).items() if name not in refused}


def ends(image: fastdcm.Image) -> list[int]:
    """Indexes of the first and the last frame."""
    return sorted({0, len(image) - 1})


@dataclass
class Tally:
    """A comparison: what was within its bound, what was not, and what the peer did not do.

    ``deviating`` and ``refused`` go by file; `check` holds them against the committed exceptions.
    """

    subject: str
    files: set[str] = field(default_factory=set)
    worst: Counter[int] = field(default_factory=Counter)
    deviating: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def add(self, file: str, frame: int, ours: Array, theirs: Array, bound: float) -> None:
        """Compare a frame (counted from 1)."""
        self.seen.add(file)
        if ours.shape != theirs.shape:
            self.deviating[file] = f"frame {frame}: shape {ours.shape}, the peer has {theirs.shape}"
            return
        difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
        # Values that are no numbers agree where both are none.
        difference[np.isnan(ours.astype(np.float64)) & np.isnan(theirs.astype(np.float64))] = 0
        worst = float(difference.max(initial=0))
        if worst <= bound:
            self.files.add(file)
            self.worst[int(np.ceil(worst))] += 1
        else:
            beyond = int((difference > bound).sum())
            self.deviating[file] = f"frame {frame}: off by {worst:g}, {beyond} samples beyond {bound:g}"

    def refuse(self, file: str, frame: int, said: object) -> None:
        """The peer did not read a frame."""
        self.seen.add(file)
        self.refused[file] = f"frame {frame}: {' '.join(str(said).split())[:160]}"

    @property
    def frames(self) -> int:
        """Frames within the bound."""
        return self.worst.total()

    def __str__(self) -> str:
        spread = [
            f"{count} off by {by}" if by else f"{count} equal" for by, count in sorted(self.worst.items())
        ]
        return (
            f"{self.subject}: {self.frames} frames of {len(self.files)} files within the bound "
            f"({', '.join(spread) or 'none'}); {len(self.deviating)} files deviate, {len(self.refused)} the "
            "peer does not read"
        )

    def check(self, deviating: Mapping[str, str], refused: Mapping[str, str], *, some: bool = True) -> None:
        """Fail unless exactly the listed files deviate, and exactly the listed ones were refused.

        With ``some``, at least one frame must have been compared.
        """
        wrong = []
        for verb, found, listed in (
            ("deviates", self.deviating, deviating),
            ("is refused", self.refused, refused),
        ):
            wrong += [f"{verb}, unlisted: {name}: {found[name]}" for name in found.keys() - listed.keys()]
            stale = (listed.keys() & self.seen) - found.keys()
            wrong += [f"{verb} no longer, but is listed: {name}" for name in stale]
        assert not wrong, f"{self}\n" + "\n".join(sorted(wrong))
        assert self.frames or not some, f"{self.subject}: nothing was compared"


def read_data_set(path: Path) -> pydicom.Dataset:
    """A data set by pydicom, which reads some without a transfer syntax but wants one for pixels."""
    data_set = pydicom.dcmread(path, force=True)
    if "TransferSyntaxUID" not in data_set.file_meta:
        implicit, little = data_set.original_encoding
        assert (implicit, little) == (False, True), "true for the corpus"
        data_set.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    return data_set


def of_frame(data_set: pydicom.Dataset, index: int) -> pydicom.Dataset:
    """A data set whose top level has the modality and VOI attributes of one frame.

    PS3.3 C.7.6.16: from the frame's functional group, else from the shared one; pydicom and DCMTK
    look at the top level only.
    """
    flat = pydicom.Dataset()
    # The image's own groups: others are not needed, and damaged in some files.
    flat.update({tag: data_set[tag] for tag in data_set.keys() if tag.group in (0x0028, 0x2050)})  # noqa: SIM118
    flat.file_meta = data_set.file_meta
    shared = data_set.get("SharedFunctionalGroupsSequence") or []
    each = data_set.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *each[index : index + 1]]:
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in group.get(name) or []:
                flat.update({element.tag: element for element in item})
    return flat


def is_shown_unchanged(frame: pydicom.Dataset) -> bool:
    """Whether a frame without window and VOI LUT passes as it is: up to 8 bits, no modality transform."""
    rescale = frame.get("RescaleSlope", 1), frame.get("RescaleIntercept", 0)
    return frame.get("BitsStored", 64) <= 8 and "ModalityLUTSequence" not in frame and rescale == (1, 0)


def is_shown(stored: Array, frame: pydicom.Dataset) -> Array:
    """Where stored values are no padding: Pixel Padding Value to Range Limit (PS3.3 C.7.5.1.1.2).

    A value of 16 bits has the sign of the pixels, whatever VR it was written with.
    """
    if frame.get("PixelPaddingValue") is None:
        return np.ones(stored.shape, bool)
    kind = np.int16 if frame.get("PixelRepresentation") else np.uint16
    ends = [frame.PixelPaddingValue, frame.get("PixelPaddingRangeLimit", frame.PixelPaddingValue)]
    low, high = sorted(int(np.array(end & 0xFFFF, np.uint16).view(kind)) for end in ends)
    return (stored.astype(np.int64) < low) | (stored.astype(np.int64) > high)


def native_copy(path: Path, target: Path, index: int) -> Path:
    """The image as pydicom decodes it, uncompressed, 1 bit in 8, with the display attributes of one frame.

    For peers that lack a codec, so that the rest of their way can be compared.
    """
    data_set = read_data_set(path)
    pixels = pydicom.pixels.pixel_array(data_set, raw=True)
    native = of_frame(data_set, index)
    for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"):
        setattr(native, name, data_set.get(name) or "1.2")
    if "NumberOfFrames" in data_set:
        native.NumberOfFrames = data_set.NumberOfFrames
    if native.BitsAllocated == 1:
        native.BitsAllocated, native.BitsStored, native.HighBit = 8, 1, 0
    if int(pixels.max()) >> native.BitsStored:
        # The codestream has more bits than the data set says, and they are values (an overshoot of loss).
        native.BitsStored, native.HighBit = native.BitsAllocated, native.BitsAllocated - 1
    if native.SamplesPerPixel == 3:
        native.PlanarConfiguration = 0
        # As it lies in the array now: chroma for every pixel, a codestream's own transform undone.
        coded = native.PhotometricInterpretation
        native.PhotometricInterpretation = NATIVE_PHOTOMETRIC.get(coded, coded)
    native["PixelData"] = pydicom.DataElement(
        0x7FE00010,
        "OB" if native.BitsAllocated == 8 else "OW",
        pixels.tobytes() + b"\0" * (pixels.nbytes % 2),
    )
    native.file_meta = pydicom.dataset.FileMetaDataset()
    native.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    native.save_as(target, enforce_file_format=True)
    return target


def frames_of(path: Path, **options: Any) -> Iterator[tuple[fastdcm.Image, int]]:
    """(image, index) of the first and last frame of a file, the image open meanwhile."""
    with fastdcm.open(path, **options) as image:
        for index in ends(image):
            yield image, index
