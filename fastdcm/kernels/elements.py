"""Heads of data elements in little endian (PS3.5 clause 7.1)."""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.jit import kernel

_BYTES = "Array(uint8, 1, 'C', readonly=True)"
_TAGS = "Array(int64, 1, 'C', readonly=True)"


@kernel(f"int64({_BYTES}, int64)")
def four_bytes(data, at):  # type: ignore[no-untyped-def]
    """An unsigned number of 32 bits, the lowest byte first. data: (n,) uint8, of which ``at`` + 3 is one."""
    return (
        np.int64(data[at])
        | np.int64(data[at + 1]) << 8
        | np.int64(data[at + 2]) << 16
        | np.int64(data[at + 3]) << 24
    )


@kernel(f"void({_BYTES}, int64, boolean, int64, int64, {_BYTES}, {_TAGS}, int64[:, ::1])")
def walk(data, position, explicit, first, end, heads, wanted, found):  # type: ignore[no-untyped-def]
    """Pass elements from ``position`` on and note the wanted ones.

    It stops before the first element that is not plain, for the caller to look at: whose tag is not in
    ``first`` <= tag < ``end``, whose length is undefined, which is not wholly in ``data``, whose VR has
    no head; and where ``found`` is full.

    data: (n,) uint8; heads: (65536,) uint8, the bytes of a head (8 or 12, or 0) by the number that the
    VR's two letters are in big endian; wanted: (k,) int64, ascending; found: (m, 4) int64, whose
    first row becomes the position behind what was passed, the number of rows that follow, that of elements
    passed, 0, and each of these rows tag, VR (0 in implicit encoding), offset of the value, length.
    """
    count = 1
    passed = 0
    following = 0
    before = np.int64(0)
    # As much as the longest head has must be there, also of a shorter one.
    last = data.size - (12 if explicit else 8)
    while position <= last and count < found.shape[0]:
        tag = (
            np.int64(data[position]) << 16
            | np.int64(data[position + 1]) << 24
            | np.int64(data[position + 2])
            | np.int64(data[position + 3]) << 8
        )
        if tag < first or tag >= end:
            break
        vr = np.int64(0)
        head = np.int64(8)
        at = position + 4
        if explicit:
            vr = np.int64(data[at]) << 8 | np.int64(data[at + 1])
            head = np.int64(heads[vr])
            at = position + head - 4
            if head == 0:
                break
        if explicit and head == 8:
            length = np.int64(data[position + 6]) | np.int64(data[position + 7]) << 8
        else:
            length = four_bytes(data, at)
        if length == 0xFFFFFFFF or position + head + length > data.size:
            break
        # Tags ascend, as the standard wants it (7.1); where they do not, all are looked through again.
        if tag < before:
            following = 0
        before = tag
        while following < wanted.size and wanted[following] < tag:
            following += 1
        if following < wanted.size and wanted[following] == tag:
            found[count, 0] = tag
            found[count, 1] = vr
            found[count, 2] = position + head
            found[count, 3] = length
            count += 1
        position += head + length
        passed += 1
    found[0, 0] = position
    found[0, 1] = count - 1
    found[0, 2] = passed
    found[0, 3] = 0


@kernel(
    f"void({_BYTES}, {_BYTES}, {_BYTES}, {_TAGS}, {_TAGS}, {_TAGS}, int64[:, ::1], int64[:, ::1], uint8[::1])"
)
def digest(  # type: ignore[no-untyped-def]
    data, heads, implicit_uid, meta_wanted, wanted, own, found, places, out
):
    """Pass a file up to Pixel Data and put the wanted values together, where all elements are plain.

    Those of ``own`` are left out and told by their places.

    data: (n,) uint8, the file; heads, wanted, found: as `walk` has them; implicit_uid: (17,) uint8, the UID
    of the syntax without VRs; meta_wanted: (2,) int64, Group Length and Transfer Syntax UID; own: (k,)
    int64; places: (2 + k, 2) int64, which becomes (length of the digest, VR of Pixel Data), (offset, length)
    of Pixel Data, (offset, length) of each own value, 0 and 0 of one that is absent; out: (m,) uint8, the
    digest. Its length becomes 0 where anything is not as usual, and where it has no room.
    """
    for index in range(places.shape[0]):
        places[index, 0] = 0
        places[index, 1] = 0
    if data.size < 144 or data[128] != 68 or data[129] != 73 or data[130] != 67 or data[131] != 77:
        return
    walk(data, 132, True, 0x00020000, 0x00030000, heads, meta_wanted, found)
    start = found[0, 0]
    if found[0, 1] != 2 or found[1, 0] != 0x00020000 or found[1, 3] != 4 or found[2, 0] != 0x00020010:
        return
    at = found[1, 2]
    declared = four_bytes(data, at)
    # A data set starts with group 0008: what does not is for a closer look.
    if at + 4 + declared != start or start + 12 > data.size or data[start] != 8 or data[start + 1] != 0:
        return
    at = found[2, 2]
    size = found[2, 3]
    if size > 64:
        return
    explicit = size < 17 or size > 18
    for index in range(min(size, 17)):
        if data[at + index] != implicit_uid[index]:
            explicit = True
    # The UID and its padding; and no VR where one would stand.
    if not explicit and (size == 18 and data[at + 17] not in (0, 32)):
        return
    if not explicit and heads[np.int64(data[start + 4]) << 8 | np.int64(data[start + 5])]:
        return
    count = np.int64(0)
    for index in range(size):
        out[count] = data[at + index]
        count += 1
    out[count] = 0
    count += 1
    walk(data, start, explicit, 0, 0x7FE00000, heads, wanted, found)
    position = found[0, 0]
    # (7FE0,0010), with 32 bits of length in either encoding.
    if position + 12 > data.size or data[position] != 0xE0 or data[position + 1] != 0x7F:
        return
    if data[position + 2] != 0x10 or data[position + 3] != 0:
        return
    vr = np.int64(0)
    at = position + 4
    if explicit:
        vr = np.int64(data[at]) << 8 | np.int64(data[at + 1])
        if heads[vr] != 12:
            return
        at = position + 8
    length = four_bytes(data, at)
    for row in range(1, 1 + found[0, 1]):
        tag = found[row, 0]
        offset = found[row, 2]
        size = found[row, 3]
        is_own = False
        for index in range(own.size):
            if own[index] == tag:
                places[2 + index, 0] = offset
                places[2 + index, 1] = size
                is_own = True
        if is_own:
            continue
        if size > 256 or count + 10 + size > out.size:
            return
        for shift in range(0, 32, 8):
            out[count] = np.uint8(tag >> shift & 0xFF)
            out[count + 4] = np.uint8(size >> shift & 0xFF)
            count += 1
        out[count + 4] = np.uint8(found[row, 1] >> 8)
        out[count + 5] = np.uint8(found[row, 1] & 0xFF)
        count += 6
        for index in range(size):
            out[count] = data[offset + index]
            count += 1
    places[0, 0] = count
    places[0, 1] = vr
    places[1, 0] = at + 4
    places[1, 1] = length
