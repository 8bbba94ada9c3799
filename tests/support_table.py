"""README's table of codecs, and docs/support.md: what is behind each transfer syntax, counted.

``python -m tests.support_table`` rewrites both, ``--check`` says whether they are true. A test counts for the
cells that its mark names: ``@pytest.mark.encodes(".4.80", 12, "RGB")`` is the end of the UID, the bits of a
sample ("float" for floats) and the Photometric Interpretation; ``encodes(cell=lambda bits: (".4.80", bits,
"RGB"))`` makes them from the parameters of the test. The files are those of the corpus and of pydicom
whose stored values are compared; without the corpus their numbers stay as they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

import fastdcm
from fastdcm.codecs.table import SYNTAXES, Syntax
from tests.conftest import CORPUS, PYDICOM_FILES, ROOT
from tests.corpus.reading import files as corpus_files
from tests.corpus.reading import stored_rows
from tests.corpus.reading import table as corpus_table

START, END = "<!-- support-table -->\n", "<!-- /support-table -->"
README, SUPPORT = ROOT / "README.md", ROOT / "docs" / "support.md"
ROOT_UID = "1.2.840.10008.1.2"

#: The end of a UID -> what README calls it and those behind it that carry the same.
TITLES = {
    "": "uncompressed",
    ".5": "RLE Lossless",
    ".8.1": "Deflated Image Frame",
    ".4.50": "JPEG Baseline",
    ".4.51": "JPEG Extended, progressive",
    ".4.57": "JPEG Lossless",
    ".4.80": "JPEG-LS",
    ".4.90": "JPEG 2000",
    ".4.92": "JPEG 2000 Part 2",
    ".4.201": "High-Throughput JPEG 2000",
    ".4.110": "JPEG XL",
    ".4.111": "JPEG XL of a JPEG",
    ".4.100": "MPEG-2, H.264, HEVC",
    ".4.108": "HEVC Main 10",
}
BITS = ("1 bit", "2–8", "9–16", "17–64", "float")
COLOURS = ("gray", "palette", "RGB", "YBR")
COLUMNS = (*BITS, *COLOURS)


class Cell(NamedTuple):
    """A column of a row: the row is a UID."""

    uid: str
    column: str


class Counts(NamedTuple):
    """What is behind each cell."""

    tests: Counter[Cell]
    files: Counter[Cell]


def cells(uid: str, bits: int | str, photometric: str) -> set[Cell]:
    """The two cells that an image counts for: its depth's and its colours'."""
    depth = "float" if bits == "float" else BITS[sum(int(bits) > top for top in (1, 8, 16))]
    colour = {"MONOCHROME1": "gray", "MONOCHROME2": "gray", "PALETTE COLOR": "palette", "RGB": "RGB"}
    return {Cell(uid, depth), Cell(uid, colour.get(photometric, "YBR"))}


# Counting


def count_tests() -> Counter[Cell]:
    """Tests that have a mark, as pytest collects them."""
    tests = ROOT / "tests"
    modules = [
        path
        for path in sorted(tests.rglob("test_*.py"))
        if path.parent == tests / "encodings" or "encodes(" in _text(path)
    ]
    collector = _Collector()
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        arguments = ["--collect-only", "-q", "-p", "no:cacheprovider", *map(str, modules)]
        status = pytest.main(arguments, plugins=[collector])
    if status != pytest.ExitCode.OK:
        raise RuntimeError(f"pytest cannot collect the tests:\n{said.getvalue()[-3000:]}")
    return collector.counts


class _Collector:
    def __init__(self) -> None:
        self.counts: Counter[Cell] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            found: set[Cell] = set()
            for mark in item.iter_markers("encodes"):
                syntax, bits, photometric = mark.args or _made(mark.kwargs["cell"], item)
                uid = ROOT_UID + syntax
                if uid not in SYNTAXES or not SYNTAXES[uid].supported:
                    raise ValueError(f"{item.nodeid} is marked with {uid}, which is not supported")
                found |= cells(uid, bits, photometric)
            self.counts.update(found)


def _made(function: object, item: pytest.Item) -> tuple[str, int | str, str]:
    assert callable(function)
    parameters = item.callspec.params  # type: ignore[attr-defined]
    wanted = inspect.signature(function).parameters
    found: tuple[str, int | str, str] = function(**{name: parameters[name] for name in wanted})
    return found


def count_files() -> Counter[Cell] | None:
    """Real files whose values are compared (tests/corpus, tests/peers); None without the corpus."""
    if not (CORPUS / "STORED.csv").is_file():
        return None
    compared = {row.file for row in stored_rows(CORPUS) if row.frame}
    compared |= {row["file"] for row in corpus_table("undecoded.tsv") if row["decoder"] != "fails"}
    present = corpus_files(CORPUS)
    paths = [present[name] for name in sorted(compared) if name in present]
    known = {_digest(path) for path in present.values()}
    paths += [path for path in sorted(PYDICOM_FILES.rglob("*.dcm")) if _digest(path) not in known]
    found: Counter[Cell] = Counter()
    for path in paths:
        with contextlib.suppress(fastdcm.FastdcmError), fastdcm.open(path) as image:
            image.pixels(0)
            header = image.header
            uid = header.transfer_syntax_uid or ROOT_UID
            depth = "float" if header.is_float else header.bits_stored
            found.update(cells(uid, depth, header.photometric_interpretation))
    return found


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# README


def table() -> str:
    """README's table as Markdown: a row for each codec and what it carries."""
    rows = ["| codec | transfer syntaxes 1.2.840.10008.1.2… | carries | decoded by |", "| --- " * 4 + "|"]
    groups: dict[tuple[str, str], list[str]] = {}
    for syntax in SYNTAXES.values():
        if syntax.supported:
            groups.setdefault((syntax.decoder, syntax.carries), []).append(ending(syntax))
    rows += [
        f"| {TITLES[endings[0]]} | {shown(endings)} | {carries} | {decoder} |"
        for (decoder, carries), endings in groups.items()
    ]
    return "\n".join(rows) + "\n"


def with_table(readme: str) -> str:
    """``readme`` with the table between its two marks."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{table()}{END}{after}"


# docs/support.md

_INTRODUCTION = """\
# What is read, and what shows it

Each cell says how many tests compare stored values, pixel by pixel, with what went into an independent
encoder or came out of a second decoder, and how many real files are behind it: `12 · 5` is twelve tests and
five files. Every test and every file counts once for its bits and once for its colours. Bits are those of a
sample (Bits Stored), 12-bit packed ones among 9–16; gray is MONOCHROME1 and 2, YBR all YBR kinds. An empty
cell is nothing that the syntax can hold, or that anybody writes. Some tests need programs that may not be
installed (DCMTK, GDCM, OpenJPEG, libjxl).

The table is made by `python -m tests.support_table`, from the codec table and the marks of the tests, and a
test sees to it that it is true. The files are of public repositories, pydicom's test files among them.

"""


def ending(syntax: Syntax) -> str:
    """What follows the root of all transfer syntaxes."""
    return syntax.uid.removeprefix(ROOT_UID)


def shown(endings: list[str]) -> str:
    """The ends of UIDs; that of Implicit VR Little Endian is empty."""
    return " ".join(found or "(none)" for found in endings)


def grouped() -> list[list[Syntax]]:
    """The rows: a syntax and, for video, its fragmentable twin."""
    found: dict[str, list[Syntax]] = {}
    for syntax in SYNTAXES.values():
        if syntax.supported:
            found.setdefault(syntax.name.removeprefix("Fragmentable "), []).append(syntax)
    return list(found.values())


def support(counts: Counts) -> str:
    """docs/support.md."""
    lines = [
        f"| transfer syntax | 1.2.840.10008.1.2… | {' | '.join(COLUMNS)} |",
        "| --- | --- " + "| :-: " * len(COLUMNS) + "|",
    ]
    for row in grouped():
        cells_shown = [_shown(counts, [Cell(syntax.uid, column) for syntax in row]) for column in COLUMNS]
        endings = shown([ending(syntax) for syntax in row])
        lines.append(f"| {short(row[0])} | {endings} | {' | '.join(cells_shown)} |")
    return _INTRODUCTION + "\n".join(lines) + "\n\n" + _refused()


def _shown(counts: Counts, found: list[Cell]) -> str:
    tests, real = (sum(numbers[cell] for cell in found) for numbers in counts)
    return f"{tests} · {real}" if tests or real else ""


def short(syntax: Syntax) -> str:
    """A name without the numbers of processes and what others of its kind have in common."""
    name = re.sub(r" \((Process[^)]*|video)\)", "", syntax.name)
    return name.replace(", Non-Hierarchical", "").replace(
        " Explicit VR Little Endian", "", syntax.uid.endswith(".98")
    )


def _refused() -> str:
    """The others, in one sentence."""
    kinds = {
        "arithmetic": "JPEG with arithmetic coding",
        "Hierarchical (": "hierarchical JPEG",
        "JPIP": "JPIP",
        "SMPTE": "SMPTE ST 2110",
    }
    refused = [syntax for syntax in SYNTAXES.values() if not syntax.supported]
    groups: dict[str, list[str]] = {}
    for syntax in refused:
        kind = next((title for sign, title in kinds.items() if sign in syntax.name), syntax.name)
        groups.setdefault(kind, []).append(ending(syntax))
    parts = [f"{kind} ({', '.join(endings)})" for kind, endings in groups.items()]
    return f"Refused, by name: {'; '.join(parts)}.\n"


def committed(text: str) -> Counts:
    """The numbers that docs/support.md has; those of a row stand at its first syntax."""
    found = Counts(Counter(), Counter())
    for line in text.splitlines():
        parts = [part.strip() for part in line.strip("|").split("|")]
        uid = ROOT_UID + parts[1].split(" ")[0].replace("(none)", "") if len(parts) > 2 else ""
        if uid in SYNTAXES:
            for column, part in zip(COLUMNS, parts[2:], strict=True):
                tests, _, real = part.partition(" · ")
                found.tests[Cell(uid, column)] = int(tests or 0)
                found.files[Cell(uid, column)] = int(real or 0)
    return found


def wanted() -> dict[Path, str]:
    """What the two files should be."""
    real = count_files()
    if real is None:
        real = committed(_text(SUPPORT)).files
    counts = Counts(count_tests(), real)
    return {README: with_table(_text(README)), SUPPORT: support(counts)}


def main(arguments: Iterable[str]) -> int:
    """Rewrite both files, or with ``--check`` return 1 where one is not true."""
    files = wanted()
    if "--check" in arguments:
        return int(any(not path.is_file() or _text(path) != text for path, text in files.items()))
    SUPPORT.parent.mkdir(exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
