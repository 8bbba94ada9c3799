"""How a run over many objects behaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

from fastdcm.errors import OptionError
from fastdcm.frozen import dataclass
from fastdcm.options.encode import EncodeOptions
from fastdcm.options.formats import Format, too_deep
from fastdcm.options.read import ReadOptions
from fastdcm.options.render import RenderOptions
from fastdcm.options.sidecars import SidecarOptions

if TYPE_CHECKING:
    from fastdcm.options.manifest import ManifestOptions
    from fastdcm.options.part import Part
    from fastdcm.options.shards import ShardOptions

Existing = Literal["keep", "overwrite", "skip"]


@dataclass(frozen=True)
class FrameSelection:
    """Which frames of an object: ``ranges`` of first and last, both counted from 1; empty is all."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, text: str) -> FrameSelection:
        """``all``, ``3``, ``2-5``, ``1,7,9`` and any list of these."""
        if text.strip().lower() == "all":
            return cls()
        ranges = []
        for part in text.split(","):
            found = re.fullmatch(r"\s*(\d{1,10})\s*(?:-\s*(\d{1,10})\s*)?", part)
            first = int(found[1]) if found else 0
            last = int(found[2] or first) if found else 0
            if first < 1 or last < first:
                raise OptionError(f"frames {text!r}: use all, 3, 2-5 or 1,7,9 (frames count from 1)")
            ranges.append((first, last))
        return cls(tuple(ranges))

    def numbers(self, frames: int) -> Sequence[int]:
        """The selected frame numbers of an object, each once and in ascending order.

        A frame that the object does not have is an `OptionError`.
        """
        if not self.ranges:
            return range(1, frames + 1)
        if (last := max(last for _, last in self.ranges)) > frames:
            have = "1 frame" if frames == 1 else f"{frames} frames"
            raise OptionError(f"frame {last} was asked for, but the object has {have}")
        return sorted({number for first, last in self.ranges for number in range(first, last + 1)})


@dataclass(frozen=True)
class ConvertOptions:
    """How a run over many objects behaves.

    ``existing`` says what happens to an output that is there already: ``keep`` leaves it and
    counts it as undone, ``skip`` leaves it on purpose, ``overwrite`` replaces it. ``name`` is a
    template for output names (see `fastdcm.batch.naming`), None takes the input's;
    ``allow_phi_names`` lets it have fields that may tell who the patient is. ``timeout`` is the least
    number of seconds a frame may take before its worker is ended. ``fsync`` waits until each image is on
    the disk. ``flat`` puts the images of a tree into one folder. With ``shards`` images are members of tar
    archives; those of a run with the same inputs and options that was cut off are kept, unless ``existing``
    is ``overwrite``. With a ``manifest`` each frame is accounted for, and a run can go on from another one.
    A ``part`` is a share of the inputs; runs of all parts do all of them.
    """

    render: RenderOptions = RenderOptions()
    encode: EncodeOptions = EncodeOptions()
    frames: FrameSelection = FrameSelection()
    existing: Existing = "keep"
    name: str | None = None
    read: ReadOptions = ReadOptions()
    fail_fast: bool = False
    timeout: float = 60.0
    fsync: bool = False
    allow_phi_names: bool = False
    sidecar: SidecarOptions = SidecarOptions()
    flat: bool = False
    shards: ShardOptions | None = None
    manifest: ManifestOptions | None = None
    part: Part | None = None

    def __post_init__(self) -> None:
        if self.existing not in get_args(Existing):
            raise OptionError(f"existing must be one of {', '.join(get_args(Existing))}")
        if not self.timeout > 0:
            raise OptionError(f"timeout must be above 0 seconds, not {self.timeout:g}")
        if self.shards is not None and self.sidecar.metadata in ("csv", "parquet"):
            raise OptionError(f"shards have metadata in JSON beside images: no {self.sidecar.metadata}")
        if self.shards is not None and self.name is not None:
            raise OptionError("names in shards are those of the inputs: leave the template (--name) out")
        if self.shards is not None and self.manifest is not None:
            raise OptionError(
                "shards have a list of their own, by which a run goes on: no manifest with them"
            )
        if self.part is not None and self.sidecar.metadata in ("csv", "parquet"):
            raise OptionError("a table of metadata is of a whole run: a part has json beside images instead")
        if self.render.bits == 16 and (reason := too_deep(self.encode.format)):
            raise OptionError(reason)

    def with_format(self, format: Format) -> ConvertOptions:
        """The same with another output format."""
        return replace(self, encode=replace(self.encode, format=format))
