"""A frame by bare calls of what decodes it, on bytes in memory, with everything known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastdcm
from benches.measure.stages import DECODERS
from fastdcm.codecs.table import SYNTAXES
from fastdcm.kernels import OUTLOOK
from fastdcm.options import RenderOptions
from fastdcm.rendering.execute import execute
from fastdcm.rendering.resample import resampled


class BareFrame:
    """The first frame of a file: the library's decoder, rendering with a plan that is made, area filter."""

    def __init__(self, path: str, shape: tuple[int, int]) -> None:
        OUTLOOK.times = 1e9  # as in the middle of a long run
        self._shape = shape
        with fastdcm.open(path) as image:
            self._header = image.header
            self._samples = image._decode(0, as_rgb=True)
            self._plan = image._plan(0, RenderOptions(), self._samples.bits)
            self._decoder: Callable[[bytes, Any], Any] | None = None
            if image._frames.encapsulated:
                self._decoder = DECODERS[SYNTAXES[image.header.transfer_syntax_uid].family]
                self._data = bytes(image._frames.read(0)[0])

    def picture(self) -> Any:
        """Display values in the size that was asked for."""
        samples = self._samples
        if self._decoder is not None:
            array = self._decoder(self._data, self._header)
            samples = samples._replace(array=array.astype(samples.array.dtype, copy=False))
        return resampled(execute(self._plan, samples), *self._shape, None)
