"""Which parts of a picture are blacked out, so that it shows nobody's name."""

from __future__ import annotations

from fastdcm.frozen import dataclass
from fastdcm.model import Region


@dataclass(frozen=True)
class DeidentifyOptions:
    """What of a picture is blacked out, in pixels of the source.

    ``masks`` are rectangles (x, y, width, height) that become black. ``keep_us_regions`` keeps nothing
    but the regions of an ultrasound's calibration (PS3.3 C.8.5.5). Either happens before everything else
    that changes the picture's geometry, and hides overlays, too; not what a presentation state draws.
    """

    masks: tuple[Region, ...] = ()
    keep_us_regions: bool = False
