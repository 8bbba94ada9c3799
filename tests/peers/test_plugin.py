"""pydicom's pixel arrays with our plug-in are those without it, or it is known why not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peers.plugin import GAINED, outcomes

pytestmark = pytest.mark.filterwarnings("ignore")


def test_pixel_arrays(corpus: Path, record_property: Callable[[str, object], None]) -> None:
    found = list(outcomes())
    counts = Counter(outcome.kind for outcome in found)
    for kind, count in counts.items():
        record_property(kind, count)
    wrong = [o for o in found if o.kind not in ("equal", "lossy", "gained", "both fail")]
    assert not wrong, "\n".join(map(str, wrong))
    assert counts["equal"] > 150
    gained = [o.name for o in found if o.kind == "gained"]
    assert all(any(name.endswith(end) for name in gained) for end in GAINED), (
        "a reason of GAINED is not needed"
    )
