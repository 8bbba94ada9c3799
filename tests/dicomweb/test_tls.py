"""Encrypted connections: whom the client trusts, to whom it shows its certificate, and HTTP/2."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fastdcm.dicomweb import Client
from fastdcm.errors import OptionError, WebError
from tests.dicomweb.archive import Archive, Handler


class Certificates:
    """An authority, and certificates of it for this machine and for a client, whose key has a password."""

    def __init__(self, openssl: str, folder: Path) -> None:
        self._openssl, self._folder = openssl, folder
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority", "-days", "2",
                  "-keyout", "ca.key", "-out", "ca.pem")  # fmt: skip
        for name in ("server", "client"):
            self._run("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
            (folder / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
            self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-CAcreateserial",
                      "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
        self._run("rsa", "-aes256", "-in", "client.key", "-passout", "pass:geheim", "-out", "locked.key")
        self.authority, self.client, self.key = (
            str(folder / n) for n in ("ca.pem", "client.pem", "locked.key")
        )

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], cwd=self._folder, check=True, capture_output=True)

    def context(self, verify: ssl.VerifyMode = ssl.CERT_NONE) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / "server.pem", self._folder / "server.key")
        context.load_verify_locations(self.authority)
        context.verify_mode = verify
        return context


@pytest.fixture(scope="module")
def certificates(peer: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    pytest.importorskip("httpx")
    return Certificates(peer("openssl"), tmp_path_factory.mktemp("certificates"))


@contextmanager
def encrypted(context: ssl.SSLContext) -> Iterator[Archive]:
    archive = Archive()
    archive.socket = context.wrap_socket(archive.socket, server_side=True, do_handshake_on_connect=False)
    archive.url = archive.url.replace("http://", "https://")
    with archive:
        yield archive


def test_whom_it_trusts(certificates: Certificates) -> None:
    with encrypted(certificates.context()) as archive:
        one = archive.add("CT_small.dcm")
        with Client(archive.url, authority=certificates.authority) as web:
            assert web.retrieve(*one.uids) == one.data
        with Client(archive.url) as web, pytest.raises(WebError, match=r"not trusted: .*--ca-file"):
            web.retrieve(*one.uids)
        assert len(archive.requests) == 1


def test_a_client_with_a_certificate(certificates: Certificates) -> None:
    settings: dict[str, Any] = {"authority": certificates.authority, "backoff": 0, "tries": 2}
    pair = (certificates.client, certificates.key)
    with encrypted(certificates.context(ssl.CERT_REQUIRED)) as archive:
        one = archive.add("CT_small.dcm")
        with Client(archive.url, certificate=pair, password="geheim", **settings) as web:
            assert web.retrieve(*one.uids) == one.data
        # TLS 1.3 tells so after the handshake; the connection may be gone before that is read.
        words = "asks for a certificate|connection broke off|cannot be reached"
        with Client(archive.url, **settings) as web, pytest.raises(WebError, match=words):
            web.retrieve(*one.uids)
        for password in ("wrong", None):
            with pytest.raises(OptionError, match="cannot be used") as raised:
                Client(archive.url, certificate=pair, password=password, **settings)
            assert "wrong" not in str(raised.value)


def test_to_whom_the_certificate_is_shown(certificates: Certificates) -> None:
    shown: list[tuple[int, bool]] = []

    def look(handler: Handler) -> None:
        shown.append((handler.server.server_port, bool(handler.connection.getpeercert())))
        if handler.server is first:
            handler.send(302, Location=f"{second.url}{handler.place}")
        else:
            handler.usual()

    optional = certificates.context(ssl.CERT_OPTIONAL)
    with encrypted(optional) as first, encrypted(optional) as second:
        one = second.add("CT_small.dcm")
        first.hooks["/"] = second.hooks["/"] = look
        pair = (certificates.client, certificates.key)
        settings = {"authority": certificates.authority, "certificate": pair, "password": "geheim"}
        with Client(first.url, **settings) as web:
            assert web.retrieve(*one.uids) == one.data
        assert shown == [(first.server_port, True), (second.server_port, False)]


def serve_http2(listener: socket.socket, context: ssl.SSLContext, streams: list[tuple[int, int]]) -> None:
    """Answer searches by HTTP/2; each request is noted with the connection that it came by."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import RequestReceived

    number = 0
    with suppress(OSError):
        while True:
            accepted, _ = listener.accept()
            number += 1
            with suppress(OSError), context.wrap_socket(accepted, server_side=True) as connection:
                assert connection.selected_alpn_protocol() == "h2"
                talk = H2Connection(H2Configuration(client_side=False))
                talk.initiate_connection()
                connection.sendall(talk.data_to_send())
                while data := connection.recv(65536):
                    for event in talk.receive_data(data):
                        if isinstance(event, RequestReceived):
                            streams.append((number, event.stream_id))
                            body = json.dumps([{"0020000D": {"vr": "UI", "Value": ["1.2"]}}]).encode()
                            head = [(":status", "200"), ("content-type", "application/dicom+json")]
                            talk.send_headers(event.stream_id, head)
                            talk.send_data(event.stream_id, body, end_stream=True)
                    connection.sendall(talk.data_to_send())


def test_http2(certificates: Certificates) -> None:
    pytest.importorskip("h2")
    context = certificates.context()
    context.set_alpn_protocols(["h2"])
    streams: list[tuple[int, int]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, context, streams)
        threading.Thread(target=serve_http2, args=arguments, daemon=True).start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/dicom-web"
        with Client(url, authority=certificates.authority, bearer="geheim") as web:
            for _ in range(3):
                assert len(web.search("studies", limit=1)) == 1
    # One connection has them all.
    assert streams == [(1, 1), (1, 3), (1, 5)]
