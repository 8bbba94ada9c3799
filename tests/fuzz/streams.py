"""Random JPEG 2000 streams over what DICOM may hold of ITU-T T.800, the same for the same seed.

Made by the commands of OpenJPEG and of Grok, which have most options, and by imagecodecs, which needs no
process.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from tests.unit.codestream.jpeg2000_streams import PROGRESSIONS

Array = NDArray[Any]

#: What Grok calls options of OpenJPEG's command; it has no TLM.
_GROK = {"-SOP": "-S", "-EPH": "-E", "-PLT": "-L", "-TLM": "", "-mct": "-Y", "-TP": "-u", "-POC": "-P"}
_SHAPES = [(width, height) for width in range(2, 11) for height in range(2, 11) if width + height <= 12]
_FEW_SIDES = (1, 2, 3, 4, 5, 8, 31, 32, 33, 63, 64, 65)


@dataclass(frozen=True)
class Made:
    """A stream, and in words what it was made of; empty where its encoder did not make it."""

    number: int
    words: str
    stream: bytes


def picture(chance: Random, rows: int, columns: int, bits: int) -> tuple[str, Array]:
    """A name and samples of 0 to 2 ^ bits - 1: images of which each is another stretch of the coder."""
    random = np.random.default_rng(chance.randrange(1 << 32))
    y, x = np.mgrid[:rows, :columns]
    top = (1 << bits) - 1
    step, phase = chance.randint(1, 9), chance.randrange(8)
    kinds: dict[str, Callable[[], Any]] = {
        "noise": lambda: random.integers(0, top + 1, (rows, columns)),
        "sparse": lambda: np.where(random.random((rows, columns)) < 0.02, top, top // 2 + 1),
        "sparse small": lambda: top // 2 + 1 + (random.random((rows, columns)) < 0.01),
        "periodic": lambda: (x * step + y * phase) % (top + 1),
        "columns": lambda: np.where(x % (step + 1) == phase % (step + 1), top, 0),
        "stripes": lambda: np.where(y % (step + 1) == 0, top, top // 2 + 1),
        "constant": lambda: np.full((rows, columns), random.integers(0, top + 1)),
        "middle": lambda: np.full((rows, columns), top // 2 + 1),
        "gradient": lambda: (x + y) * top // max(1, rows + columns),
        "normal": lambda: random.normal(top / 2, top / (4 + 6 * phase) + 1, (rows, columns)),
        "half": lambda: np.where(x < columns // 2, random.integers(0, top + 1, (rows, columns)), 0),
        "smooth": lambda: top * (0.5 + 0.4 * np.sin(x / 5) * np.cos(y / 7)) + random.normal(0, 1, x.shape),
    }  # fmt: skip
    name = chance.choice(list(kinds))
    return name, np.clip(kinds[name](), 0, top).astype(np.int64)


def _image(chance: Random) -> tuple[str, Array, int]:
    """What it is in words, an image of 1 or 3 components, and its bits."""
    rows, columns = (
        chance.choice((*_FEW_SIDES, *[chance.randint(1, 150) for _ in range(len(_FEW_SIDES))]))
        for _ in range(2)
    )
    if chance.random() < 0.03:
        rows, columns = chance.choice([(chance.randint(1, 6), 1100), (1100, chance.randint(1, 6))])
    bits, samples = chance.randint(1, 16), chance.choice((1, 1, 3))
    negative = chance.random() < 0.4
    named = [picture(chance, rows, columns, bits) for _ in range(samples)]
    array = np.stack([each for _, each in named], -1) - (negative << bits - 1)
    kind = f"{'i' if negative else 'u'}{1 if bits <= 8 else 2}"
    words = f"{rows}x{columns}x{samples} {kind} {bits} bits {'/'.join(name for name, _ in named)}"
    return words, array.astype(kind)[..., 0 if samples == 1 else slice(None)], bits


def _place(chance: Random, shape: tuple[int, ...]) -> tuple[dict[str, tuple[int, int]], int]:
    """Tiles and offsets, and how many resolutions they have room for."""
    found: dict[str, tuple[int, int]] = {}
    rows, columns = shape[:2]
    least = min(rows, columns)
    if chance.random() < 0.45:
        # At most some twenty tiles: they cost time, and show little more.
        tile = tuple(chance.randint(max(1, side // 5), side + 9) for side in (columns, rows))
        found["tile_size"] = tile[0], tile[1]
        least = min(least, *tile)
    if chance.random() < 0.4:
        offset = chance.randint(0, 40), chance.randint(0, 40)
        found["offset"] = offset
        if "tile_size" in found:
            width, height = found["tile_size"]
            across, down = offset[0] - min(offset[0], width - 1), offset[1] - min(offset[1], height - 1)
            found["tile_offset"] = chance.randint(across, offset[0]), chance.randint(down, offset[1])
    return found, least.bit_length()


def _rates(chance: Random) -> list[float]:
    """Compression of each layer, falling; 1 is all there is."""
    count = chance.choice((0, 0, 1, 2, 3, 6))
    rates = sorted({chance.choice((2, 3, 5, 8, 13, 20, 50, 120)) for _ in range(count)}, reverse=True)
    return [*rates, 1] if rates and chance.random() < 0.7 else list(rates)


def _by_imagecodecs(chance: Random, tool: str, folder: Path) -> tuple[str, bytes]:
    words, array, bits = _image(chance)
    most = min(array.shape[:2]).bit_length()
    options: dict[str, Any] = {"resolutions": chance.randint(1, min(7, most)), "bitspersample": bits}
    options["reversible"] = chance.random() < 0.6
    if not options["reversible"]:
        options["level"] = chance.choice((0, 30, 40, 60))
    stream = imagecodecs.jpeg2k_encode(array, codecformat=chance.choice(("j2k", "j2k", "jp2")), **options)
    return f"{words} imagecodecs {options}", bytes(stream)


def _by_command(chance: Random, tool: str, folder: Path) -> tuple[str, bytes]:
    words, array, bits = _image(chance)
    place, most = _place(chance, array.shape)
    resolutions = chance.randint(1, min(7, most))
    width, height = chance.choice(_SHAPES)
    order = chance.choice(PROGRESSIONS)
    options = f"-n {resolutions} -p {order} -b {1 << width},{1 << height}"
    style = chance.choice((0, 0, 1, 2, 4, 8, 16, 32, 63, *[chance.randrange(64) for _ in range(9)]))
    options += f" -M {style}" if style else ""
    for flag, name in (("-t", "tile_size"), ("-d", "offset"), ("-T", "tile_offset")):
        if name in place:
            options += f" {flag} {place[name][0]},{place[name][1]}"
    rates = _rates(chance)
    if rates:
        options += f" -r {','.join(map(str, rates))}"
    if chance.random() < 0.4:
        count = chance.randint(1, 3)
        # It halves the last one for each lower resolution, also to 1, which is not allowed there.
        least = max(4, resolutions - count + 2)
        sizes = [f"[{1 << chance.randint(least, 8)},{1 << chance.randint(least, 8)}]" for _ in range(count)]
        options += f" -c {','.join(sizes)}"
    for flag, share in (("-SOP", 0.3), ("-EPH", 0.3), ("-PLT", 0.2), ("-TLM", 0.2), ("-I", 0.35)):
        options += f" {flag}" if chance.random() < share else ""
    if array.ndim == 3:
        options += f" -mct {chance.choice((0, 1))}"
    if resolutions > 1 and chance.random() < 0.1:
        layers, components = max(1, len(rates)), 3 if array.ndim == 3 else 1
        first, second, middle = (*chance.choices(PROGRESSIONS, k=2), chance.randint(1, resolutions - 1))
        options += f" -POC T1=0,0,{layers},{middle},{components},{first}"
        options += f"/T1={middle},0,{layers},{resolutions},{components},{second}"
    elif order in ("LRCP", "RLCP") and "tile_size" not in place and chance.random() < 0.5:
        # Else it puts packets into tile-parts that do not belong there, or that there are not.
        options += f" -TP {chance.choice('RLC')}"
    return f"{words} {options}", _encoded(tool, folder, array, bits, options)


def _encoded(tool: str, folder: Path, array: Array, bits: int, options: str) -> bytes:
    """What the command makes of raw samples, big-endian, plane by plane; empty where it refuses them."""
    planes = np.moveaxis(np.atleast_3d(array), 2, 0)
    source, target = folder / "in.raw", folder / "out.j2k"
    source.write_bytes(planes.astype(">u2" if bits > 8 else "u1").tobytes())
    target.unlink(missing_ok=True)
    samples, rows, columns = planes.shape
    form = f"{columns},{rows},{samples},{bits},{'s' if array.dtype.kind == 'i' else 'u'}"
    words = options.split()
    if Path(tool).name.startswith("grk"):
        if "-TP" in words and "-SOP" in words:
            words.remove("-SOP")  # which it numbers otherwise than A.8.1 has it, with gaps
        words = [said for word in words if (said := _GROK.get(word, word))] + ["-H", "1"]
    command = [tool, "-i", str(source), "-o", str(target), "-F", form, *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return b""
    return target.read_bytes() if done.returncode == 0 and target.is_file() else b""


_ENCODERS = (_by_command, _by_command, _by_command, _by_imagecodecs)


def made(seed: int, number: int, tool: str, folder: Path) -> Made:
    """Stream ``number`` of a seed; ``tool`` is OpenJPEG's command or Grok's, its files in ``folder``."""
    chance = Random(f"{seed} {number}")
    encode = chance.choice(_ENCODERS)
    try:
        words, stream = encode(chance, tool, folder)
    except (RuntimeError, ValueError, OSError) as error:  # what an encoder does not take
        return Made(number, f"{encode.__name__}: {error}", b"")
    return Made(number, words, stream)
