"""By which window a frame was shown, as data and in words."""

from __future__ import annotations

from typing import NamedTuple

from fastdcm.model import Lut, Window
from fastdcm.rendering.chain import Range
from fastdcm.rendering.plan import ChannelsPlan, ColourPlan, GrayPlan, PalettePlan, Plan


class Voi(NamedTuple):
    """The VOI transform of a frame (PS3.3 C.11.2), in units of the modality LUT's output.

    ``kind`` is WINDOW, LUT, RANGE, CHANNELS (a window each, which the rule tells) or NONE. A range, from
    the least value that is black to the least that is white, is told as the window that does the same:
    LINEAR_EXACT (C.11.2.1.3.2). ``rule`` says in words what was done to the values, and from where it came.
    """

    kind: str
    center: float | None = None
    width: float | None = None
    function: str | None = None
    rule: str = ""


def voi_of(plan: Plan, found: Range | None) -> Voi:
    """That of a plan; ``found`` is the range that the pixels gave, where the plan leaves it to them."""
    match plan:
        case GrayPlan():
            voi: Window | Lut | Range = plan.chain.voi
            if plan.automatic is not None:
                voi = found or Range(0.0, 0.0)
                if plan.automatic.region is not None and voi.low == voi.high and found is not None:
                    voi = Window(voi.low + 0.5, 1.0)
            return _told(voi, plan.rule)
        case ColourPlan():
            # The range of colour is all that there is: its values are shown as they are.
            return _told(plan.voi, plan.rule) if isinstance(plan.voi, Window) else Voi("NONE", rule=plan.rule)
        case ChannelsPlan():
            return Voi("CHANNELS", rule=plan.rule)
        case PalettePlan():
            return Voi("NONE", rule=plan.rule)


def _told(voi: Window | Lut | Range, rule: str) -> Voi:
    match voi:
        case Window():
            return Voi("WINDOW", voi.center, voi.width, voi.function, rule)
        case Lut():
            return Voi("LUT", rule=rule)
        case Range(low, high):
            return Voi("RANGE", low + (high - low) / 2, high - low, "LINEAR_EXACT", rule)
