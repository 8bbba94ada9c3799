"""How pages look, in light and dark."""

from __future__ import annotations

from pathlib import Path

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
