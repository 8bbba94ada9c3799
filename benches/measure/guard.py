"""Ratios to the floor beside those of the committed reference: shown, and never a failure.

Ratios carry over to another machine, times do not; and still a busy machine makes them worse, so the
margin is wide.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "reference.json"
#: A case counts as slower where its ratio is above that of the reference by this factor.
MARGIN = 1.5


def ratios(stages: list[dict[str, Any]]) -> dict[str, float]:
    """Case -> what a worker takes for an image, in multiples of bare decoding and encoding."""
    return {found["case"]: round(found["ratio"]["median"], 3) for found in stages}


def compare(stages: list[dict[str, Any]], reference: dict[str, float]) -> list[dict[str, Any]]:
    """Each case beside the reference; its verdict in a word."""
    rows = []
    for case, ratio in ratios(stages).items():
        before = reference.get(case)
        if before is None:
            verdict = "new"
        elif ratio > before * MARGIN:
            verdict = "slower"
        elif ratio < before / MARGIN:
            verdict = "faster"
        else:
            verdict = "as before"
        rows.append({"case": case, "ratio": ratio, "reference": before, "verdict": verdict})
    return rows


def load() -> dict[str, float]:
    """The committed ratios."""
    if not REFERENCE.is_file():
        return {}
    found: dict[str, float] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return found


def write(stages: list[dict[str, Any]]) -> None:
    """Make this run the reference."""
    text = json.dumps({**load(), **ratios(stages)}, indent=1, sort_keys=True)
    REFERENCE.write_text(text + "\n", encoding="utf-8")
