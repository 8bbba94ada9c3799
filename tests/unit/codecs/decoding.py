"""A frame decoded as the pipeline does it, and headers to go with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdcm.codecs.decode import decode_frame
from fastdcm.model import Header, Notice, Samples

Array = NDArray[Any]

UIDS = {
    "implicit": "1.2.840.10008.1.2",
    "native": "1.2.840.10008.1.2.1",
    "uncompressed": "1.2.840.10008.1.2.1.98",
    "big endian": "1.2.840.10008.1.2.2",
    "rle": "1.2.840.10008.1.2.5",
    "deflated frame": "1.2.840.10008.1.2.8.1",
    "baseline": "1.2.840.10008.1.2.4.50",
    "extended": "1.2.840.10008.1.2.4.51",
    "lossless": "1.2.840.10008.1.2.4.57",
    "sv1": "1.2.840.10008.1.2.4.70",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg2000": "1.2.840.10008.1.2.4.90",
    "htj2k": "1.2.840.10008.1.2.4.201",
    "jpegxl": "1.2.840.10008.1.2.4.110",
}


def header_of(array: Array, syntax: str, **changes: Any) -> Header:
    """The header of an image (rows, columns[, samples]); all bits are stored unless ``changes`` say."""
    rows, columns, *samples = array.shape
    allocated = changes.pop("bits_allocated", 8 * array.itemsize)
    stored = changes.pop("bits_stored", allocated)
    values: dict[str, Any] = {
        "transfer_syntax_uid": UIDS.get(syntax, syntax),
        "rows": rows,
        "columns": columns,
        "frames": 1,
        "samples_per_pixel": samples[0] if samples else 1,
        "photometric_interpretation": "RGB" if samples else "MONOCHROME2",
        "planar_configuration": 0,
        "bits_allocated": allocated,
        "bits_stored": stored,
        "high_bit": stored - 1,
        "pixel_representation": int(array.dtype.kind == "i"),
    }
    return Header(**(values | changes))


def decoded(data: bytes, header: Header, **options: Any) -> tuple[Samples, list[str]]:
    """Samples and the codes of the notices."""
    notices: list[Notice] = []
    options = {"encapsulated": True, "note": notices.append} | options
    samples = decode_frame(memoryview(bytes(data)), header, **options)
    assert samples.array.dtype.isnative
    return samples, [notice.code for notice in notices]


def image(shape: tuple[int, ...], *, bits: int = 8, signed: bool = False, kind: str = "") -> Array:
    """Noise over all values of so many bits, in the smallest type that holds them, or in ``kind``."""
    random = np.random.default_rng(sum(shape) + bits)
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    values: Array = random.integers(low, high, shape, np.int64)
    values.reshape(-1)[:2] = (low, high - 1)[: values.size]
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    return values.astype(kind or f"{'i' if signed else 'u'}{size}")
