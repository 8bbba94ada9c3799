"""``python -m tests.corpus.report``: what the corpus tests and the comparisons with peers count."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import CORPUS
from tests.corpus.reading import files, hush_pydicom
from tests.corpus.test_stored_values import compare_with_second, compare_with_table, fate
from tests.peers import test_dcmtk, test_gdcm, test_pydicom
from tests.peers.comparing import Tally


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def corpus_lines() -> Iterator[str]:
    """What became of the files, and of the frames that STORED.csv knows."""
    fates = Counter((fate(path) or ("", "decoded", ""))[1] for path in files(CORPUS).values())
    yield f"files: {_counted(fates)}"
    counts, wrong = compare_with_table(CORPUS)
    yield f"frames of STORED.csv: {_counted(counts)}; {len(wrong)} wrong"
    counts, wrong = compare_with_second(CORPUS)
    yield f"frames of files that pydicom cannot decode: {_counted(counts)}; {len(wrong)} wrong"


def tallies(folder: Path) -> Iterator[tuple[Tally, dict[str, str], dict[str, str]]]:
    """(tally, exceptions that deviate, exceptions that the peer refuses) of all peers that are here."""
    if (CORPUS / "STORED.csv").is_file():
        if tool := shutil.which("dcmj2pnm"):
            gray = test_dcmtk.compare(CORPUS, tool, folder, colour=False)
            yield gray, test_dcmtk.GRAY_DEVIATES, test_dcmtk.GRAY_REFUSED
            colour = test_dcmtk.compare(CORPUS, tool, folder, colour=True)
            yield colour, test_dcmtk.COLOUR_DEVIATES, test_dcmtk.COLOUR_REFUSED
        if shutil.which("gdcmconv"):
            yield test_gdcm.compare(CORPUS, folder), test_gdcm.DEVIATES, test_gdcm.REFUSED
    for plugin, tally in test_pydicom.compare_stored().items():
        deviates, refused = test_pydicom.STORED_DEVIATES, test_pydicom.STORED_REFUSED
        yield tally, deviates.get(plugin, {}), refused.get(plugin, {})
    yield test_pydicom.compare_colour(), test_pydicom.COLOUR_DEVIATES, test_pydicom.COLOUR_REFUSED
    yield test_pydicom.compare_gray(), test_pydicom.GRAY_DEVIATES, test_pydicom.GRAY_REFUSED


def main() -> None:
    warnings.simplefilter("ignore")
    hush_pydicom()
    write = sys.stdout.write
    if (CORPUS / "STORED.csv").is_file():
        for line in corpus_lines():
            write(f"{line}\n")
    with tempfile.TemporaryDirectory() as folder:
        for tally, deviates, refused in tallies(Path(folder)):
            write(f"{tally}\n")
            for name, what in sorted(tally.deviating.items()):
                write(f"  deviates: {name}: {what}. {deviates.get(name, 'NOT LISTED')}\n")
            for name, what in sorted(tally.refused.items()):
                write(f"  not read: {name}: {refused.get(name) or f'NOT LISTED: {what}'}\n")


if __name__ == "__main__":
    main()
