"""What is asked for of pictures: the same of a server's rendering, and of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastdcm.errors import OptionError, UnsupportedError
from fastdcm.frozen import dataclass
from fastdcm.model import Window
from fastdcm.options import (
    FORMATS,
    ColourOptions,
    EncodeOptions,
    Format,
    GeometryOptions,
    RenderOptions,
    parse_format,
    parse_window,
)
from fastdcm.web.parameters import (
    Annotation,
    IccProfile,
    Viewport,
    parameters_text,
    parse_annotation,
    parse_iccprofile,
    parse_parameters,
    parse_quality,
    parse_viewport,
    window_text,
)
from fastdcm.web.parameters import Parameters as _Parameters
from fastdcm.web.resources import Address

if TYPE_CHECKING:
    from fastdcm.pipeline import Image

#: Formats that servers may render (PS3.18 8.7.4). All others are rendered here.
MEDIA_TYPES: Mapping[Format, str] = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "jp2": "image/jp2",
    "jph": "image/jph",
    "jpegxl": "image/jxl",
}
_FORMATS: Mapping[str, Format] = {media_type: format for format, media_type in MEDIA_TYPES.items()}
#: Extensions of media types that no format of ours is; of any other, `.bin`.
_EXTENSIONS: Mapping[str, str] = {
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "text/html": ".html",
    "text/xml": ".xml",
    "text/rtf": ".rtf",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpg",
    "video/H265": ".mp4",
}


@dataclass(frozen=True)
class Asked:
    """What is asked for of pictures.

    ``accept`` is a media type that is asked for instead of the ``format``'s. The other fields are the
    parameters of rendered resources (PS3.18 8.3.5.1), None and empty where the server decides.
    ``local`` lets nothing be rendered by the server.
    """

    format: Format = "jpeg"
    accept: str = ""
    quality: int | None = None
    window: Window | None = None
    viewport: Viewport | None = None
    annotation: tuple[Annotation, ...] = ()
    iccprofile: IccProfile | None = None
    local: bool = False

    def __post_init__(self) -> None:
        if self.format == "mp4":
            raise OptionError("MP4 holds all frames of an object: retrieve the object, and convert it")
        if self.quality is not None and not 1 <= self.quality <= 100:
            raise OptionError(f"quality must be 1 to 100, not {self.quality}")
        if self.accept and ("/" not in self.accept or not self.accept.isascii()):
            raise OptionError(f"accept {self.accept[:80]!r} is no media type, as image/jpeg")

    @classmethod
    def of(cls, **asked: Any) -> Asked:
        """From keywords, whose values may be text as people write it. Raises `OptionError`."""
        parsers: dict[str, Callable[[Any], Any]] = {
            "format": parse_format,
            "window": parse_window,
            "viewport": _viewport,
            "annotation": _annotation,
            "iccprofile": parse_iccprofile,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        if unknown := sorted(given.keys() - cls.__dataclass_fields__):
            raise OptionError(
                f"unknown option {unknown[0]!r}; there are {', '.join(cls.__dataclass_fields__)}"
            )
        if accept := given.get("accept"):
            given.setdefault("format", _FORMATS.get(cls(accept=accept)._first, "jpeg"))
        for name in parsers.keys() & given.keys():
            given[name] = parsers[name](given[name])
        return cls(**given)

    @property
    def media_type(self) -> str:
        """What is asked for; empty where servers have no such thing."""
        return self.accept or MEDIA_TYPES.get(self.format, "")

    def accepts(self, media_type: str) -> bool:
        """Whether a media type is one that was asked for."""
        ranges = [part.partition(";")[0].strip().lower() for part in self.media_type.split(",")]
        return any(one in (media_type, "*/*", f"{media_type.partition('/')[0]}/*") for one in ranges)

    @property
    def _first(self) -> str:
        """The first media type of ``accept``."""
        return self.accept.partition(",")[0].partition(";")[0].strip().lower()

    @property
    def extension(self) -> str:
        """That of files of what is asked for."""
        name = self._first
        if not name or name in _FORMATS:
            return FORMATS[self.format].extension
        return _EXTENSIONS.get(name, ".bin")

    @property
    def parameters(self) -> dict[str, str]:
        """The query of a rendered resource."""
        known = _Parameters(
            annotation=self.annotation,
            quality=self.quality,
            viewport=self.viewport,
            window=self.window,
            iccprofile=self.iccprofile,
        )
        return dict(parameters_text(known))

    @property
    def uri_parameters(self) -> dict[str, str]:
        """The query of WADO-URI (PS3.18 9.1.2.2). Raises `UnsupportedError` for what it has no words for."""
        asked = {"contentType": self.media_type}
        if self.window is not None:
            if self.window.function != "LINEAR":
                raise UnsupportedError("WADO-URI has linear windows only")
            asked["windowCenter"], asked["windowWidth"] = window_text(self.window).split(",")[:2]
        if self.viewport is not None:
            if self.viewport[2:] != (None, None, None, None):
                raise UnsupportedError("WADO-URI has regions in parts of the image, not in its pixels")
            asked["columns"], asked["rows"] = map(str, self.viewport[:2])
        if self.iccprofile is not None:
            raise UnsupportedError("WADO-URI has no iccprofile")
        if self.quality is not None:
            asked["imageQuality"] = str(self.quality)
        if self.annotation:
            asked["annotation"] = ",".join(self.annotation)
        return asked

    def options(self, image: Image) -> tuple[RenderOptions, EncodeOptions]:
        """The same of our rendering. Raises `UnsupportedError` for what it does not do."""
        if self.accept and self._first not in _FORMATS:
            raise UnsupportedError(f"{self.accept} is not made here, only by servers")
        if self.annotation:
            raise UnsupportedError("annotations are not drawn here, only by servers")
        if self.iccprofile in ("adobergb", "rommrgb"):
            raise UnsupportedError(f"colours in {self.iccprofile} are not made here, only by servers")
        geometry = GeometryOptions()
        if self.viewport is not None:
            rows, columns = image.shape
            geometry = self.viewport.geometry(rows, columns)
        icc = {"no": "none", "srgb": "srgb"}.get(self.iccprofile or "", "embed")
        render = RenderOptions(window=self.window, colour=ColourOptions(icc), geometry=geometry)  # type: ignore[arg-type]
        encode = EncodeOptions(format=self.format)
        if self.quality is not None:
            lossless = None if FORMATS[self.format].lossless in ("always", "never") else False
            encode = EncodeOptions(format=self.format, quality=self.quality, reencode=True, lossless=lossless)
        return render, encode


def _viewport(value: Any) -> Viewport:
    if isinstance(value, str):
        return parse_viewport(value)
    try:
        return parse_viewport(",".join("" if part is None else str(part) for part in value))
    except TypeError:
        raise OptionError(f"viewport {value!r} is not (width, height), or text") from None


def _annotation(value: Any) -> tuple[Annotation, ...]:
    return parse_annotation(value if isinstance(value, str) else ",".join(map(str, value)))


def asked_by(address: Address) -> tuple[dict[str, Any], Address]:
    """What an address asks for, by keywords of `Asked`, and the address without. Raises `OptionError`."""
    if address.uri:
        return _asked_by_uri(address)
    thumbnail = address.resource.view == "thumbnail"
    found = parse_parameters(address.query, thumbnail=thumbnail)
    given = {name: value for name, value in found._asdict().items() if value not in (None, ())}
    rest = tuple((name, value) for name, value in address.query if name not in found._fields)
    return given, replace(address, query=rest)


def _asked_by_uri(address: Address) -> tuple[dict[str, Any], Address]:
    """The same of WADO-URI (9.1.2.2); what `Asked` has no word for stays in the address."""
    query = {name.lower(): value for name, value in address.query}
    given: dict[str, Any] = {}
    taken = {"contenttype", "imagequality", "annotation"}
    if (accept := query.get("contenttype", "")) and not accept.startswith("application/dicom"):
        given["accept"] = accept
    if "imagequality" in query:
        given["quality"] = parse_quality(query["imagequality"])
    if query.get("annotation"):
        given["annotation"] = parse_annotation(query["annotation"])
    if {"windowcenter", "windowwidth"} <= query.keys():
        given["window"] = parse_window(f"{query['windowcenter']},{query['windowwidth']}")
        taken |= {"windowcenter", "windowwidth"}
    if {"rows", "columns"} <= query.keys():
        given["viewport"] = parse_viewport(f"{query['columns']},{query['rows']}")
        taken |= {"rows", "columns"}
    rest = tuple((name, value) for name, value in address.query if name.lower() not in taken)
    return given, replace(address, query=rest)


def only_for_servers(address: Address) -> str:
    """A parameter of an address that rendering here does not have; empty where there is none."""
    if not address.uri:
        return ""
    only = ("region", "rows", "columns", "presentationUID", "windowCenter", "windowWidth")
    given = {name.lower() for name, _ in address.query}
    return next((name for name in only if name.lower() in given), "")
