"""Our decoders and our colour conversion in pydicom 3: `install()`, and `ds.pixel_array` uses them.

pydicom asks the decoding plug-ins of a transfer syntax in turn, and only appends to their list. `install`
puts ours at its head; the others stay, for ``decoding_plugin="gdcm"`` and for what ours does not do. What it
gives is as pydicom defines it: samples as the codestream has them, whose sign and unused bits pydicom then
corrects.
"""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.common import PhotometricInterpretation
from pydicom.pixels.decoders import base
from pydicom.uid import UID

from fastdcm.codecs.decode import decode_frame
from fastdcm.codecs.table import SYNTAXES
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import OUTLOOK, Payoff
from fastdcm.model import Header, Notice
from fastdcm.options import Decoder, ReadOptions
from fastdcm.rendering.colour import to_rgb

if TYPE_CHECKING:
    from collections.abc import Iterator

Array = NDArray[Any]

#: The name of our plug-in, for ``decoding_plugin``.
NAME = "fastdcm"

_FAMILIES = frozenset({"rle", "jpeg", "jpeg-ls", "jpeg2000", "htj2k"})
_YBR = ("YBR_FULL", "YBR_FULL_422")
_LOCK = Lock()
_LOGGER = logging.getLogger(__name__)
_PAYOFF = Payoff()


def install(*, threads: int = 1, decoder: Decoder = "auto") -> None:
    """Have pydicom decode compressed frames, and convert YBR to RGB, by fastdcm.

    From now on, for ``Dataset.pixel_array``, `pydicom.pixels.pixel_array`, ``Dataset.decompress`` and all
    else that uses pydicom's decoders, in this process and those forked from it. It covers RLE, JPEG (lossy
    ones of Processes 6 and 10, too, which pydicom has no decoder for), JPEG-LS, JPEG 2000 and High-Throughput
    JPEG 2000. ``threads`` may work at one frame, and ``decoder`` chooses what does, as in `fastdcm.open`.
    Called again, it sets these anew.

    A frame that is cut, or contradicts the data set, is an error, also where another plug-in would have given
    something: pydicom's RuntimeError tells ours, a `CodestreamError`. What fastdcm does not do is left to the
    plug-ins after it.

    Raises `OptionError`.
    """
    options = ReadOptions(threads=threads, decoder=decoder)
    decode = partial(_decode_frame, options=options)
    OUTLOOK.lasting = True  # who installs this decodes more than one frame
    with _LOCK:
        for ours in _decoders(create=True):
            # One assignment, so that who decodes meanwhile sees the old plug-ins or the new ones.
            ours._available = {NAME: decode, **_without_ours(ours)}
        base.PROCESSORS[:] = [
            _to_rgb if function is base._process_color_space else function for function in base.PROCESSORS
        ]


def uninstall() -> None:
    """Undo `install`; nothing happens where it was not called."""
    with _LOCK:
        for decoder in list(_decoders(create=False)):
            decoder._available = _without_ours(decoder)
            if base._PIXEL_DATA_DECODERS[decoder.UID][1] == NAME:
                del base._PIXEL_DATA_DECODERS[decoder.UID]
        base.PROCESSORS[:] = [
            base._process_color_space if function is _to_rgb else function for function in base.PROCESSORS
        ]


def is_installed() -> bool:
    """Whether pydicom uses fastdcm now."""
    return any(NAME in decoder._available for decoder in _decoders(create=False))


def _decoders(*, create: bool) -> Iterator[base.Decoder]:
    """pydicom's decoders of the transfer syntaxes that are ours, with ``create`` also those that it lacks."""
    for syntax in SYNTAXES.values():
        uid = UID(syntax.uid)
        if syntax.family not in _FAMILIES:
            continue
        if uid not in base._PIXEL_DATA_DECODERS and create:
            base._PIXEL_DATA_DECODERS[uid] = (base.Decoder(uid), NAME)
        if uid in base._PIXEL_DATA_DECODERS:
            yield base._PIXEL_DATA_DECODERS[uid][0]


def _without_ours(decoder: base.Decoder) -> dict[str, Any]:
    return {name: function for name, function in decoder._available.items() if name != NAME}


def _decode_frame(src: bytes, runner: base.DecodeRunner, *, options: ReadOptions) -> bytearray:
    """A frame as pydicom's plug-ins give it: samples as coded, little-endian, colour by pixel."""
    try:
        if runner.get_option("rle_segment_order", ">") != ">":
            raise UnsupportedError("RLE segments from the least significant byte on are not supported")
        header = _header_of(runner)
        samples = decode_frame(
            memoryview(src),
            header,
            encapsulated=True,
            rgb=False,
            threads=options.threads,
            decoder=options.decoder,
            note=_log,
        )
        array: Array = samples.array
        if array.itemsize > max(header.bits_allocated, 8) // 8:
            raise CodestreamError(
                f"the codestream has {samples.bits} bits, Bits Allocated is {header.bits_allocated}"
            )
    except CodestreamError as error:
        _refuse(runner, error)
        raise
    found, declared = samples.photometric_interpretation, header.photometric_interpretation
    # Chroma that pixels share is spread out here, which pydicom does not rename.
    if found != declared and (found, declared) != ("YBR_FULL", "YBR_FULL_422"):
        runner.set_option("photometric_interpretation", found)
    if header.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 0)
    return bytearray(np.ascontiguousarray(array, array.dtype.newbyteorder("<")))


def _refuse(runner: base.DecodeRunner, error: CodestreamError) -> None:
    """Have no other plug-in try a frame that is damaged.

    pydicom takes the first that gives anything, and some fill what is missing with grey. It goes through
    ``_decoders`` of its runner, made for one data set, which must not change its size meanwhile.
    """

    def refused(src: bytes, runner: base.DecodeRunner) -> bytes:
        raise error

    for name in runner._decoders:
        if name != NAME:
            runner._decoders[name] = refused


def _header_of(runner: base.DecodeRunner) -> Header:
    """What is needed of the Image Pixel module (PS3.3 C.7.6.3), with samples as the codestream has them.

    What they mean by the data set is pydicom's, which knows nothing of High Bit: it shifts what it is given.
    """
    uid, allocated = str(runner.transfer_syntax), runner.bits_allocated
    stored, signed = runner.bits_stored, 0
    family = SYNTAXES[uid].family
    if family == "rle":
        stored = allocated
    elif family in ("jpeg2000", "htj2k"):
        stored = runner.get_option("j2k_precision", stored)
        signed = int(runner.get_option("j2k_is_signed", runner.pixel_representation))
    elif family == "jpeg-ls":
        stored = runner.get_option("jls_precision", stored)
    return _header(
        uid,
        runner.rows,
        runner.columns,
        runner.samples_per_pixel,
        str(runner.photometric_interpretation),
        allocated,
        stored,
        signed,
    )


@lru_cache(maxsize=64)
def _header(
    uid: str,
    rows: int,
    columns: int,
    samples_per_pixel: int,
    photometric_interpretation: str,
    bits_allocated: int,
    bits_stored: int,
    pixel_representation: int,
) -> Header:
    if bits_allocated != 1 and (bits_allocated % 8 or not bits_allocated):
        raise UnsupportedError(f"Bits Allocated {bits_allocated} is not supported: 1 or a multiple of 8 is")
    return Header(
        transfer_syntax_uid=uid,
        rows=rows,
        columns=columns,
        frames=1,
        samples_per_pixel=samples_per_pixel,
        photometric_interpretation=photometric_interpretation,
        planar_configuration=0,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        high_bit=bits_stored - 1,
        pixel_representation=pixel_representation,
    )


def _to_rgb(array: Array, runner: base.DecodeRunner, changes: dict[str, str | int]) -> Array:
    """pydicom's processor of colour, with YBR to RGB (PS3.3 C.7.6.3.1.2) by fastdcm.

    Where pydicom converts, for 8 bits to the same values; of more bits, too, which pydicom refuses.
    """
    if (
        runner.photometric_interpretation not in _YBR
        or not runner.get_option("as_rgb", False)
        or runner.get_option("force_ybr", False)
        or runner.get_option("force_rgb", False)
        or runner.pixel_keyword != "PixelData"
    ):
        return base._process_color_space(array, runner, changes)
    changes["photometric_interpretation"] = PhotometricInterpretation.RGB
    return to_rgb(array, "YBR_FULL", runner.bits_stored, _PAYOFF)


def _log(notice: Notice) -> None:
    _LOGGER.info("%s", notice)
