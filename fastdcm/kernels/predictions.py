"""Differences of lossless JPEG to samples (ITU-T T.81 H.1.2.1 and H.2): predictions, the point transform.

A row is of ``width`` values, those of all components of a scan side by side. Ra is the value of the same
component to the left, Rb the one above, Rc that to the left of Rb (figure H.1); all are modulo 2^16.
"""

from __future__ import annotations

import numpy as np

from fastdcm.kernels.inlined import inlined

#: What `add` keeps count of: the row, the values that are there of it, the row at which the restart interval
#: starts, and the row behind the interval.
ROW, COLUMN, FIRST, BEHIND = (np.uint64(number) for number in range(4))
STATE = 4

_U = np.uint64
_0, _1, _2, _3 = _U(0), _U(1), _U(2), _U(3)
_ALL = 0xFFFF
_VALUES = "uint16[::1]"


@inlined(f"void({_VALUES}, uint64, uint64, {_VALUES}, {_VALUES}, uint64, uint64)")
def add_to_row(differences, first, count, row, above, column, predictor):  # type: ignore[no-untyped-def]
    """Values of one component from their differences, behind the row's first one (table H.1)."""
    a = np.int64(row[column - _1])
    if predictor == _1:
        for i in range(count):
            a += np.int64(differences[first + i])
            row[column + i] = np.uint16(a)
    elif predictor == _U(2):
        for i in range(count):
            row[column + i] = np.uint16(above[column + i] + differences[first + i])
    elif predictor == _U(3):
        for i in range(count):
            row[column + i] = np.uint16(above[column + i - _1] + differences[first + i])
    elif predictor == _U(4):
        for i in range(count):
            b, c = np.int64(above[column + i]), np.int64(above[column + i - _1])
            a += b - c + np.int64(differences[first + i])
            row[column + i] = np.uint16(a)
    elif predictor == _U(5):
        for i in range(count):
            b, c = np.int64(above[column + i]), np.int64(above[column + i - _1])
            a += (b - c >> 1) + np.int64(differences[first + i])
            row[column + i] = np.uint16(a)
    elif predictor == _U(6):
        for i in range(count):
            # What does not depend on Ra is brought together, to be ready when that is.
            b, c = np.int64(above[column + i]), np.int64(above[column + i - _1])
            a = a + (2 * (b + np.int64(differences[first + i])) - c) >> 1 & _ALL
            row[column + i] = np.uint16(a)
    else:
        for i in range(count):
            a = a + (np.int64(above[column + i]) + 2 * np.int64(differences[first + i])) >> 1 & _ALL
            row[column + i] = np.uint16(a)


@inlined("int64(uint64, int64, int64, int64)")
def prediction(predictor, a, b, c):  # type: ignore[no-untyped-def]
    """Table H.1; half of a difference is rounded down."""
    if predictor == _1:
        return a
    if predictor == _U(2):
        return b
    if predictor == _U(3):
        return c
    if predictor == _U(4):
        return a + b - c
    if predictor == _U(5):
        return a + (b - c >> 1)
    if predictor == _U(6):
        return b + (a - c >> 1)
    return a + b >> 1


@inlined(f"void({_VALUES}, uint64, uint64, {_VALUES}, {_VALUES}, uint64, uint64, uint64)")
def add_interleaved(differences, first, count, row, above, column, components, predictor):  # type: ignore[no-untyped-def]
    """As `add_to_row`, of several components; behind the row's first value of each."""
    if predictor == _1:
        done = _0
        if components == _3:
            x, y, z = row[column - _3], row[column - _2], row[column - _1]
            while done + _3 <= count:
                at, place = column + done, first + done
                x = np.uint16(x + differences[place])
                y = np.uint16(y + differences[place + _1])
                z = np.uint16(z + differences[place + _2])
                row[at], row[at + _1], row[at + _2] = x, y, z
                done += _3
        for i in range(done, count):
            at = column + i
            row[at] = np.uint16(row[at - components] + differences[first + i])
    else:
        for i in range(count):
            at = column + i
            a, b = np.int64(row[at - components]), np.int64(above[at])
            value = prediction(predictor, a, b, np.int64(above[at - components]))
            row[at] = np.uint16(value + np.int64(differences[first + i]))


@inlined(f"void({_VALUES}, uint64, uint64, {_VALUES}, {_VALUES}, uint64, uint64, uint64, uint64, boolean)")
def add_some(  # type: ignore[no-untyped-def]
    differences, first, count, row, above, column, components, predictor, initial, is_first
):
    """Values of a row from their differences, from a column on.

    The first of a component in a row is predicted by Rb, that of an interval by ``initial``; the other ones
    of an interval's first row by Ra (H.1.2.1).
    """
    done = _0
    while done < count and column < components:
        before = initial if is_first else _U(above[column])
        row[column] = np.uint16(before + _U(differences[first]))
        first += _1
        column += _1
        done += _1
    if done == count:
        return
    if is_first:
        predictor = _1
    if components == _1:
        add_to_row(differences, first, count - done, row, above, column, predictor)
    else:
        add_interleaved(differences, first, count - done, row, above, column, components, predictor)


#: What there is to know of a scan: its components side by side; the predictor and its first value; the point
#: transform; the mask that gives the row of ``lines`` in which a row's values are put together; in a row of
#: samples the first one's place, and from one value's place to the next one's.
COMPONENTS, PREDICTOR, INITIAL, SHIFT, MASK, OFFSET, APART = (np.uint64(number) for number in range(7))
SCAN = 7
#: The mask where ``lines`` are the samples.
IN_PLACE = _U(0xFFFFFFFFFFFFFFFF)

_ARGUMENTS = f"{_VALUES}, uint64, uint64, uint16[:, ::1], {{}}[:, ::1], uint64[::1], uint64[::1]"


@inlined(*(f"void({_ARGUMENTS.format(kind)})" for kind in ("uint8", "uint16")))
def add(differences, first, behind, lines, out, state, scan):  # type: ignore[no-untyped-def]
    """Go on with the differences between two places, as far as the interval has samples."""
    width, mask = _U(lines.shape[1]), scan[MASK]
    while first < behind and state[ROW] < state[BEHIND]:
        at, column = state[ROW], state[COLUMN]
        count = min(behind - first, width - column)
        row, above = lines[at & mask], lines[max(at, _1) - _1 & mask]
        predictor, is_first = scan[PREDICTOR], at == state[FIRST]
        add_some(
            differences,
            first,
            count,
            row,
            above,
            column,
            scan[COMPONENTS],
            predictor,
            scan[INITIAL],
            is_first,
        )
        first += count
        column += count
        if column == width:
            if mask != IN_PLACE:
                place, apart, shift = scan[OFFSET], scan[APART], scan[SHIFT]
                samples = out[at]
                if apart == _1:
                    for i in range(width):
                        samples[i] = row[i] << shift
                else:
                    for i in range(width):
                        samples[place + i * apart] = row[i] << shift
            state[ROW] = at + _1
            column = _0
        state[COLUMN] = column
