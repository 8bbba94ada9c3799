"""Less than everything: the code-blocks that a region depends on, the bit-planes that can change a grey.

Bit-planes (display precision): a coefficient that lacks its last p planes is reconstructed in the middle of
2^p steps of its quantisation (E.1.1.2), off by half of that at most, and spreads over the samples as the
synthesis filters have it. What counts is how much that changes samples on average, in the sense of squares:
the step, 2^p times, by the norm of what the inverse transform makes of a coefficient of 1.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.jpeg2000.blocks import TileComponent
from fastdcm.codestream.jpeg2000.headers import Area
from fastdcm.kernels.code_blocks import HEIGHT, OUT, STRIDE, WIDTH
from fastdcm.kernels.wavelets import (
    ALPHA,
    BETA,
    DELTA,
    GAMMA,
    IRREVERSIBLE_STEPS,
    REVERSIBLE_STEPS,
    K,
)

#: How many greys 2^p steps of a sub-band's coefficients, by their norm, may be. So 99.9 % of samples are
#: within a grey of what they would be, and all within two (benches/bench_jpeg2000_less.py).
_SHARE_OF_A_GREY = 0.85

#: Lifting steps of the inverse transforms (F.3.8.2.1.1 without its rounding, F.3.8.2.1.2): whether it is the
#: odd samples that change, and by what of the sum of their neighbours; before them, what low and high ones
#: are multiplied by.
_REVERSIBLE = ((0, -0.25), (1, 0.5)), (1.0, 1.0)
_IRREVERSIBLE = (
    ((0, -float(DELTA)), (1, -float(GAMMA)), (0, -float(BETA)), (1, -float(ALPHA))),
    (K, 1 / K),
)
#: Decompositions whose filters are computed; those of further ones are as many times the last by sqrt(2).
_COMPUTED = 8


def bands_of_blocks(component: TileComponent) -> NDArray[np.int64]:
    """Of each code-block of a tile-component, the number of its sub-band in ``bands``."""
    rows, columns = np.divmod(component.blocks[:, OUT], component.blocks[:, STRIDE])
    numbers = np.zeros(len(rows), np.int64)
    for number, band in enumerate(component.bands):
        inside = (rows >= band.y0) & (rows < band.y1) & (columns >= band.x0) & (columns < band.x1)
        numbers[inside] = number
    return numbers


def needed_blocks(component: TileComponent, wanted: Area) -> NDArray[np.bool_]:
    """Which code-blocks have coefficients that samples of an area of the highest level depend on.

    A sample depends on those around it, as many to each side as there are lifting steps (F.3.8).
    """
    reach = REVERSIBLE_STEPS if component.reversible else IRREVERSIBLE_STEPS
    areas = {}
    for level in range(len(component.resolutions) - 1, 0, -1):
        edges = [wanted.x0 - reach, wanted.y0 - reach, wanted.x1 + reach, wanted.y1 + reach]
        low, high = [edge + 1 >> 1 for edge in edges], [edge >> 1 for edge in edges]
        for number, (across, down) in enumerate(((high, low), (low, high), (high, high))):
            areas[3 * level - 2 + number] = Area(across[0], down[1], across[2], down[3])
        wanted = Area(*low)
    areas[0] = wanted
    # The part of each sub-band that counts, in the coordinates of the plane.
    parts = np.array(
        [
            np.array(areas[number]) + 2 * (band.x0 - band.area.x0, band.y0 - band.area.y0)
            for number, band in enumerate(component.bands)
        ]
    )
    x0, y0, x1, y1 = parts[bands_of_blocks(component)].T
    rows, columns = np.divmod(component.blocks[:, OUT], component.blocks[:, STRIDE])
    ends, behind = rows + component.blocks[:, HEIGHT], columns + component.blocks[:, WIDTH]
    needed: NDArray[np.bool_] = (ends > y0) & (rows < y1) & (behind > x0) & (columns < x1)
    return needed


def lowest_planes(component: TileComponent, grey: float) -> NDArray[np.int64]:
    """Of each code-block the last bit-plane that can change a grey, which is ``grey`` in units of samples."""
    lowest = [
        max(0, math.floor(math.log2(_SHARE_OF_A_GREY * grey / (band.step * norm))))
        for band, norm in zip(component.bands, _norms_of_bands(component), strict=True)
    ]
    return np.array(lowest, np.int64)[bands_of_blocks(component)]


def _norms_of_bands(component: TileComponent) -> list[float]:
    """Of each sub-band the norm of what the inverse transform makes of a coefficient of 1."""
    levels = len(component.resolutions) - 1
    low, _ = norms(levels, reversible=component.reversible)
    found = [low * low]
    for decompositions in range(levels, 0, -1):
        low, high = norms(decompositions, reversible=component.reversible)
        found += [high * low, low * high, high * high]  # HL, LH, HH
    return found


@lru_cache(maxsize=64)
def norms(decompositions: int, *, reversible: bool) -> tuple[float, float]:
    """Norms of the samples that a low-pass or a high-pass coefficient of 1 becomes in one direction.

    They are square roots of sums of squares, after so many steps of the inverse transform (F.3), of which the
    last ones take samples for low-pass coefficients; 1 without any.
    """
    if decompositions == 0:
        return 1.0, 1.0
    if decompositions > _COMPUTED:
        low, high = norms(decompositions - 1, reversible=reversible)
        return low * math.sqrt(2), high * math.sqrt(2)
    found = []
    for odd in (0, 1):
        samples = np.ones(1)
        for step in range(decompositions):
            samples = _synthesized(samples, odd if step == 0 else 0, reversible=reversible)
        found.append(float(np.sqrt(np.square(samples).sum())))
    return found[0], found[1]


def _synthesized(coefficients: NDArray[np.float64], odd: int, *, reversible: bool) -> NDArray[np.float64]:
    """The samples that low-pass (or, ``odd``, high-pass) coefficients become, with zeros around them."""
    lifting, scaling = _REVERSIBLE if reversible else _IRREVERSIBLE
    margin = 2 * len(lifting)
    samples = np.zeros(2 * len(coefficients) + 2 * margin)
    samples[margin + odd : len(samples) - margin + odd : 2] = scaling[odd] * coefficients
    for first, factor in lifting:
        around = np.zeros_like(samples)
        around[1:-1] = samples[:-2] + samples[2:]
        samples[first::2] += factor * around[first::2]
    return samples
