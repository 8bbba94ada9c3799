"""``python -m benches.bench_small_sizes [--least PIXELS]``: real files in 1/2, 1/4 and 1/8 of their size.

Of each file of the corpus whose decoder halves it: how many times faster that is than the library's full
decoding, rendering and resizing by bare calls (`benches.measure.small`), and by how many greys pictures
differ. The factors of `fastdcm.rendering.halving` come from the differences: mean differences of pictures
with what was left out, by the mean difference of neighbours of what was decoded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import fastdcm
from benches.measure.small import measure
from fastdcm.codecs.table import SYNTAXES
from fastdcm.errors import FastdcmError
from tests.conftest import CORPUS

PARTS = (2, 4, 8)
_SECONDS = 0.7
#: Syntaxes whose decoder can do it; the others are the same as before.
_FAMILIES = ("jpeg", "jpeg2000", "htj2k")
_LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")


def row(path: Path, least: int) -> str | None:
    """A row of the table; None of a file that is of no interest."""
    with fastdcm.open(path) as image:
        header = image.header
        syntax = SYNTAXES.get(header.transfer_syntax_uid)
        if syntax is None or syntax.family not in _FAMILIES or header.rows * header.columns < least:
            return None
        if syntax.uid in _LOSSLESS_JPEG or header.photometric_interpretation == "PALETTE COLOR":
            return None
        if "minimum to maximum" in image.explain():
            return None
        longest = max(image.shape)
    cells = []
    for part in PARTS:
        found = measure([str(path)], _SECONDS, -(-longest // part))
        cells.append(f"{found['ratio']['median']:.1f}, {found['mean']:.2f}, {found['most']}")
    name = f"{path.stem.rpartition('__')[2]} {header.rows} x {header.columns}"
    return f"| {name} | {syntax.name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--least", type=int, default=1_000_000, help="files of so many pixels a frame")
    least = parser.parse_args().least
    titles = " | ".join(f"1/{part}: times as fast, mean, most" for part in PARTS)
    print(f"| file | syntax | {titles} |\n| --- | --- |" + " --- |" * len(PARTS))
    for path in sorted((CORPUS / "files").iterdir()):
        try:
            found = row(path, least)
        except FastdcmError:
            continue
        if found:
            print(found, flush=True)


if __name__ == "__main__":
    main()
