"""What a server's refusal means, in words that say what to do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping

from fastdcm.dicomweb.access import Access
from fastdcm.errors import WebError
from fastdcm.web.resources import shown

#: Bytes of an error's body that are read, and characters that are told.
MOST_READ, _MOST_TOLD = 16 << 10, 200

#: Codes after which the same may come, asked for again.
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
#: Codes by which a server says that it has not, does not or will not what was asked for, as it was.
UNABLE = frozenset((400, 404, 405, 406, 410, 414, 415, 422, 500, 501, 505))

_WORDS = {
    404: "there is no such thing on the server",
    405: "the server does not do that",
    406: "the server has it in none of the media types that were asked for",
    408: "the server waited too long for the request",
    410: "the server has it no more",
    413: "it is too large for the server",
    414: "the server wants shorter addresses",
    415: "the server does not know the media type",
    429: "the server is asked too often: try with fewer jobs at once",
    500: "the server failed",
    501: "the server does not do that",
    502: "a server behind the server failed",
    503: "the server is not available",
    504: "a server behind the server did not answer in time",
}


def refusal(status: int, url: str, headers: Mapping[str, str], body: bytes, access: Access) -> WebError:
    """The error that an answer with this status is; ``body`` is as much as was read of it."""
    if status == 401:
        words = (
            "the server wants to know who asks: give --bearer, --basic or --header"
            if access.is_anonymous
            else "the server does not accept the credentials"
        )
    elif status == 403:
        words = "the server does not allow it" + ("" if access.is_anonymous else " to who asks")
    elif status < 400:
        words = "the server's answer is none that was asked for"
    else:
        words = _WORDS.get(status, "the server refuses" if status < 500 else "the server failed")
    said = access.hidden(said_in(body, headers.get("content-type", "")))
    return WebError(f"{words} (HTTP {status}){f': {said}' if said else ''}", status=status, path=shown(url))


def said_in(body: bytes, content_type: str) -> str:
    """What an error's body says, short and on one line: text, a message in JSON, the title of a page."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body[:MOST_READ].decode("utf-8", "replace")
    if kind.endswith("json") or (not kind and text.lstrip().startswith("{")):
        text = _said_in_json(text)
    elif "html" in kind or "<html" in text[:500].lower():
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        text = html.unescape(title[1]) if title else ""
        text = f"a page {text.strip()!r}" if text.strip() else ""
    elif kind and not kind.startswith("text/"):
        return ""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _MOST_TOLD else text[:_MOST_TOLD] + "..."


def _said_in_json(text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if isinstance(document, dict):
        known = {name.lower(): value for name, value in document.items()}
        said = [
            known[name] for name in ("message", "details", "error", "errormessage", "detail") if name in known
        ]
        return ": ".join(value for value in said if isinstance(value, str))
    return document if isinstance(document, str) else ""
