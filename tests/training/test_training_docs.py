"""Every example of docs/training.md runs, one after another, where ``scans/`` has pydicom's files."""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from fastdcm.codecs.table import SYNTAXES
from tests.conftest import CORPUS, PYDICOM_FILES, ROOT

PAGE = ROOT / "docs" / "training.md"
#: Packages that are none of ours, nor of the standard library, and that examples may import.
EXTRAS = ("torch", "monai", "datasets", "webdataset", "SimpleITK", "highdicom")


def sections() -> Iterator[tuple[str, list[str]]]:
    """Titles of the second level, and the examples below each."""
    _, *rest = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name, body in zip(rest[::2], rest[1::2], strict=True):
        if blocks := re.findall(r"^```python\n(.*?)^```$", body, re.DOTALL | re.MULTILINE):
            yield name, blocks


SECTIONS = dict(sections())


def absent(block: str) -> list[str]:
    """The extras that an example imports and that are not installed."""
    named = r"^\s*(import|from) (fastdcm\.(integrations\.)?)?{0}\b|\bfastdcm\.{0}\b"
    return [
        name
        for name in EXTRAS
        if re.search(named.format(name), block, re.MULTILINE) and find_spec(name) is None
    ]


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of pydicom's wheel that have pixels; the working folder is above."""
    import fastdcm

    (tmp_path / "scans").mkdir()
    for path in sorted(PYDICOM_FILES.glob("*.dcm")):
        try:
            with fastdcm.open(path) as image:
                known = image.header.transfer_syntax_uid in SYNTAXES
                image.render()
        except fastdcm.FastdcmError:
            continue
        if known and path.stat().st_size < 1 << 20:
            shutil.copy(path, tmp_path / "scans")
    assert len(list((tmp_path / "scans").iterdir())) > 20
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_page_has_examples() -> None:
    assert SECTIONS["Batches"]


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # webdataset leaves them to the collector
@pytest.mark.filterwarnings("ignore:NvImgCodec")  # MONAI's, of a reader that nobody asked for
@pytest.mark.parametrize("title", SECTIONS)
def test_examples_run(title: str, scans: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    left_out: list[str] = []
    for number, block in enumerate(SECTIONS[title], 1):
        if missing := absent(block):
            left_out += missing
            continue
        try:
            exec(compile(block, f"docs/training.md, {title}, example {number}", "exec"), names)
        except NameError as error:
            if not left_out:
                raise
            # What an example that was left out would have defined.
            left_out.append(str(error))
    names.clear()
    gc.collect()  # what is left open is told here, and not in another test
    if left_out:
        pytest.skip(", ".join(sorted(set(left_out))))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus")
def test_network_is_trained_on_the_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of PyTorch, where ``scans/`` has real images of many kinds, and files that fail."""
    pytest.importorskip("torch")
    (tmp_path / "scans").mkdir()
    for path in sorted((CORPUS / "files").iterdir()):
        (tmp_path / "scans" / f"{path.name.removesuffix('.dcm')}.dcm").symlink_to(path)
    monkeypatch.chdir(tmp_path)
    block = next(block for block in SECTIONS["PyTorch"] if "loss.backward()" in block)
    names: dict[str, Any] = {"__name__": "__main__", "losses": []}
    last = "    optimizer.step()\n"
    assert block.endswith(last)
    exec(
        compile(f"{block}    losses.append((loss.item(), len(images)))\n", "docs/training.md", "exec"), names
    )
    losses, data = names["losses"], names["data"]
    assert all(loss == loss and loss < 20 for loss, _ in losses)  # no NaN
    assert len(data) > 200
    assert 150 < sum(count for _, count in losses) < len(data)
    names.clear()
    gc.collect()
