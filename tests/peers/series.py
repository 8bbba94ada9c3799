"""`fastdcm.load_series` against SimpleITK's (GDCM's) series reader and highdicom, on every series there is.

``python -m tests.peers.series`` prints the table: a row for each series and each enhanced multi-frame object
of the corpus and of pydicom's wheel, and one for each regular part of a series that is refused as a whole.
"""

from __future__ import annotations

import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

import fastdcm
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.corpus.reading import bound_of, hush_pydicom

Array = NDArray[Any]
#: Affines are of float64 values that are written with six digits; 1 nm and 1e-6 of a direction are no
#: difference.
AFFINE_TOLERANCE = 1e-6


@dataclass
class Row:
    """A series, what we make of it, and in words whether others make the same: "equal", or what differs."""

    name: str
    paths: list[Path]
    volume: fastdcm.Volume | None = None
    refused: str = ""
    peers: dict[str, str] = field(default_factory=dict)


@dataclass
class Theirs:
    """What another reader gives: voxels (slices, rows, columns) and the affine from their indexes to mm
    (LPS)."""

    array: Array
    affine: Array


def objects() -> Iterator[tuple[str, Path, pydicom.Dataset]]:
    """Images that have rows and pixels, of the corpus and the wheel."""
    for origin, folder in (("corpus", CORPUS / "files"), ("pydicom", PYDICOM_FILES)):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if not path.is_file():
                continue
            try:
                dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
                gray = str(dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME")
                image = gray and "Rows" in dataset and dataset.get("Modality") not in ("SEG", "SM")
            except Exception:
                continue  # what is damaged on purpose is no series
            if image:
                yield origin, path, dataset


def cases() -> Iterator[tuple[str, list[Path]]]:
    """Series of several images with positions, enhanced multi-frame objects, and regular parts of the
    former."""
    series: dict[tuple[str, str], dict[Path, pydicom.Dataset]] = defaultdict(dict)
    for origin, path, dataset in objects():
        if int(str(dataset.get("NumberOfFrames") or 1).strip("A")) > 1:
            if "SharedFunctionalGroupsSequence" in dataset or "PerFrameFunctionalGroupsSequence" in dataset:
                yield f"{origin}: {path.name}", [path]
        elif "ImagePositionPatient" in dataset and "ImageOrientationPatient" in dataset:
            series[origin, str(dataset.get("SeriesInstanceUID", ""))][path] = dataset
    for (origin, uid), images in series.items():
        if len(images) < 2:
            continue
        modality = next(iter(images.values())).get("Modality")
        name = f"{origin}: {modality} {uid[-24:]}"
        yield name, list(images)
        for number, part in enumerate(regular_parts(images)):
            if 1 < len(part) < len(images):
                yield f"{name} part {number + 1}", part


def regular_parts(images: dict[Path, pydicom.Dataset]) -> Iterator[list[Path]]:
    """By orientation; of those one image a position, and of these the runs of equal distances."""
    stacks: dict[tuple[Any, ...], dict[float, Path]] = defaultdict(dict)
    for path, dataset in images.items():
        orientation = np.array(dataset.ImageOrientationPatient, float)
        along = float(
            np.cross(orientation[:3], orientation[3:]) @ np.array(dataset.ImagePositionPatient, float)
        )
        key = (*orientation.round(3), dataset.Rows, dataset.Columns)
        stacks[key].setdefault(round(along, 3), path)
    for stack in stacks.values():
        run: list[float] = []
        for along in sorted(stack):
            if len(run) > 1 and abs((along - run[-1]) - (run[1] - run[0])) > 0.01 * (run[1] - run[0]):
                yield [stack[one] for one in run]
                # Two that are far apart by themselves are no run: the second one begins the next.
                run = run[-1:] if len(run) == 2 else []
            run.append(along)
        yield [stack[one] for one in run]


def simpleitk(paths: Sequence[Path]) -> Theirs:
    """By GDCM's sorter, as SimpleITK's series reader has it; of one object its frames as they are."""
    import SimpleITK as sitk  # noqa: N813  # its own documentation has it so

    reader: Any
    if len(paths) == 1:
        image = sitk.ReadImage(str(paths[0]))
    else:
        with TemporaryDirectory() as folder:
            for number, path in enumerate(paths):
                (Path(folder) / f"{number:05}.dcm").symlink_to(path.absolute())
            reader = sitk.ImageSeriesReader()
            ids = reader.GetGDCMSeriesIDs(folder)
            if len(ids) != 1:
                raise ValueError(f"{len(ids)} series")
            reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder, ids[0]))
            image = reader.Execute()
    array = sitk.GetArrayFromImage(image)
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, :3], affine[:3, 3] = direction[:, ::-1], image.GetOrigin()
    return Theirs(array, affine)


def highdicom(paths: Sequence[Path]) -> Theirs:
    """Sorted by position; with modality values, without Real World Value Mapping."""
    import highdicom as hd

    if len(paths) == 1:
        volume = hd.imread(paths[0]).get_volume(apply_real_world_transform=False)
    else:
        datasets = [pydicom.dcmread(path, force=True) for path in paths]
        volume = hd.get_volume_from_series(datasets, apply_real_world_transform=False)
    return Theirs(volume.array, volume.affine)


PEERS = {"SimpleITK": simpleitk, "highdicom": highdicom}


def compared(ours: fastdcm.Volume, theirs: Theirs, bound: float) -> str:
    """ "equal", or what differs. A reader that goes through the slices from the other end is turned round."""
    array, affine, said = theirs.array, theirs.affine.copy(), "equal"
    if affine[:3, 0] @ ours.affine[:3, 0] < 0:
        affine[:3, 3] += affine[:3, 0] * (len(array) - 1)
        affine[:3, 0] *= -1
        array, said = array[::-1], "equal, from the other end"
    if array.shape != ours.array.shape:
        return f"shape {array.shape}"
    if (difference := np.abs(affine - ours.affine).max()) > AFFINE_TOLERANCE:
        return f"affine by {difference:.3g}"
    if (difference := np.abs(array.astype(float) - ours.array).max()) > bound:
        equal = [
            index for index in range(len(array)) if np.abs(array[index] - ours.array[index]).max() <= bound
        ]
        return f"values by {difference:g}; {len(equal)} of {len(array)} slices equal"
    return said


def rows() -> Iterator[Row]:
    """Every case, as each reader has it."""
    for name, paths in cases():
        row = Row(name, paths)
        try:
            # The wheel has two or more syntaxes of a series in one folder: what is given are paths.
            row.volume = fastdcm.load_series(paths if len(paths) > 1 else paths[0])
        except fastdcm.FastdcmError as error:
            row.refused = error.message
        header = pydicom.dcmread(paths[0], force=True, stop_before_pixels=True)
        slope = abs(float(header.get("RescaleSlope", 1)))
        bound = bound_of(str(header.file_meta.get("TransferSyntaxUID", ""))) * slope
        for peer, read in PEERS.items():
            try:
                theirs = read(paths)
            except Exception as error:
                last = str(error).strip().splitlines()[-1:] or [type(error).__name__]
                row.peers[peer] = f"refuses: {last[0].strip()[:90]}"
                continue
            if row.volume is None:
                row.peers[peer] = f"loads {' x '.join(map(str, theirs.array.shape))}"
            else:
                row.peers[peer] = compared(row.volume, theirs, bound)
        yield row


def table(found: Sequence[Row]) -> str:
    """The rows as a table in Markdown."""
    lines = [
        "| series | images | fastdcm | SimpleITK (GDCM) | highdicom |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in found:
        ours = (
            repr(row.volume)[1:-1].removeprefix("fastdcm.Volume ")
            if row.volume
            else f"refuses: {row.refused}"
        )
        for path in sorted({path.parent for path in row.paths}, key=lambda one: -len(str(one))):
            ours = ours.replace(f"{path}/", "")
        cells = [row.name, str(len(row.paths)), ours, *(row.peers[peer] for peer in PEERS)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 where one reader that loads a series differs from ours."""
    import logging

    import SimpleITK as sitk  # noqa: N813  # its own documentation has it so

    warnings.simplefilter("ignore")
    hush_pydicom()
    logging.disable(logging.WARNING)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    found = list(rows())
    print(table(found))
    loaded = [row for row in found if row.volume]
    differ = [
        row for row in loaded if any(not said.startswith(("equal", "refuses")) for said in row.peers.values())
    ]
    print(
        f"\n{len(found)} rows: {len(loaded)} loaded, {len(found) - len(loaded)} refused, {len(differ)} differ"
    )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
