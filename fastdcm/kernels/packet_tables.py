"""The columns of the tables that `packets` and `block_tables` work on, of int64; nothing here is compiled.

``resolutions``: a resolution level of a tile-component, by `RESOLUTION`, then by `BAND` for each of three
sub-bands, of which the area is empty where there is none.
``precincts``: by `PRECINCT`, as `packets.divide` makes them.
``shares``: what a precinct has of a sub-band, by `SHARE`, as `packets.divide` makes them. Code-blocks have a
number each; those of a share follow each other row by row.
"""

from __future__ import annotations

#: Tile and component; whether its code-blocks are wanted; how long rows are of the plane that these belong
#: to; level; exponents of the sizes of precincts, PPx and PPy, and of code-blocks (B.7); the code-block style
#: (table A.19); the first precinct in the partition, and how many there are across and down (B.6); how many
#: decompositions are above; the tile's corner.
RESOLUTION = (
    "TILE", "COMPONENT", "KEPT", "STRIDE", "LEVEL", "PRECINCT_WIDTH", "PRECINCT_HEIGHT", "BLOCK_WIDTH",
    "BLOCK_HEIGHT", "STYLE", "LEFT", "TOP", "ACROSS", "DOWN", "ABOVE", "TILE_X", "TILE_Y",
)  # fmt: skip
#: A sub-band's area (B-15), what leads from there to the plane, M_b (E-2), the column of table D.1.
BAND = ("X0", "Y0", "X1", "Y1", "TO_X", "TO_Y", "PLANES", "ORIENTATION")
#: Where progressions have it (B.12): tile, component, level, its number there, the place on the reference
#: grid; its first share, how many these are, where in ``states`` its own begins and ends; the style.
PRECINCT = (
    "TILE", "COMPONENT", "LEVEL", "NUMBER", "Y", "X", "SHARE", "SHARES", "STATE", "STATE_END", "STYLE",
)  # fmt: skip
#: The row of its resolution level, and where in that its sub-band is; the number of its first code-block; its
#: area in the sub-band; exponents of the size of code-blocks there; the first code-block in the partition,
#: and how many there are across and down.
SHARE = (
    "RESOLUTION",
    "BAND",
    "BLOCK",
    "X0",
    "Y0",
    "X1",
    "Y1",
    "WIDTH",
    "HEIGHT",
    "LEFT",
    "TOP",
    "ACROSS",
    "DOWN",
)

BANDS = len(RESOLUTION)
RESOLUTION_SIZE = BANDS + 3 * len(BAND)


def numbers(columns: tuple[str, ...], names: str) -> tuple[int, ...]:
    """The numbers of columns with these names, which are parted by blanks."""
    return tuple(map(columns.index, names.split()))
