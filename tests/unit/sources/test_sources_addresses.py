"""Addresses: their parts, and what messages show of them."""

from __future__ import annotations

import os

import pytest

from fastdcm.errors import OptionError
from fastdcm.sources.addresses import Address, as_path, base_name, is_remote, joined, parse, shown
from fastdcm.sources.names import absolute


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("s3://bucket", Address("s3", "bucket", "")),
        ("s3://bucket/", Address("s3", "bucket", "")),
        ("S3://bucket/a/b c%20.dcm", Address("s3", "bucket", "a/b c%20.dcm")),
        ("s3://bucket/what?.dcm", Address("s3", "bucket", "what?.dcm")),
        ("gs://bucket/a/", Address("gs", "bucket", "a/")),
        ("az://container/x", Address("az", "container", "x")),
        ("http://server:8080/a%20b/c.dcm", Address("http", "server:8080", "a b/c.dcm")),
        ("https://server/x?sig=abc", Address("https", "server", "x", "sig=abc")),
    ],
)
def test_parts(name: str, address: Address) -> None:
    assert parse(name) == address


@pytest.mark.parametrize("name", ["s3:///key", "gs://", "http:///x", "https://[x/y"])
def test_an_address_without_a_place(name: str) -> None:
    with pytest.raises(OptionError, match="an address has a"):
        parse(name)


@pytest.mark.parametrize("name", ["s3://key:geheim@bucket/x", "s3://bucket/x?secret_key=geheim"])
def test_credentials_in_an_address_are_refused_and_not_shown(name: str) -> None:
    with pytest.raises(OptionError, match="from the environment") as refused:
        parse(name)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "remote"),
    [("s3://a/b", True), ("HTTPS://a/b", True), ("file:///a", False), ("a://b", False), ("/a/b", False)],
)
def test_what_is_remote(name: str, remote: bool) -> None:
    assert is_remote(name) is remote


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/a/b?sig=x", "/a/b?sig=x"),
        ("s3://bucket/a?b", "s3://bucket/a?b"),
        ("https://user:geheim@server/a", "https://server/a"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=geheim&X-Amz-Credential=geheim&X-Amz-Date=1&versionId=3",
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=...&X-Amz-Credential=...&X-Amz-Date=...&versionId=3",
        ),
        ("https://x.blob/c/k?sv=1&sig=geheim", "https://x.blob/c/k?sv=...&sig=..."),
        ("https://server/wado?objectUID=1.2.3", "https://server/wado?objectUID=1.2.3"),
        ("https://x.blob/c/k?sv=1&se=2&x=3", "https://x.blob/c/k?sv=1&se=2&x=3"),
        (
            "https://b.s3.amazonaws.com/k?AWSAccessKeyId=geheim&Signature=geheim&Expires=1",
            "https://b.s3.amazonaws.com/k?AWSAccessKeyId=...&Signature=...&Expires=...",
        ),
        ("https://server/x?access_token=geheim", "https://server/x?access_token=...addb0f5e"),
        ("https://server/x?API%4bey=geheim&sig=", "https://server/x?API%4bey=...addb0f5e&sig="),
        ("https://server/x?key=...&key=...12345678", "https://server/x?key=...&key=...12345678"),
        ("ftp://user:geheim@server/a?token=geheim", "ftp://server/a?token=...addb0f5e"),
    ],
)
def test_what_is_shown(name: str, text: str) -> None:
    assert shown(name) == text
    assert shown(text) == text


def test_what_is_hidden_tells_sources_apart() -> None:
    """A parameter may be called like a secret, and tell which object is meant."""
    for name in ("series_key", "token", "design", "author", "sig"):
        assert shown(f"https://server/x?{name}=1") != shown(f"https://server/x?{name}=2")
    again = [f"https://x.blob/c/k?sv=1&se={day}&sig={day}" for day in "12"]
    assert len({*map(shown, again)}) == 1, "the same, signed on another day"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("/a/b.dcm", "b.dcm"),
        ("s3://bucket/a/b.dcm", "b.dcm"),
        ("http://server/a%20b.dcm?x=1/2", "a b.dcm"),
        ("http://server/", "object"),
    ],
)
def test_base_names(name: str, base: str) -> None:
    assert base_name(name) == base


def test_joined() -> None:
    assert joined("s3://bucket", "a.jpg") == "s3://bucket/a.jpg"
    assert joined("s3://bucket/x/", "b\\a.jpg") == "s3://bucket/x/b/a.jpg"


def test_absolute_names() -> None:
    assert absolute("s3://bucket/../x") == "s3://bucket/../x"
    assert absolute("x.dcm") == os.path.abspath("x.dcm")


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_files_as_addresses() -> None:
    assert as_path("file:///a/b%20c.dcm") == "/a/b c.dcm"
    assert as_path("file://localhost/a") == "/a"
    assert as_path("/a/file://b") == "/a/file://b"
    with pytest.raises(OptionError, match="of this machine"):
        as_path("file://server/a")
