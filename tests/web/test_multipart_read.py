"""Bodies of several parts, cut into pieces at every place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdcm.errors import WebError
from fastdcm.web.multipart_read import (
    MultipartReader,
    PartBegins,
    PartData,
    PartEnds,
    parse_media_type,
)

BODY = (
    b"This is the preamble.\r\n"
    b'--simple\r\nContent-Type: image/jpeg; transfer-syntax="1.2.840"\r\n\r\n\xff\xd8\r\n--simpl\xff\xd9'
    b"\r\n--simple \t\r\nX: 1\r\n\r\n"
    b"\r\n--simple\r\n\r\n\r\n\r\n--simple-not the end: data\r\n"
    b"\r\n--simple--\r\nepilogue --simple\r\n"
)
PARTS = [
    ("image/jpeg", b"\xff\xd8\r\n--simpl\xff\xd9"),
    ("", b""),
    ("", b"\r\n\r\n--simple-not the end: data\r\n"),
]


def parts(boundary: str, pieces: list[bytes], **limits: int) -> list[tuple[str, bytes]]:
    """Media type and bytes of each part; what begins ends, and lengths are told."""
    reader = MultipartReader(boundary, **limits)
    found: list[tuple[str, bytes]] = []
    kind, data = None, b""
    for piece in pieces:
        for event in reader.feed(piece):
            match event:
                case PartBegins():
                    assert kind is None
                    kind, data = event.media_type.name, b""
                case PartData():
                    assert event.data
                    data += event.data
                case PartEnds():
                    assert kind is not None
                    assert event.length == len(data)
                    found.append((kind, data))
                    kind = None
    reader.close()
    return found


def feed_all(reader: MultipartReader, pieces: list[bytes]) -> None:
    for piece in pieces:
        list(reader.feed(piece))


def test_in_one_piece() -> None:
    assert parts("simple", [BODY]) == PARTS


def test_byte_by_byte() -> None:
    assert parts("simple", [BODY[i : i + 1] for i in range(len(BODY))]) == PARTS


@pytest.mark.parametrize("place", range(len(BODY)))
def test_cut_in_two_at_every_place(place: int) -> None:
    assert parts("simple", [BODY[:place], BODY[place:]]) == PARTS


@pytest.mark.parametrize("length", range(BODY.index(b"--simple--") + len(b"--simple--")))
def test_a_body_that_ends_early_is_an_error(length: int) -> None:
    with pytest.raises(WebError, match="the answer is cut"):
        parts("simple", [BODY[:length]])


@given(
    bodies=st.lists(
        st.lists(
            st.sampled_from([b"\r", b"\n", b"-", b"\r\n--", b"b", b"\r\n--b", b" ", b"\0"]), max_size=8
        ).map(b"".join),
        max_size=4,
    ),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=20),
    declared=st.booleans(),
)
def test_what_was_written_is_read(bodies: list[bytes], sizes: list[int], declared: bool) -> None:
    boundary = "bcd"
    message = b""
    for body in bodies:
        length = b"Content-Length: %d\r\n" % len(body) if declared else b""
        message += b"\r\n--bcd\r\nContent-Type: a/b\r\n" + length + b"\r\n" + body
    message += b"\r\n--bcd--"
    pieces, position, turn = [], 2 if bodies else 0, 0  # the first line break may be missing
    while position < len(message):
        pieces.append(message[position : position + sizes[turn % len(sizes)]])
        position += len(pieces[-1])
        turn += 1
    assert parts(boundary, pieces) == [("a/b", body) for body in bodies]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_noise_is_an_error_or_data(noise: bytes, size: int) -> None:
    message = b"--x\r\n" + noise
    pieces = [message[i : i + size] for i in range(0, len(message), size)]
    outcomes = []
    for given_pieces in ([message], pieces):
        try:
            outcomes.append(parts("x", given_pieces))
        except WebError as error:
            outcomes.append([("error", error.message.encode())])
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(("length", "says"), [(3, "more bytes than the 3"), (5, "fewer bytes than the 5")])
def test_a_length_that_is_wrong(length: int, says: str) -> None:
    with pytest.raises(WebError, match=says):
        parts("x", [b"--x\r\nContent-Length: %d\r\n\r\nabcd\r\n--x--" % length])


def test_bounds() -> None:
    with pytest.raises(WebError, match="more than 2 parts"):
        parts("x", [b"--x\r\n\r\na\r\n" * 3 + b"--x--"], most_parts=2)
    endless = MultipartReader("x")
    with pytest.raises(WebError, match="header of part 1 has no end"):
        feed_all(endless, [b"--x\r\nA: ", *[b"a" * 100] * 1000])
    for boundary in ("", "x" * 201, "\u00e9"):
        with pytest.raises(WebError, match="boundary"):
            MultipartReader(boundary)
    no_boundary = MultipartReader("x")
    with pytest.raises(WebError, match="not where they would begin"):
        feed_all(no_boundary, [b"no boundary here\r\n" * 100] * 10_000)


def test_little_is_kept() -> None:
    reader = MultipartReader("x")
    list(reader.feed(b"--x\r\n\r\n"))
    for _ in range(100):
        assert (
            sum(len(event.data) for event in reader.feed(b"z" * 10_000) if isinstance(event, PartData))
            == 10_000
        )
        assert len(reader._buffer) < 10


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("image/JPEG", "image/jpeg", {}),
        (
            'multipart/related; boundary=a; Type="image/jpeg"',
            "multipart/related",
            {"boundary": "a", "type": "image/jpeg"},
        ),
        (
            'multipart/related; type="application/octet-stream; transfer-syntax=1.2"; boundary="a b"',
            "multipart/related",
            {"type": "application/octet-stream; transfer-syntax=1.2", "boundary": "a b"},
        ),
        ("", "", {}),
        ("nonsense", "", {}),
        ("image/png\r\nSet-Cookie: a=b", "", {}),
    ],
)
def test_media_types(text: str, name: str, parameters: dict[str, str]) -> None:
    found = parse_media_type(text)
    if "Cookie" in text:
        assert "set-cookie" not in found.parameters
        return
    assert (found.name, found.parameters) == (name, parameters)
