"""How connections come about, whom they are kept for, and that only Amazon is at the other end."""

import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import spapi
from solicit_dashboard.ports import free_port
from spapi.transport import HttpTransport
from tests.spapi.conftest import GRACE, SHORT, Amazon, ask, look, warm
from tests.spapi.servers import (
    Handler,
    Seen,
    after,
    close,
    listener,
    reply,
    reset,
    silence,
)

MakeClient = Callable[..., spapi.Client]


def test_refused_connection_is_not_sent(make_client: MakeClient) -> None:
    client = warm(make_client(endpoint=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(spapi.ConnectFailed) as caught:
        ask(client)
    assert caught.value.reason == "refused"
    assert caught.value.effect is spapi.Effect.NOT_SENT


def test_unknown_host_is_not_sent(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client = warm(make_client(endpoint="https://no-such-host.invalid"))

    def fails(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(spapi.ConnectFailed) as caught:
        ask(client)
    assert caught.value.reason == "dns"


def test_blackhole_ends_at_the_connect_timeout_and_is_not_sent(make_client: MakeClient) -> None:
    with socket.socket() as hole:
        # Nobody accepts, and the queue of those who wait to be accepted is full.
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(hole.getsockname())
        port = hole.getsockname()[1]
        client = warm(make_client(endpoint=f"http://127.0.0.1:{port}", connect_timeout=0.4))
        began = time.monotonic()
        with pytest.raises(spapi.ConnectFailed) as caught:
            ask(client)
        assert time.monotonic() - began < 2
        assert caught.value.reason == "connect_timeout"
        for one in waiting:
            one.close()


def test_connect_timeout_is_shared_by_all_addresses_of_a_host(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[float] = []

    class Deaf(socket.socket):
        def connect(self, address: object) -> None:
            tried.append(self.gettimeout() or 0)
            time.sleep(self.gettimeout() or 0)
            raise TimeoutError

    client = warm(make_client(endpoint="https://example.invalid", connect_timeout=0.4))
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [address] * 4)
    monkeypatch.setattr(socket, "socket", Deaf)
    with pytest.raises(spapi.ConnectFailed) as caught:
        ask(client)
    assert len(tried) == 4
    assert sum(tried) == pytest.approx(0.4, abs=0.05)
    assert caught.value.reason == "connect_timeout"


def test_server_without_tls_is_not_sent(make_client: MakeClient) -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with listener(talk) as address:
        client = warm(make_client(endpoint=f"https://{address}"))
        with pytest.raises(spapi.ConnectFailed) as caught:
            ask(client)
    assert caught.value.reason == "tls"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"connect_timeout": SHORT, "deadline": 10.0}, "connect_timeout"),
        ({"connect_timeout": 10.0, "deadline": SHORT}, "deadline"),
    ],
)
def test_handshake_that_never_ends_is_cut(
    make_client: MakeClient, limits: dict[str, float], reason: str
) -> None:
    def drip(sock: socket.socket) -> None:
        # The beginning of a long handshake record, whose rest keeps coming.
        sock.sendall(b"\x16\x03\x03\x40\x00")
        while True:
            time.sleep(0.1)
            sock.sendall(b"\x02")

    with listener(drip) as address:
        client = warm(make_client(endpoint=f"https://{address}", **limits))
        began = time.monotonic()
        with pytest.raises(spapi.ConnectFailed) as caught:
            ask(client)
        assert SHORT - 0.05 <= time.monotonic() - began < SHORT + GRACE
    assert caught.value.reason == reason


def test_before_send_that_takes_past_the_deadline_sends_nothing(
    amazon: Amazon, make_client: MakeClient
) -> None:
    client = warm(make_client(deadline=SHORT))
    with pytest.raises(spapi.ConnectFailed) as caught:
        ask(client, before_send=lambda: time.sleep(SHORT + 0.2))
    assert caught.value.reason == "deadline"
    assert amazon.calls == []


def test_environment_chooses_neither_proxy_nor_credentials(
    amazon: Amazon,
    client: spapi.Client,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(home / "netrc"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    amazon.replies = lambda _: reply(201, {})
    assert ask(client).status == 201
    assert "authorization" not in amazon.calls[0].headers


def test_cookies_are_not_kept(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        200, {"_links": {"actions": []}}, headers=["Set-Cookie: session=1; Path=/"]
    )
    look(client)
    look(client)
    assert "cookie" not in amazon.calls[1].headers


def test_get_has_neither_body_nor_length_and_keeps_its_connection(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(200, {"_links": {"actions": []}})
    for _ in range(3):
        look(client)
    for request in amazon.calls:
        assert not {"content-length", "transfer-encoding", "content-type"} & set(request.headers)
        assert request.body == b""
    assert len({request.connection for request in amazon.calls}) == 1


def test_every_post_has_a_connection_of_its_own(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda request: (
        reply(201, {}) if request.method == "POST" else reply(200, {"_links": {"actions": []}})
    )
    look(client)
    for _ in range(3):
        ask(client)
    look(client)
    connections = [request.connection for request in amazon.calls]
    assert len(set(connections[:4])) == 4
    assert connections[4] == connections[0]
    assert all(one.headers["content-length"] == "0" for one in amazon.calls[1:4])


@pytest.mark.parametrize("ending", [close, reset], ids=["closed", "reset"])
def test_get_on_a_connection_closed_meanwhile_is_repeated_once_on_a_new_one(
    amazon: Amazon, client: spapi.Client, ending: Handler
) -> None:
    def once(request: Seen) -> bytes | Handler:
        # Read on the kept connection, then dropped: as if it had been closed in that moment.
        return ending if len(amazon.calls) == 2 else reply(200, {"_links": {"actions": []}})

    amazon.replies = once
    assert look(client).well_formed
    assert look(client).well_formed
    first, second, third = amazon.calls
    assert first.connection == second.connection != third.connection


def test_get_is_not_repeated_on_a_new_connection(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: close
    with pytest.raises(spapi.NoAnswer):
        look(client)
    assert len(amazon.calls) == 1


def test_get_is_repeated_at_most_once(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: (
        close if len(amazon.calls) > 1 else reply(200, {"_links": {"actions": []}})
    )
    look(client)
    with pytest.raises(spapi.NoAnswer):
        look(client)
    assert len(amazon.calls) == 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def tls_server(certificate: Path, serve: Handler, host: str = "127.0.0.1") -> Iterator[str]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def wrapped(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            serve(secured)

    with listener(wrapped, host) as address:
        yield f"https://{address}"


@pytest.fixture
def trusting(certificate: Path) -> Iterator[HttpTransport]:
    transport = HttpTransport(ssl_context=ssl.create_default_context(cafile=certificate))
    yield transport
    transport.close()


def test_call_over_tls_is_answered(
    make_client: MakeClient, trusting: HttpTransport, certificate: Path
) -> None:
    def serve(sock: socket.socket) -> None:
        sock.recv(10_000)
        sock.sendall(reply(201, {}))

    with tls_server(certificate, serve) as endpoint:
        assert ask(warm(make_client(endpoint=endpoint, transport=trusting))).status == 201


def test_file_goes_up_over_tls_whole(
    make_client: MakeClient, trusting: HttpTransport, certificate: Path
) -> None:
    content = os.urandom(300_000)
    taken = b""

    def serve(sock: socket.socket) -> None:
        nonlocal taken
        while not taken.endswith(content[-100:]):
            taken += sock.recv(65_536)
        sock.sendall(reply(200, ""))

    with tls_server(certificate, serve) as endpoint:
        client = make_client(endpoint=endpoint, transport=trusting)
        file = io.BytesIO(content)
        to = spapi.UploadDestination("1", f"{endpoint}/%2F067/1", {})
        client.upload(to, file, spapi.digest_file(file), content_type="text/plain")
    head, _, body = taken.partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /%2F067/1 HTTP/1.1\r\n")
    assert body == content


def test_untrusted_certificate_is_not_sent(make_client: MakeClient, certificate: Path) -> None:
    received: list[bytes] = []
    with tls_server(certificate, lambda sock: received.append(sock.recv(10_000))) as endpoint:
        client = warm(make_client(endpoint=endpoint))
        with pytest.raises(spapi.ConnectFailed) as caught:
            ask(client)
    assert caught.value.reason == "tls"
    assert received == []


def test_certificate_of_another_host_is_not_sent(
    make_client: MakeClient, trusting: HttpTransport, certificate: Path
) -> None:
    received: list[bytes] = []
    with tls_server(
        certificate, lambda sock: received.append(sock.recv(10_000)), "127.0.0.2"
    ) as endpoint:
        client = warm(make_client(endpoint=endpoint, transport=trusting))
        with pytest.raises(spapi.ConnectFailed) as caught:
            ask(client)
    assert caught.value.reason == "tls"
    assert received == []


def test_deadline_ends_a_call_over_tls(
    make_client: MakeClient, trusting: HttpTransport, certificate: Path
) -> None:
    def drip(sock: socket.socket) -> None:
        sock.recv(10_000)
        after(0.1, reply(201, {}))(sock)

    with tls_server(certificate, drip) as endpoint:
        client = make_client(endpoint=endpoint, transport=trusting, deadline=SHORT)
        began = time.monotonic()
        with pytest.raises(spapi.NoAnswer) as caught:
            ask(warm(client))
    assert time.monotonic() - began < SHORT + GRACE
    assert caught.value.reason == "deadline"


# Python 3.12 and later warn of what this test does on purpose.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_child_opens_its_own_connections(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(200, {"_links": {"actions": []}})
    look(client)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if look(client).well_formed else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    look(client)
    first, forked, third = amazon.calls
    assert first.connection == third.connection != forked.connection


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_deadline_holds_in_a_forked_child(amazon: Amazon, make_client: MakeClient) -> None:
    client = warm(make_client(deadline=SHORT))
    amazon.replies = lambda _: silence
    child = os.fork()
    if child == 0:
        try:
            ask(client)
        except spapi.NoAnswer as error:
            os._exit(0 if error.reason == "deadline" else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


def test_answers_go_to_the_thread_that_asked(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda request: reply(
        200, {"_links": {"actions": [{"name": request.path.rsplit("/", 1)[1], "href": ""}]}}
    )
    wrong: list[str] = []

    def asks(thread: int) -> None:
        for count in range(20):
            order = f"{thread}-{count}"
            if not client.get_solicitation_actions_for_order(order, "A").offers(order):
                wrong.append(order)

    threads = [threading.Thread(target=asks, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(amazon.calls) == 320
