"""The order of a tile's packets (T.800 B.12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from fastdcm.codestream.jpeg2000.coding import Progression
from fastdcm.codestream.jpeg2000.geometry import Resolution


class Place(NamedTuple):
    """Which packet it is: precinct ``precinct`` of a resolution, in layer ``layer``."""

    resolution: Resolution
    precinct: int
    layer: int


def packet_order(progressions: Iterable[Progression], resolutions: Iterable[Resolution]) -> Iterator[Place]:
    """The packets of progression order volumes, one volume after the other.

    Volumes may overlap; whoever follows the order leaves out what came before (B.12.2). No place is
    computed before it is asked for, so that the time it takes is that of the packets that are there.
    """
    everything = sorted(resolutions, key=attrgetter("level", "component"))
    for progression in progressions:
        inside = [
            resolution
            for resolution in everything
            if resolution.level in progression.resolutions and resolution.component in progression.components
        ]
        if inside:
            yield from _volume(progression, inside)


def _volume(progression: Progression, inside: list[Resolution]) -> Iterator[Place]:
    """``inside`` is sorted by resolution level, then by component."""
    layers = range(progression.layers)
    match progression.order:
        case "LRCP":
            for layer in layers:
                for resolution in inside:
                    for precinct in range(resolution.precincts):
                        yield Place(resolution, precinct, layer)
        case "RLCP":
            for level in _groups(inside, "level"):
                for layer in layers:
                    for resolution in level:
                        for precinct in range(resolution.precincts):
                            yield Place(resolution, precinct, layer)
        case "RPCL":
            for level in _groups(inside, "level"):
                yield from _by_position(level, layers)
        case "PCRL":
            yield from _by_position(inside, layers)
        case _:  # CPRL
            for component in _groups(sorted(inside, key=attrgetter("component")), "component"):
                yield from _by_position(component, layers)


def _groups(resolutions: list[Resolution], name: str) -> list[list[Resolution]]:
    return [list(group) for _, group in groupby(resolutions, attrgetter(name))]


def _by_position(resolutions: list[Resolution], layers: range) -> Iterator[Place]:
    """By y, x, component, level and precinct; the layers of a precinct follow each other."""
    places = {(resolution.component, resolution.level): resolution for resolution in resolutions}
    for _, _, component, level, precinct in merge(*(resolution.positions() for resolution in resolutions)):
        for layer in layers:
            yield Place(places[component, level], precinct, layer)
