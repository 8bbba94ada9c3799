"""``fastdcm doctor``: what this installation uses, for bug reports and for choosing."""

from __future__ import annotations

import importlib.metadata
import platform

import click

_PACKAGES = ("numpy", "numba", "imagecodecs", "pillow", "pydicom", "PyTurboJPEG", "click", "rich")
#: Package -> the extra that brings it.
_OPTIONAL = {"av": "video"}


@click.command()
@click.option("--table", "table_only", is_flag=True, help="The transfer syntaxes alone: what may be in each.")
def doctor(table_only: bool) -> None:
    """Show versions, codecs by transfer syntax, and what is used for what."""
    if table_only:
        click.echo("\n".join(_table()))
        return
    for title, lines in (
        ("versions", _versions()),
        ("JPEG encoder", _jpeg()),
        ("PNG encoder", _png()),
        ("JPEG 2000 decoder", _jpeg2000()),
        ("JPEG-LS decoder", _jpegls()),
        ("sequential JPEG decoder, one scan", _jpeg_sequential()),
        ("progressive JPEG decoder, and of several scans or 12 bits", _jpeg_scans()),
        ("lossless JPEG decoder", _jpeg_lossless()),
        ("compiled kernels", _kernels()),
        ("workers", _workers()),
        ("output formats", _formats()),
        ("windows for CT (--preset), center and width in HU", _presets()),
        ("transfer syntaxes", _syntaxes()),
    ):
        click.echo(f"{title}")
        for line in lines:
            click.echo(f"  {line}")


def _versions() -> list[str]:
    import fastdcm

    lines = [f"fastdcm {fastdcm.__version__}", f"Python {platform.python_version()} on {platform.platform()}"]
    for package in (*_PACKAGES, *_OPTIONAL):
        try:
            lines.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            extra = _OPTIONAL.get(package)
            lines.append(f"{package} is " + (f"not installed (extra {extra})" if extra else "missing"))
    return lines


def _jpeg() -> list[str]:
    from fastdcm.codecs.encoders import jpeg, turbojpeg

    system, bundled = turbojpeg.system_library(), jpeg.bundled_version()
    used = jpeg.uses_system_library()
    mark = {True: "used", False: "not used, older or equal"}
    found = "none (nothing is missed but speed, should it be newer)"
    if system is not None:
        found = f"{_dotted(system[1])} at {system[0]}: {mark[used]}"
    return [
        "gray by our own encoder in large jobs, the rest by libjpeg-turbo; the bytes are the same",
        f"libjpeg-turbo in imagecodecs {_dotted(bundled)}: {mark[not used]}",
        f"libjpeg-turbo of the system, by PyTurboJPEG: {found}",
    ]


def _png() -> list[str]:
    from fastdcm.codecs.encoders import png

    quick = "libdeflate: ISA-L is not installed (pip install isal), and nothing is missed but speed"
    if png.isal() is not None:
        quick = "ISA-L, by isal; what compresses well by libdeflate in imagecodecs"
    return [f"level 1, the default: {quick}", "levels 2 to 9: libdeflate in imagecodecs"]


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def _kernels() -> list[str]:
    from fastdcm.kernels import PIXELS_BEFORE_KERNELS, places

    return [
        f"kept in {places.in_words()}; fastdcm warmup compiles all of them",
        f"used after {PIXELS_BEFORE_KERNELS // 1_000_000} megapixels; NumPy gives the same till then",
    ]


def _jpeg2000() -> list[str]:
    from fastdcm.codecs.jpeg2000.blocks import REFUSALS
    from fastdcm.codecs.table import LIBRARIES

    return [
        "our own, for all but",
        *(f"  {reason}" for reason in REFUSALS),
        f"{LIBRARIES['jpeg2000']}, for these as far as it goes, for small jobs, by --decoder library",
        "  reversible images with next to nothing to decode: always, as it has fewer calls",
        "  irreversible ones: our own wherever kernels are compiled, as decoders may be a grey apart",
        "our own for what is cut, with --allow-partial, also in small jobs",
    ]


def _jpegls() -> list[str]:
    from fastdcm.codecs.jpegls.takes import REFUSALS
    from fastdcm.codecs.table import LIBRARIES

    return [
        "our own, for all but",
        *(f"  {reason}" for reason in REFUSALS),
        f"{LIBRARIES['jpeg-ls']}, for these, for small jobs, by --decoder library",
    ]


def _jpeg_sequential() -> list[str]:
    from fastdcm.codecs.jpeg_baseline.headers import REFUSALS
    from fastdcm.codecs.table import LIBRARIES

    return [
        "our own, of 8 bits, for all but",
        *(f"  {reason}" for reason in REFUSALS),
        f"{LIBRARIES['jpeg']}, for these, for small jobs, by --decoder library",
    ]


def _jpeg_scans() -> list[str]:
    from fastdcm.codecs.jpeg_scans.headers import REFUSALS
    from fastdcm.codecs.table import LIBRARIES

    return [
        "our own, for all but",
        *(f"  {reason}" for reason in REFUSALS),
        f"{LIBRARIES['jpeg']}, for these, for small jobs, by --decoder library",
    ]


def _jpeg_lossless() -> list[str]:
    from fastdcm.codecs.jpeg_lossless.headers import REFUSALS
    from fastdcm.codecs.table import LIBRARIES

    return [
        "our own, for all but",
        *(f"  {reason}" for reason in REFUSALS),
        f"{LIBRARIES['jpeg']}, for these, for small jobs, by --decoder library",
    ]


def _workers() -> list[str]:
    from fastdcm.system import usable_cores

    return [f"{usable_cores()} usable cores: the default of convert -j"]


def _syntaxes() -> list[str]:
    from fastdcm.codecs.table import SYNTAXES

    lines = []
    for syntax in SYNTAXES.values():
        how = syntax.decoder if syntax.supported else "not supported"
        lines.append(f"{syntax.uid:<28} {syntax.name:<78.78} {how}")
    return lines


def _formats() -> list[str]:
    """Each output format on a line: its names, what it holds, what writes it here."""
    from fastdcm.codecs.encoders.table import WRITERS, missing
    from fastdcm.options import FORMATS

    rows: list[tuple[str, ...]] = []
    for format, holds in FORMATS.items():
        bits = "8 and 16 bits" if holds.deep else "8 bits"
        lack = missing(format)
        written = f"not here: {lack}" if lack else WRITERS[format].library
        rows.append((" ".join(holds.names), holds.title, bits, written))
    return _columns(rows)


def _presets() -> list[str]:
    from fastdcm.options import PRESETS

    return _columns([(name, f"{one.center:g}", f"{one.width:g}", one.shows) for name, one in PRESETS.items()])


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _table() -> list[str]:
    """Each transfer syntax on a line: UID, name, what it carries, what decodes it."""
    from fastdcm.codecs.table import SYNTAXES

    rows: list[tuple[str, ...]] = [
        (syntax.uid, syntax.name, syntax.carries, syntax.decoder)
        if syntax.supported
        else (syntax.uid, syntax.name, "not supported", "")
        for syntax in SYNTAXES.values()
    ]
    return _columns(rows)
