"""What kernels of JPEG-LS know of the parameters of a scan (ITU-T T.87 annexes A.2 and A.3). NumPy alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The fields of ``coding`` (A.2.1, C.2.4.1.1). STEP is 2 * NEAR + 1, BITS is qbpp.
NEAR, STEP, MAXVAL, RANGE, BITS, LIMIT, T1, T2, T3, RESET = range(10)
CODING_SIZE = RESET + 1
#: ``coding`` as functions hand it on: constants and registers, where an array would be loaded from.
CODING = f"UniTuple(int64, {CODING_SIZE})"
#: Fields of a context; K is the Golomb parameter of A and N, HALF is 2 ** (K - 1), or 0 where K is. In those
#: of run interruptions, B is Nn.
A, B, C, N, K, HALF = (np.uint64(field) for field in range(6))
FIELDS = 8
#: 365 of regular mode, two of run interruptions.
REGULAR_CONTEXTS, CONTEXTS = 365, 367
CONTEXT_ARRAY, LINES = "int64[::1]", "uint16[::1]"
#: More than Golomb parameters of samples of 16 bits are.
MOST_K = 16


class Tables(NamedTuple):
    """The parameters of a scan as `fastdcm.kernels.jpegls.decode_scan` takes them."""

    coding: NDArray[np.int64]
    initial: NDArray[np.int64]
    quantized: NDArray[np.int8]


def tables(near: int, maxval: int, thresholds: tuple[int, int, int], reset: int) -> Tables:
    """The parameters of a scan (A.2.1); of 16 bits, 0.4 megabytes.

    ``coding`` are the fields from NEAR to RESET. ``initial`` are the contexts at the start. ``quantized`` is
    `FIELDS` * Q3 for each Ra - Rc from -MAXVAL on (A.3.3), three times: without its sign, with it, and with
    the other one.
    """
    span = (maxval + 2 * near) // (2 * near + 1) + 1
    depth = max(2, maxval.bit_length())
    limit = 2 * (depth + max(8, depth))
    fields = near, 2 * near + 1, maxval, span, (span - 1).bit_length(), limit, *thresholds, reset
    contexts = np.zeros((CONTEXTS, FIELDS), np.int64)
    contexts[:, A], contexts[:, N] = max(2, (span + 32) >> 6), 1
    contexts[:, K] = int(contexts[0, A] - 1).bit_length()
    contexts[:, HALF] = 1 << contexts[:, K] >> 1
    difference = np.arange(-maxval, maxval + 1, dtype=np.int32)
    size = np.abs(difference)
    q3 = np.zeros(len(size), np.int8)
    for least in (near + 1, *thresholds):
        q3 += size >= least
    q3 *= np.int8(FIELDS)
    signed = np.where(difference > 0, -q3, q3)
    made = Tables(np.array(fields, np.int64), contexts.reshape(-1), np.concatenate([q3, signed, -signed]))
    for each in made:
        each.flags.writeable = False
    return made
