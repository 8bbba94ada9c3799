"""The pictures of one file by each of the three, how much they differ, and thumbnails of all that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

import fastdcm
from benches import peers
from benches.corpus import link
from benches.measure.children import Child, empty_folder
from benches.measure.deviations import decode, deviation, images_of
from benches.peers import UnsupportedJobError, dcmj2pnm, find_command, run

Array = NDArray[Any]
#: Ours, and the others, by the names of `benches.peers`.
OURS = "fastdcm_worker"
DCMTK = "dcmj2pnm"
OTHERS = (DCMTK, "pydicom_documented")
#: By which rules DCMTK is asked to show an image, until one fits: it has no preference of its own.
RULES = (["--use-window", "1"], ["--use-voi-lut", "1"], ["--min-max-window"])
#: The longest side of a thumbnail, in pixels; larger pictures are made smaller by the mean of areas.
SIDE = 220
#: So many times as bright is a difference drawn as it is; one of a single grey is to be seen.
AMPLIFIED = 8


@dataclass
class Shown:
    """The first frame by one of them: a thumbnail, or why there is none."""

    label: str
    thumbnail: str = ""
    words: str = ""
    difference: str = ""
    deviation: dict[str, Any] = field(default_factory=dict)

    @property
    def most(self) -> float:
        """The largest difference from ours in grey levels; a picture of another size differs by all."""
        return float(self.deviation.get("most", 255)) if self.deviation else 0.0

    @property
    def mean(self) -> float:
        """The mean difference."""
        return float(self.deviation.get("mean", 255)) if self.deviation else 0.0


@dataclass
class Entry:
    """One file: what it is, by which rule we show it, what we say about it, and the three pictures."""

    name: str
    what: str
    rule: str
    notices: list[str]
    ours: Shown
    others: list[Shown]

    @property
    def worst(self) -> tuple[float, float]:
        """Largest and mean difference, of the one who differs most."""
        return max((shown.most, shown.mean) for shown in self.others)


class Gallery:
    """Has files converted, each of the three in a process of its own, which may die of a file."""

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder, self._work = folder, work
        self._children: dict[str, Child] = {}
        self._count = 0
        (folder / "images").mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Let the processes end."""
        for child in self._children.values():
            child.end()

    def entry(self, path: Path, name: str) -> Entry | str:
        """A file's row of the sheet, or in words why it is no image."""
        self._count += 1
        try:
            with fastdcm.open(path) as image:
                what, rule = _what(image.header), image.explain(0)
                image.render(0)
                notices = [notice.message for notice in image.notices]
        except fastdcm.errors.NoPixelDataError as error:
            return error.message
        except fastdcm.errors.FastdcmError as error:
            what, rule, notices = "", "", [error.message]
        reference, ours = self._shown(OURS, path, None)
        others = [self._shown(peer, path, reference)[1] for peer in OTHERS]
        return Entry(name, what, rule, notices, ours, others)

    def _shown(self, peer: str, path: Path, reference: Array | None) -> tuple[Array | None, Shown]:
        shown = Shown("fastdcm" if peer == OURS else peers.load(peer).label)
        with empty_folder(self._work) as source, empty_folder(self._work) as target:
            link(str(path), str(Path(source, "image.dcm")))
            # Where the copy lies is of no interest.
            copy = os.path.join(source, "image.dcm")
            said = self._convert(peer, source, target)
            shown.words = said.replace(f"{copy}: ", "").replace(f": {copy}", "")
            found = images_of(Path(target))
            if not found:
                shown.words = shown.words or "wrote no picture"
                return None, shown
            try:
                pixels = decode(found[0])
            except (OSError, ValueError) as error:
                shown.words = f"wrote no picture that Pillow reads: {error}"
                return None, shown
        shown.thumbnail = self._save(pixels, f"{self._count:04}-{peer}")
        if reference is not None:
            reference, theirs = alike(reference, pixels)
            shown.deviation = deviation(reference, theirs)
            if shown.deviation.get("most"):
                different = difference(reference, theirs)
                shown.difference = self._save(different, f"{self._count:04}-{peer}-difference")
        return pixels, shown

    def _convert(self, peer: str, source: str, target: str) -> str:
        """Have it done; what is to be said about it."""
        if peer == DCMTK:
            return by_dcmtk(str(Path(source, "image.dcm")), str(Path(target, "image.png")))
        if peer not in self._children:
            self._children[peer] = Child("benches.peers", peer)
        child = self._children[peer]
        if "how" in child.hello:
            return f"not installed: {child.hello['how']}"
        words = str(child.ask({"source": source, "target": target, "format": "png"}).get("failed", ""))
        if "died" in words:
            self._children.pop(peer).end()
        return words

    def _save(self, pixels: Array, name: str) -> str:
        """A thumbnail's place, relative to the sheet."""
        image = PIL.Image.fromarray(pixels)
        longest = max(image.size)
        if longest > SIDE:
            size = tuple(max(1, round(side * SIDE / longest)) for side in image.size)
            image = image.resize(size, PIL.Image.Resampling.BOX)
        elif longest * 2 <= SIDE:
            # By a whole factor, so that single pixels are to be seen.
            image = image.resize(
                tuple(side * (SIDE // longest) for side in image.size), PIL.Image.Resampling.NEAREST
            )
        place = f"images/{name}.png"
        image.save(self._folder / place)
        return place


def by_dcmtk(path: str, output: str) -> str:
    """The first frame by dcmj2pnm: by window, VOI LUT, as they are up to 8 bits, or stretched; what is to be
    said about it."""
    program = find_command("dcmj2pnm", "DCMJ2PNM")
    if program is None:
        return f"not installed: {dcmj2pnm.available()[0]}"
    said = ""
    for rule in [*RULES[:2], []] if _is_shallow(path) else RULES:
        try:
            first = ["--frame", "1"]
            run(dcmj2pnm.command(program, path, output, "png", windowed=False, frames=first, others=rule))
        except UnsupportedJobError as error:
            said = str(error)
            if "VOI" not in said:
                break
        else:
            return " ".join(rule)
    return said


def _is_shallow(path: str) -> bool:
    """Whether an image without window is shown as it is."""
    try:
        with fastdcm.open(path) as image:
            return image.header.bits_stored <= 8 or image.header.samples_per_pixel > 1
    except fastdcm.errors.FastdcmError:
        return False


def alike(ours: Array, theirs: Array) -> tuple[Array, Array]:
    """Both in gray, or both in colors."""
    if theirs.ndim == 3:
        theirs = theirs[..., :3]
    if ours.ndim != theirs.ndim:
        ours, theirs = (
            pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
            for pixels in (ours, theirs)
        )
    return ours, theirs


def difference(ours: Array, theirs: Array) -> Array:
    """Where pictures differ, amplified; made smaller by the greatest of areas, so that no pixel gets lost."""
    apart = np.abs(ours.astype(np.int16) - theirs.astype(np.int16))
    apart = apart.max(axis=2) if apart.ndim == 3 else apart
    step = -(-max(apart.shape) // SIDE)
    rows, columns = (range(0, length, step) for length in apart.shape)
    largest = np.maximum.reduceat(np.maximum.reduceat(apart, rows, axis=0), columns, axis=1)
    seen: Array = np.where(largest > 0, np.clip(largest * AMPLIFIED + 40, 0, 255), 0).astype(np.uint8)
    return seen


def _what(header: fastdcm.Header) -> str:
    """Modality, frames, size, bits, photometric interpretation."""
    frames = f"{header.frames} x " if header.frames > 1 else ""
    words = f"{frames}{header.columns} x {header.rows}, {header.bits_stored} bits"
    return f"{header.modality or 'no modality'}, {words}, {header.photometric_interpretation}"


def files_of(data: Path) -> Iterator[tuple[Path, str]]:
    """Every file of a folder and its name below that, in order."""
    for path in sorted(data.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(data).as_posix()


def fresh(folder: Path) -> None:
    """Remove the thumbnails of an earlier sheet."""
    shutil.rmtree(folder / "images", ignore_errors=True)
