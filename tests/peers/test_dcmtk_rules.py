"""Every rule of the VOI on every gray image of the corpus: DCMTK is within one gray, or explained.

What is compared and how is told by `tests.peers.compare`, which as a program prints the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.asks import RULES
from tests.peers.compare import EXPLAINED, REFUSED, UNREAD, Found, compare

pytestmark = pytest.mark.filterwarnings("ignore")

#: Frames that are within one gray with the whole corpus.
FRAMES = {
    "window of the file": 69,
    "VOI LUT": 4,
    "window, LINEAR": 153,
    "window, SIGMOID": 153,
    "min-max": 149,
    "ROI": 149,
    "inverse": 300,
    "presentation state": 415,
    "presentation state, INVERSE": 412,
}
Compared = tuple[dict[str, Found], dict[str, str]]


@pytest.fixture(scope="module")
def compared(corpus: Path, peer: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Compared:
    for tool in ("dcmj2pnm", "dcmpsmk", "dcmp2pgm", "dcmdjpeg", "dcmdjpls", "dcmdrle"):
        peer(tool)
    return compare(corpus, tmp_path_factory.mktemp("compared"))


@pytest.mark.parametrize("rule", RULES)
def test_rule(
    rule: str, compared: Compared, corpus: Path, record_property: Callable[[str, object], None]
) -> None:
    found = compared[0][rule]
    record_property(rule, f"{found.off[0]} equal, {found.off[1]} off by 1, {len(found.explained)} explained")
    assert not found.wrong
    assert found.explained.keys() == EXPLAINED[rule].keys() & found.seen, "explained, and within one gray"
    present = {path.name for path in (corpus / "files").iterdir()}
    assert found.refused.keys() == UNREAD.get(rule, {}).keys() & present
    if len(present) >= 230:
        assert found.off.total() >= FRAMES[rule]


def test_what_dcmtk_does_not_read(compared: Compared, corpus: Path) -> None:
    assert compared[1].keys() == REFUSED.keys() & {path.name for path in (corpus / "files").iterdir()}
