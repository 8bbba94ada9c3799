"""``python -m tests.peers.codestreams``: every JPEG family against independent decoders, one by one.

The corpus, pydicom's files, and streams that the tests make. The largest difference of stored values may be 2
for DCT-based JPEG, 1 for irreversible JPEG 2000, 0 for all others.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from functools import cache

import numpy as np

import fastdcm
from fastdcm.codecs.table import SYNTAXES
from tests.corpus.reading import hush_pydicom
from tests.corpus.second import AbsentError, Array
from tests.damage.outcomes import table
from tests.damage.subjects import subjects
from tests.peers.comparing import Tally, ends
from tests.peers.decoders import DECODERS, Frame, NotDoneError
from tests.peers.test_pydicom import all_images

_KINDS = ("jpeg", "jpeg-ls", "jpeg2000", "htj2k")


@cache
def frames() -> dict[tuple[str, int], tuple[Frame, Array]]:
    """(file, frame from 1) -> the frame as it is coded, and what fastdcm makes of it."""
    found = {}
    for name, source in sources():
        with fastdcm.open(source) as image:
            for index in ends(image):
                data = bytes(image._frames.read(index)[0])
                frame = Frame(data, image.header)
                if image._frames.encapsulated and frame.kind in _KINDS:
                    found[name, index + 1] = frame, image.pixels(index, raw=True).astype(np.int64)
    return found


def sources() -> Iterator[tuple[str, object]]:
    """Name and path, or bytes, of all images."""
    yield from all_images().items()
    for codec, made in subjects().items():
        if codec.startswith(("JPEG", "HTJ2K")) and not codec.startswith("JPEG XL"):
            yield from ((f"made: {subject}", subject.file([subject.stream])) for subject in made)


def compare(decoder: str) -> tuple[Tally, dict[str, str]]:
    """The tally of one decoder, and by file the largest difference, ``-`` where it does not do such streams.

    Raises `AbsentError` where the decoder is not installed.
    """
    tally, cells = Tally(decoder), dict[str, str]()
    for (name, number), (frame, ours) in frames().items():
        try:
            theirs = DECODERS[decoder](frame)
        except AbsentError:
            raise
        except NotDoneError:
            cells[name] = "-"
        except Exception as error:  # whatever it says, it does not read the stream
            tally.refuse(name, number, error)
            cells[name] = "not read"
        else:
            tally.add(name, number, ours, theirs, frame.bound)
            if ours.shape == theirs.shape:
                worst = int(np.abs(ours - theirs.astype(np.int64)).max())
                cells[name] = str(max(worst, int(cells.get(name, "0"))))
            else:
                cells[name] = f"shape {theirs.shape}"
    return tally, cells


def report() -> Iterator[str]:
    """A row a file: its syntax, its process, the bound, and the largest difference to each decoder."""
    tallies, columns = [], {}
    for name in DECODERS:
        try:
            tally, columns[name] = compare(name)
        except AbsentError as error:
            yield f"{name}: {error}"
        else:
            tallies.append(tally)
    rows = {}
    for (name, _), (frame, _) in frames().items():
        uid = frame.header.transfer_syntax_uid
        syntax = SYNTAXES[uid].name.split(" (")[0] if uid in SYNTAXES else uid
        rows[name] = [name, syntax, frame.process, str(frame.bound), *(c[name] for c in columns.values())]
    yield table(["file", "transfer syntax", "process", "bound", *columns], rows.values())
    yield from map(str, tallies)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    hush_pydicom()
    for line in report():
        sys.stdout.write(f"{line}\n")
