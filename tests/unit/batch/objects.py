"""Objects for runs, each of a grey by which it is known."""

from __future__ import annotations

from typing import Any

from tests.builders import image


def object_of(grey: int, *, frames: int = 1, **more: Any) -> bytes:
    """A CT of 6 bytes a frame, of which the first is the grey, higher by one in each frame."""
    pixels = b"".join(bytes([grey + frame, 0, 0, 0, 0, 200]) for frame in range(frames))
    return image(pixels, frames=frames, modality="CT", sop_instance=f"1.2.{grey}", **more)
