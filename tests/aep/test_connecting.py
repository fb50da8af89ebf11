"""How a connection comes to stand, over real sockets: addresses, TLS, proxies; where none does, nothing was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aep.support import HASTY, OK, Wire, client_of, close, effect, hang, http, nobody_listens, once
from workflows.aep import Lost, NotSent, WindowClosed, make_transport

CERTIFICATE = Path(__file__).with_name("localhost.pem")


@pytest.mark.parametrize("url", [nobody_listens, "http://no-such-host.invalid", "http://127.1:9"])
async def test_without_a_connection_nothing_was_sent(url: str | Callable[[], str]) -> None:
    async with client_of(url if isinstance(url, str) else url()) as client:
        with pytest.raises(NotSent) as caught:
            await effect(client)
        assert not isinstance(caught.value, WindowClosed)


async def test_tls_that_fails_means_not_sent() -> None:
    def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http("400 Bad Request", b""))
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    async with server, client_of(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client:
        with pytest.raises(NotSent):
            await effect(client)


async def test_certificates_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(CERTIFICATE)
    async with Wire(OK, ssl=served) as wire:
        async with client_of(wire.url) as client:
            with pytest.raises(NotSent, match=r"(?i)certificate"):
                await effect(client)
        assert wire.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with client_of(wire.url) as client:
            assert (await effect(client)).body == {"id": "1"}
            wire.play(close)
            with pytest.raises(Lost):
                await effect(client)


@pytest.mark.parametrize("file", ["no-such-file.pem", Path(__file__).name])
async def test_certificates_that_cannot_be_read_are_named(monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    path = CERTIFICATE.with_name(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with client_of("https://127.0.0.1:9") as client:
        with pytest.raises(NotSent, match=f"certificates of SSL_CERT_FILE={path} cannot be read"):
            await effect(client)


async def test_a_handshake_that_never_ends_is_not_sent() -> None:
    transport = make_transport(1)
    async with Wire(hang) as wire:
        with pytest.raises(NotSent, match="no connection in time"):
            await once(transport, wire.url.replace("http:", "https:"), timeout={**HASTY, "connect": 0.3})
        assert wire.requests == []
    await transport.aclose()


async def test_sockets_give_up_with_the_client_and_do_not_wait_for_more() -> None:
    options: list[tuple[int, int]] = []

    async def look(writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    made = socket.socket

    class Watched(socket.socket):
        def setsockopt(self, level: int, option: int, value: Any, *rest: Any) -> None:
            options.append((option, value))
            super().setsockopt(level, option, value, *rest)

    socket.socket = Watched  # type: ignore[misc]
    try:
        async with Wire(look) as wire, client_of(wire.url) as client:
            await effect(client)
    finally:
        socket.socket = made  # type: ignore[misc]
    assert (socket.TCP_NODELAY, 1) in options
    assert (socket.TCP_USER_TIMEOUT, 15_000) in options


async def test_the_proxy_of_the_environment_is_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(OK) as proxy, Wire(OK) as here:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:pass@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "inside.example")
        async with client_of("http://platform.example") as client:
            await effect(client)
        head = proxy.requests[0].lower()
        assert head.startswith(b"post http://platform.example/data/foundation/flowservice/flows ")
        assert b"proxy-authorization: basic dxnlcjpwyxnz" in head
        async with client_of(here.url) as client:
            await effect(client)
        assert (len(here.requests), len(proxy.requests)) == (1, 1)
        async with client_of("http://inside.example") as client:
            with pytest.raises(NotSent):
                await effect(client)


async def test_a_proxy_that_refuses_means_not_sent_and_its_password_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Wire(http("407 Proxy Authentication Required", b"")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"user:hunter2@127.0.0.1:{proxy.port}")
        async with client_of("https://platform.example") as client:
            with pytest.raises(NotSent, match="the proxy refused: 407") as caught:
                await effect(client)
        assert proxy.requests[0].startswith(b"CONNECT platform.example:443")
        assert b"bearer" not in proxy.requests[0].lower()
        assert "hunter2" not in str(caught.value)


async def test_a_proxy_is_asked_for_a_way_through_and_sees_nothing_of_what_goes_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(CERTIFICATE)
    heard = asyncio.Event()

    async def tunnel(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        heard.set()
        await writer.start_tls(served)

    async with Wire(tunnel) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with client_of("https://platform.example") as client:
            with pytest.raises(NotSent, match=r"(?i)hostname mismatch|not valid for"):
                await effect(client)
        assert heard.is_set()
        assert [request.partition(b"\r\n")[0] for request in proxy.requests] == [
            b"CONNECT platform.example:443 HTTP/1.1"
        ]


async def test_a_proxy_that_is_none_of_ours_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    async with client_of("https://platform.example") as client:
        with pytest.raises(NotSent, match="only HTTP proxies"):
            await effect(client)
