"""The inputs of a run: ``python -m benches.corpus FOLDER [--quick] [--only CASE ...] [--data DIR]``.

A case is a handful of different files of one kind and syntax, made from real images (`benches.inputs`), or
the user's own. They are written once a run; a measurement that needs more files than there are different
ones gets links to them, so that a case of thousands takes no room. ``cases.json`` in the folder says what
there is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """``files`` different files in ``folder``, of ``frames`` images together, and ``pixels`` in these."""

    id: str
    label: str
    modality: str
    syntax: str
    source: str
    folder: str
    files: int
    frames: int
    pixels: int
    bytes: int
    most: int

    @property
    def frames_a_file(self) -> float:
        return self.frames / self.files

    @property
    def megapixels(self) -> float:
        """The mean size of an image, in millions of pixels."""
        return self.pixels / self.frames / 1e6

    def of(self, count: int) -> str:
        """A folder of ``count`` files: the case's own, again and again."""
        folder = Path(self.folder).with_name(f"{self.id}-{count}")
        if not folder.is_dir():
            folder.mkdir()
            names = sorted(os.listdir(self.folder))
            for number in range(count):
                source = os.path.join(self.folder, names[number % len(names)])
                link(source, str(folder / f"{number + 1:06}.dcm"))
        return str(folder)


def link(source: str, target: str) -> None:
    """Another name for a file, or a copy where the filesystem knows neither kind of link."""
    for make in (os.link, os.symlink, shutil.copyfile):
        try:
            make(source, target)
            return
        except OSError as error:
            problem = error
    raise problem


#: Kind, syntax, frames, most files of a measurement, whether it is in the quick run.
_CASES = [
    ("CT", "native", 1, 4000, True),
    ("CT", "RLE", 1, 2000, False),
    ("CT", "JPEG extended", 1, 1000, False),
    ("CT", "JPEG lossless", 1, 1000, False),
    ("CT", "JPEG-LS", 1, 1000, False),
    ("CT", "JPEG 2000 lossless", 1, 500, True),
    ("CT", "JPEG 2000 lossy", 1, 500, False),
    ("CT", "HTJ2K", 1, 1000, False),
    ("MR", "native", 1, 2000, False),
    ("CR", "native", 1, 500, False),
    ("CR", "RLE", 1, 500, True),
    ("CR", "JPEG lossless", 1, 200, False),
    ("CR", "JPEG-LS", 1, 200, False),
    ("CR", "JPEG 2000 lossless", 1, 100, False),
    ("CR", "HTJ2K", 1, 200, False),
    ("DX", "native", 1, 400, True),
    ("DX", "JPEG baseline", 1, 400, False),
    ("MG", "native", 1, 100, False),
    ("US", "native", 1, 1000, False),
    ("US", "JPEG baseline", 1, 1000, True),
    ("US", "JPEG 2000 lossless", 1, 200, False),
    ("SC", "JPEG baseline", 1, 400, False),
    ("XA", "JPEG baseline", 60, 40, False),
    ("XA", "native", 60, 40, False),
]


def make(folder: Path, *, quick: bool, only: Collection[str] = ()) -> Iterator[Case]:
    """Write the cases, or ``only`` those of these names, and tell of each."""
    from benches.encoding import dicom
    from benches.inputs import FLIPS, original

    for kind, syntax, frames, most, in_quick in _CASES:
        if quick and not in_quick:
            continue
        name = f"{kind} {syntax}".lower().replace(" ", "-")
        if only and name not in only:
            continue
        place = folder / name
        place.mkdir(parents=True)
        size = 0
        for number in range(1, 1 + (2 if kind == "MG" or frames > 1 else len(FLIPS))):
            image = original(kind)
            pixels = image.variant(number - 1)
            step = 7  # a beating heart moves more
            moving = [pixels] if frames == 1 else [_moved(pixels, step * frame) for frame in range(frames)]
            data = dicom(image.header, moving, syntax, number)
            (place / f"{number:06}.dcm").write_bytes(data)
            size += len(data)
        rows, columns = pixels.shape[:2]
        words = f"{rows} x {columns}" + (f" x {frames} frames" if frames > 1 else "")
        label = f"{kind} {words}, {syntax}" + (", colour" if pixels.ndim == 3 else "")
        images = number * frames
        area = images * rows * columns
        yield Case(name, label, kind, syntax, image.source, str(place), number, images, area, size, most)


def _moved(pixels, by):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.roll(pixels, by, axis=0)


def own(folder: Path, data: Path, *, most: int = 1000, groups: int = 8) -> Iterator[Case]:
    """The user's files, a case for each modality, syntax and rough size; the commonest ``groups`` of them."""
    import fastdcm
    from fastdcm.codecs.table import SYNTAXES

    found: dict[tuple[str, str, str], list[tuple[Path, int, int]]] = {}
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        try:
            with fastdcm.open(path) as image:
                header = image.header
                image.encode()
        except fastdcm.FastdcmError:
            continue
        family = SYNTAXES[header.transfer_syntax_uid].family if header.transfer_syntax_uid else "native"
        size = f"{_round(header.rows)} x {_round(header.columns)}"
        key = (header.modality or "other", str(family), size)
        found.setdefault(key, []).append((path, header.frames, header.rows * header.columns * header.frames))
    for number, (key, files) in enumerate(sorted(found.items(), key=lambda item: -len(item[1]))[:groups]):
        modality, syntax, words = key
        files = files[:most]
        place = folder / f"own-{number + 1}"
        place.mkdir(parents=True)
        for index, (path, _, _) in enumerate(files):
            os.symlink(path.absolute(), place / f"{index + 1:06}.dcm")
        frames, pixels = sum(frames for _, frames, _ in files), sum(pixels for _, _, pixels in files)
        total = sum(path.stat().st_size for path, _, _ in files)
        label = f"{modality} about {words}, {syntax}"
        yield Case(
            place.name, label, modality, syntax, str(data), str(place), len(files), frames, pixels, total,
            max(most, len(files)),
        )  # fmt: skip


def _round(side: int) -> int:
    step = 64 if side < 1024 else 256
    return max(step, round(side / step) * step)


def load(folder: Path) -> list[Case]:
    """What `make` or `own` wrote."""
    return [Case(**case) for case in json.loads((folder / "cases.json").read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=())
    parser.add_argument("--data", type=Path)
    asked = parser.parse_args()
    cases = (
        own(asked.folder, asked.data)
        if asked.data
        else make(asked.folder, quick=asked.quick, only=asked.only)
    )
    found = [asdict(case) for case in cases]
    (asked.folder / "cases.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
