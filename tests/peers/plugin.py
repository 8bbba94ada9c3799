"""``python -m tests.peers.plugin``: pydicom's pixel arrays with our plug-in and without.

Of every compressed file in pydicom's wheel and in the corpus, as RGB and raw; prints those that are not
equal, and why.
"""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels import pixel_array

from fastdcm.integrations import pydicom as plugin
from tests.conftest import CORPUS, PYDICOM_FILES
from tests.corpus.reading import bound_of

_PROCESSES = "lossy JPEG of Processes 6 and 10, which pydicom has no decoder for"
_12_BITS = (
    "gdcm and Pillow do not decode 12 bits, and pylibjpeg refuses a scan header that ends elsewhere than 63"
)
_BITS = "RLE of 1 bit, which none of pydicom's decoders takes"
#: The end of a file's name -> why it has pixels with the plug-in only.
GAINED = {
    "JPEG-lossy.dcm": _12_BITS,
    "RG3_JPLY": _12_BITS,
    "JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm": _PROCESSES,
    "JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": _PROCESSES,
    "liver_nonbyte_aligned_rle.dcm": _BITS,
}


class Outcome(NamedTuple):
    """A file, raw or as RGB: ``equal``, ``lossy`` (within a bound), ``gained``, ``both fail``, or wrong."""

    name: str
    raw: bool
    kind: str
    words: str = ""


def compressed_files() -> Iterator[tuple[Path, str]]:
    """Every compressed file, and its transfer syntax."""
    for folder in (PYDICOM_FILES, CORPUS / "files"):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                uid = pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID
            except (AttributeError, OSError, ValueError, pydicom.errors.InvalidDicomError):
                continue
            if uid.is_transfer_syntax and uid.is_compressed:
                yield path, str(uid)


def decoded(path: Path, *, raw: bool) -> NDArray[Any] | str:
    """pydicom's pixel array, or what it says instead: by errors of many kinds."""
    try:
        return pixel_array(path, raw=raw)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def compare(path: Path, uid: str, *, raw: bool) -> Outcome:
    plugin.uninstall()
    theirs = decoded(path, raw=raw)
    plugin.install()
    try:
        ours = decoded(path, raw=raw)
    finally:
        plugin.uninstall()
    if isinstance(ours, str):
        both = isinstance(theirs, str)
        return Outcome(path.name, raw, "both fail" if both else "lost", ours if both else f"ours: {ours}")
    if isinstance(theirs, str):
        reason = next((why for end, why in GAINED.items() if path.name.endswith(end)), "")
        return Outcome(path.name, raw, "gained" if reason else "unexplained", reason or theirs)
    if (ours.dtype, ours.shape) != (theirs.dtype, theirs.shape):
        return Outcome(
            path.name, raw, "shape", f"{ours.dtype} {ours.shape}, not {theirs.dtype} {theirs.shape}"
        )
    if np.array_equal(ours, theirs):
        return Outcome(path.name, raw, "equal")
    worst = int(np.abs(ours.astype(np.int64) - theirs).max())
    kind = "lossy" if worst <= bound_of(uid) else "deviates"
    return Outcome(path.name, raw, kind, f"by {worst}")


def outcomes() -> Iterator[Outcome]:
    for path, uid in compressed_files():
        for raw in (False, True):
            yield compare(path, uid, raw=raw)


def main() -> None:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    for outcome in outcomes():
        counts[outcome.kind] += 1
        if outcome.kind != "equal":
            print(f"{outcome.name}{' (raw)' if outcome.raw else ''}: {outcome.kind}: {outcome.words}")
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))


if __name__ == "__main__":
    main()
