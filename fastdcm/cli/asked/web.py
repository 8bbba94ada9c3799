"""The headings of ``get``: what is fetched, who asks, and how."""

from __future__ import annotations

from typing import Any

import click

from fastdcm.cli.asked.headings import FROM_ONE, given, parsed, under
from fastdcm.cli.asked.image import window_option
from fastdcm.errors import OptionError
from fastdcm.options import FrameSelection, parse_format
from fastdcm.options.web import WebOptions

_DEFAULT = WebOptions()


def _parse_header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not value.strip():
        raise OptionError("a header is 'NAME: VALUE'")
    return name.strip(), value.strip()


def _parse_headers(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> Any:
    # None of what was given is told: it may be a secret.
    try:
        return tuple(map(_parse_header, value))
    except OptionError as error:
        raise click.BadParameter(error.message, ctx, param) from None


def _parse_basic(text: str) -> tuple[str, str]:
    user, colon, secret = text.partition(":")
    if not colon or not secret:
        raise OptionError("user and password are USER:SECRET")
    return user, secret


def _parse_certificate(text: str) -> str | tuple[str, str]:
    certificate, comma, key = text.partition(",")
    return (certificate, key) if comma else certificate


picture_options = under(
    "Image",
    given("-o", "--output", metavar="OUT", help="Folder for the images, or one image's name; default: here."),
    given(
        "-F",
        "--format",
        metavar="jpg|png|...",
        callback=parsed(parse_format),
        help="Format, as of convert; default jpg. What servers do not render is rendered here.",
    ),
    given("--accept", metavar="TYPE", help="Ask for this media type, such as application/pdf."),
    given(
        "-q",
        "--quality",
        type=click.IntRange(1, 100),
        metavar="1..100",
        help="Quality, 1 to 100.",
    ),
    window_option,
    given(
        "--viewport",
        metavar="VW,VH[,SX,SY,SW,SH]",
        help="Fit a part of the image into so many pixels; negative SW, SH mirror it.",
    ),
    given("--annotation", metavar="patient,technique", help="Text that the server draws."),
    given("--iccprofile", metavar="no|yes|srgb|...", help="What becomes of colour profiles."),
    given(
        "--frames",
        metavar="1|2-5|1,7|all",
        callback=parsed(FrameSelection.parse),
        help="Frames of each instance, counted from 1; default all.",
    ),
    given("--local", is_flag=True, help="Let no server render: fetch what is stored, and render it here."),
    given("--overwrite", is_flag=True, help="Fetch again what is there already."),
)

access_options = under(
    "Access",
    given(
        "--header",
        "headers",
        multiple=True,
        metavar="'NAME: SECRET'",
        callback=_parse_headers,
        help="A header, such as 'apikey: env:KEY'; repeatable.",
    ),
    given("--bearer", metavar="SECRET", help="A token; SECRET may be env:NAME or file:PATH."),
    given("--basic", metavar="USER:SECRET", callback=parsed(_parse_basic), help="User and password."),
    given(
        "--client-cert",
        metavar="PEM[,KEY]",
        callback=parsed(_parse_certificate),
        help="The client's certificate, and its key where that is another file.",
    ),
    given("--client-key-password", metavar="SECRET", help="Password of the key."),
    given("--ca-file", metavar="PEM", help="Authorities to trust instead of the system's."),
)

asking_options = under(
    "Run",
    given("-j", "--jobs", type=FROM_ONE, default=4, metavar="N", help="Images at a time; default 4."),
    given(
        "--timeout",
        type=float,
        default=_DEFAULT.timeout,
        metavar="SECONDS",
        help="Longest silence of a server; default 30.",
    ),
    given(
        "--deadline",
        type=float,
        default=_DEFAULT.deadline,
        metavar="SECONDS",
        help="Longest time for one answer; default 900.",
    ),
    given(
        "--tries",
        type=FROM_ONE,
        default=_DEFAULT.tries,
        metavar="N",
        help="How often a busy server, or one that broke off, is asked; default 5.",
    ),
    given(
        "--max-body",
        type=FROM_ONE,
        default=_DEFAULT.max_body,
        metavar="BYTES",
        help="Most bytes of one answer; default 2^32.",
    ),
    given("-v", "--verbose", is_flag=True, help="Tell of every image, and the way it came."),
    given("--quiet", is_flag=True, help="Tell of failures only."),
)


def web_options(asked: dict[str, Any]) -> WebOptions:
    """Options of asking servers."""
    return WebOptions(
        timeout=asked["timeout"],
        deadline=asked["deadline"],
        tries=asked["tries"],
        max_body=asked["max_body"],
        connections=asked["jobs"] + 2,
    )
