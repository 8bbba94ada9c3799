"""Whether a plan shows 8-bit samples as they are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fastdcm.rendering import lut
from fastdcm.rendering.chain import Chain
from fastdcm.rendering.plan import ColourPlan, GrayPlan, Plan


def shows_as_stored(plan: Plan) -> bool:
    """Whether every unsigned sample of 8 bits, in all channels, is its own display value.

    That is read off the table of display values, not concluded from the parts of the chain. False
    where the pixels would have to be looked at, and for palettes.
    """
    match plan:
        case GrayPlan(chain=chain, automatic=None, supplemental=None):
            return is_identity(chain)
        case ColourPlan():
            return is_identity(Chain(None, plan.voi, bits=plan.bits))
    return False


@lru_cache(maxsize=64)
def is_identity(chain: Chain) -> bool:
    """Whether unsigned samples of 8 bits are their own display values, all 256 of them."""
    table = lut.table(chain, 8, False, 256)
    return table.dtype == np.uint8 and bool((table == np.arange(256)).all())
