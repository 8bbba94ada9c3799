"""Whole conversions of real files by our own decoders, by the libraries', and by pydicom and Pillow.

``python -m benches.decoders [FOLDER]``: the files of each compression in the folder, by default those of
pydicom and of the corpus, to JPEG in one process; in turns, medians of the rounds. Which files pydicom cannot
decode is told, and everybody is spared them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import fastdcm
from benches.__main__ import temporary_place
from benches.peers import UnsupportedJobError, fastdcm_worker, pydicom_pillow
from tests.conftest import CORPUS, PYDICOM_FILES

#: The transfer syntaxes that we have decoders of our own for.
FAMILIES = {
    "1.2.840.10008.1.2.4.57": "lossless JPEG",
    "1.2.840.10008.1.2.4.70": "lossless JPEG",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000",
}
WAYS: dict[str, Callable[[str, str], None]] = {
    "own": lambda source, target: fastdcm_worker.convert_by(source, target, "jpeg", "own"),
    "as by default": lambda source, target: fastdcm_worker.convert_by(source, target, "jpeg"),
    "libraries": lambda source, target: fastdcm_worker.convert_by(source, target, "jpeg", "library"),
    "pydicom + Pillow": lambda source, target: pydicom_pillow.convert(source, target, "jpeg"),
}
_ROUNDS = 7


def by_family(folders: list[Path]) -> dict[str, list[Path]]:
    """The files of each compression that can be read."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        try:
            with fastdcm.open(path) as image:
                family = FAMILIES.get(image.header.transfer_syntax_uid)
                if family:
                    image.encode()
                    found[family].append(path)
        except fastdcm.FastdcmError:
            continue  # no DICOM, or damaged
    return found


def seconds(way: Callable[[str, str], None], source: Path, place: Path) -> float:
    """What one conversion of a folder takes."""
    with tempfile.TemporaryDirectory(dir=place) as target:
        start = time.perf_counter()
        way(str(source), target)
        return time.perf_counter() - start


def able(path: Path, place: Path) -> bool:
    """Whether every way converts a file."""
    with tempfile.TemporaryDirectory(dir=place) as source:
        os.symlink(path.absolute(), Path(source, "000.dcm"))
        try:
            for way in WAYS.values():
                seconds(way, Path(source), place)
        except UnsupportedJobError as error:
            print(f"  not {path.name}: {error}", file=sys.stderr)
            return False
        except Exception as error:  # pydicom's decoders and Pillow raise what they like
            print(f"  not {path.name}, pydicom + Pillow: {error}", file=sys.stderr)
            return False
    return True


def compare(family: str, files: list[Path], place: Path) -> str:
    """A line of the table."""
    kept = [path for path in files if able(path, place)]
    source = place / family
    source.mkdir()
    for number, path in enumerate(kept):
        os.symlink(path.absolute(), source / f"{number:04}.dcm")
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(_ROUNDS):
        for name, way in WAYS.items():
            times[name].append(seconds(way, source, place))
    medians = {name: statistics.median(each) for name, each in times.items()}
    ours = medians["own"]
    cells = [f"{len(kept) / each:.1f}" for each in medians.values()]
    ratios = [f"{medians[name] / ours:.2f}" for name in ("libraries", "pydicom + Pillow")]
    return f"| {family} | {len(kept)} | {' | '.join([*cells, *ratios])} |"


def main() -> None:
    """Print the table: files a second, and how many times faster our own decoder is in a whole conversion."""
    warnings.simplefilter("ignore")
    folders = [Path(name) for name in sys.argv[1:]] or [PYDICOM_FILES, CORPUS / "files"]
    head = ["files", *(f"{name}, files/s" for name in WAYS), "libraries / own", "pydicom / own"]
    print(f"| | {' | '.join(head)} |\n|{' --- |' * (len(head) + 1)}")
    with tempfile.TemporaryDirectory(dir=temporary_place()) as place:
        for family, files in by_family([folder for folder in folders if folder.is_dir()]).items():
            print(compare(family, files, Path(place)), flush=True)


if __name__ == "__main__":
    main()
