"""multipart/related as it goes out, read by the standard library's parser (RFC 2046 5.1.1)."""

from __future__ import annotations

from email import message_from_bytes

from fastdcm.web.multipart_write import MultipartWriter


def test_parts_are_read_as_they_were_written() -> None:
    bodies = [b"one", b"", b"\r\n--\r\n", bytes(range(256))]
    writer = MultipartWriter("image/png")
    data = writer.whole(
        [("image/png", {"Content-Location": f"/{at}"}, body) for at, body in enumerate(bodies)]
    )
    assert writer.content_type.startswith('multipart/related; type="image/png"; boundary=')
    message = message_from_bytes(f"Content-Type: {writer.content_type}\r\n\r\n".encode() + data)
    assert not message.defects
    parts = message.get_payload()
    assert [part.get_payload(decode=True) for part in parts] == bodies
    assert [part["Content-Location"] for part in parts] == ["/0", "/1", "/2", "/3"]
    assert data.startswith(b"--")
    assert data.endswith(b"--\r\n")


def test_boundaries_differ() -> None:
    assert MultipartWriter("a/b").content_type != MultipartWriter("a/b").content_type


def test_a_transfer_syntax_is_told() -> None:
    assert MultipartWriter("image/jp2", "1.2.3").content_type.endswith("; transfer-syntax=1.2.3")
