"""Uploads: to where a file goes, with what, whole or not at all, and never told of."""

import hashlib
import io
import json
import socket
import threading
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

import spapi
from spapi.storage import is_bucket
from tests.spapi.conftest import ORDER, US, Amazon
from tests.spapi.servers import Handler, Seen, close, listener, reply, reset

MODELS = Path(__file__).parent.parent / "data" / "models"
SAMPLES = Path(__file__).parent.parent / "data" / "samples"
CONTENT = b"%PDF-1.7 an invoice"
MD5 = hashlib.md5(CONTENT).digest()
HEADERS = {"Content-MD5": b64encode(MD5).decode(), "x-amz-server-side-encryption": "aws:kms"}
KEY = "5d4e42b5-1d6e-44e8-a89c-2abfca0625bb"
STORAGE = "https://bucket.s3.eu-west-1.amazonaws.com/%2F067/key?X-Amz-Signature=the-signature"
RESOURCE = f"messaging/v1/orders/{ORDER}/messages/invoice"


def destination(url: str, headers: object = None) -> spapi.UploadDestination:
    return spapi.UploadDestination(KEY, url, HEADERS if headers is None else headers)


def own(amazon: Amazon, headers: object = None) -> spapi.UploadDestination:
    return destination(f"{amazon.url}/%2F067/key?X-Amz-Signature=the-signature", headers)


def put(
    client: spapi.Client,
    to: spapi.UploadDestination,
    file: BinaryIO | None = None,
    **options: object,
) -> None:
    held = file or io.BytesIO(CONTENT)
    digest = spapi.FileDigest(len(CONTENT), MD5)
    client.upload(to, held, digest, **{"content_type": "application/pdf", **options})


def test_destination_is_asked_for_with_the_raw_digest_and_slashes(
    amazon: Amazon, client: spapi.Client
) -> None:
    model = json.loads((MODELS / "uploads_2020-11-01.json").read_text())
    path, operations = next(iter(model["paths"].items()))
    described = operations["post"]
    sent = described["responses"]["201"]["examples"]["application/json"]["payload"]
    amazon.replies = lambda _: reply(201, {"payload": sent})
    digest = bytes.fromhex("fbef" * 8)  # its base64 has all of + / =
    found = client.create_upload_destination_for_resource(
        f"/{RESOURCE}", US, content_md5=digest, content_type="text/plain"
    )
    (request,) = amazon.calls
    assert request.method == "POST"
    assert request.path == path.replace("{resource}", RESOURCE)
    assert request.query == {
        "marketplaceIds": [US],
        "contentMD5": [b64encode(digest).decode()],
        "contentType": ["text/plain"],
    }
    assert "contentMD5=%2B%2B%2F77%2Fvv%2B%2B%2F77%2Fvv%2B%2B%2F77w%3D%3D" in request.target
    required = {one["name"] for one in described["parameters"] if one["in"] == "query"}
    assert required == set(request.query)
    assert request.body == b""
    assert found == spapi.UploadDestination(
        sent["uploadDestinationId"], sent["url"], sent["headers"]
    )
    assert is_bucket(found.url)
    assert "X-Amz" not in repr(found)


def test_captured_destination_without_headers_is_read(amazon: Amazon, client: spapi.Client) -> None:
    body = (SAMPLES / "messaging-createUploadDestination.json").read_text()
    amazon.replies = lambda _: reply(201, body)
    found = client.create_upload_destination_for_resource(RESOURCE, US, content_md5=MD5)
    assert found.headers == {}
    amazon.replies = lambda _: reply(200, "")
    put(client, own(amazon, {}))
    assert amazon.calls[-1].headers["content-type"] == "application/pdf"
    assert not {name for name in amazon.calls[-1].headers if name.startswith("x-amz")}


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"uploadDestinationId": "", "url": STORAGE},
        {"uploadDestinationId": KEY, "url": None},
        {"uploadDestinationId": KEY, "url": STORAGE, "headers": ["Content-MD5"]},
        {"uploadDestinationId": KEY, "url": STORAGE, "headers": {"Content-MD5": 5}},
    ],
)
def test_destination_that_is_none_is_an_error(
    amazon: Amazon, client: spapi.Client, payload: object
) -> None:
    amazon.replies = lambda _: reply(201, {"payload": payload})
    with pytest.raises(spapi.MalformedAnswer):
        client.create_upload_destination_for_resource(RESOURCE, US, content_md5=MD5)


@pytest.mark.parametrize("resource", ["", "/", "a//b", "a/../b", "a/./b"])
def test_resource_is_a_path_and_a_digest_has_sixteen_bytes(
    client: spapi.Client, resource: str
) -> None:
    with pytest.raises(ValueError, match="a resource is a path"):
        client.create_upload_destination_for_resource(resource, US, content_md5=MD5)
    for digest in (MD5[:15], MD5.hex().encode(), b64encode(MD5)):
        with pytest.raises(ValueError, match="16 bytes"):
            client.create_upload_destination_for_resource(RESOURCE, US, content_md5=digest)


def test_file_is_put_with_exactly_the_headers_that_came_back(
    amazon: Amazon, client: spapi.Client
) -> None:
    client.access_token()
    amazon.replies = lambda _: reply(200, "")
    put(client, own(amazon))
    (request,) = amazon.calls
    assert request.method == "PUT"
    assert request.target == "/%2F067/key?X-Amz-Signature=the-signature"
    assert request.body == CONTENT
    ours = {"host", "user-agent", "accept-encoding", "connection"}
    assert {name: value for name, value in request.headers.items() if name not in ours} == {
        "content-md5": HEADERS["Content-MD5"],
        "x-amz-server-side-encryption": "aws:kms",
        "content-type": "application/pdf",
        "content-length": str(len(CONTENT)),
    }


def test_type_that_amazon_named_is_the_one_that_is_sent(
    amazon: Amazon, client: spapi.Client
) -> None:
    amazon.replies = lambda _: reply(200, "")
    put(client, own(amazon, {**HEADERS, "content-type": "text/plain"}))
    assert amazon.calls[0].headers["content-type"] == "text/plain"
    with pytest.raises(ValueError, match="a content type"):
        put(client, own(amazon), content_type="text/plain\r\nHost: example.com")


@pytest.mark.parametrize(
    "url",
    [
        "http://s3.amazonaws.com/key",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/key",
        "https://localhost/key",
        "https://evil@s3.amazonaws.com/key",
        "https://s3.amazonaws.com:22/key",
        "https://s3.amazonaws.com.example.com/key",
        "https://d34o8swod1owfl.cloudfront.net/key",
        "https://s3.ama\N{CYRILLIC SMALL LETTER ZE}onaws.com/key",
        "https://s3.amazonaws.com/" + "a" * 5_000,
        "",
    ],
)
def test_nothing_is_put_to_any_other_address(
    amazon: Amazon, client: spapi.Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: pytest.fail("looked up"))
    with pytest.raises(spapi.UntrustedAddress) as caught:
        put(client, destination(url))
    message = caught.value.message
    assert message.startswith("Amazon gave an upload address this program does not trust (host ")
    assert "key" not in message
    assert amazon.seen == []


@pytest.mark.parametrize(
    ("url", "is_trusted"),
    [
        ("https://put.example.com/key", True),
        ("https://put.example.com:443/key?x=1", True),
        ("https://a.b.store.example.com/key", True),
        ("https://store.example.com/key", False),
        ("https://evilstore.example.com/key", False),
        ("https://x.put.example.com/key", False),
        ("https://put.example.com:22/key", False),
        ("https://evil@put.example.com/key", False),
        ("http://put.example.com/key", False),
        ("https://s3.amazonaws.com/key", False),
    ],
)
def test_hosts_that_were_chosen_replace_those_of_s3(url: str, is_trusted: bool) -> None:
    assert is_bucket(url, ("put.example.com", "*.store.example.com")) is is_trusted


def test_client_puts_to_the_hosts_that_were_chosen(
    amazon: Amazon, make_client: Callable[..., spapi.Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(host: str, port: int, **options: object) -> list:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", port))]

    client = make_client(upload_hosts=("put.example.com",))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(spapi.ConnectFailed) as caught:
        put(client, destination("https://put.example.com/key"))
    assert caught.value.reason == "not_public"
    assert looked_up == ["put.example.com"]


def test_host_that_leads_inside_only_when_connecting_is_not_connected_to(
    client: spapi.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(host: str, port: int, **options: object) -> list:
        looked_up.append(host)
        address = "52.218.0.1" if len(looked_up) > 1 else "10.0.0.7"  # it would be good next time
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "socket", lambda *args: pytest.fail("connected"))
    with pytest.raises(spapi.ConnectFailed) as caught:
        put(client, destination(STORAGE))
    assert caught.value.reason == "not_public"
    assert looked_up == ["bucket.s3.eu-west-1.amazonaws.com"]


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    client: spapi.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = iter(["52.218.0.1", "127.0.0.1", "127.0.0.1"])
    connected: list[object] = []

    class Socket:
        def setsockopt(self, *args: object) -> None: ...
        def settimeout(self, *args: object) -> None: ...
        def close(self) -> None: ...
        def connect(self, address: object) -> None:
            connected.append(address)
            raise ConnectionRefusedError

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "")]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, port, **_: [(*found[0], (next(addresses), port))]
    )
    monkeypatch.setattr(socket, "socket", lambda *args: Socket())
    with pytest.raises(spapi.ConnectFailed) as caught:
        put(client, destination(STORAGE))
    assert (caught.value.reason, connected) == ("refused", [("52.218.0.1", 443)])


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.com"},
        {"Authorization": "Bearer x"},
        {"Cookie": "a=b"},
        {"Transfer-Encoding": "chunked"},
        {"Content-Length": "5"},
        {"x-amz-access-token": "Atza|x"},
        {"Content-MD5": "a\r\nHost: example.com"},
        {"Content-MD5\r\nHost": "a"},
        {"x-amz-meta-name": "a\x00"},
        {"x-amz-meta-name": "\u00e9"},
        {"x-amz-meta-name": ""},
        {"x-amz-meta-name": "a" * 2_001},
        {"Content-MD5": "a", "content-md5": "b"},
        {f"x-amz-meta-{number}": "a" for number in range(100)},
    ],
)
def test_other_headers_of_amazon_are_refused(
    amazon: Amazon, client: spapi.Client, headers: dict
) -> None:
    with pytest.raises(spapi.UntrustedAddress) as caught:
        put(client, own(amazon, headers))
    assert caught.value.message.startswith("Amazon gave upload headers")
    assert caught.value.message.isprintable()
    assert amazon.seen == []


ERROR = (
    "<Error><Code>{}</Code><Message>{}</Message><StringToSign>the-signature</StringToSign></Error>"
)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (
            reply(403, ERROR.format("AccessDenied", "Request has expired")),
            "UploadExpired",
            "AccessDenied",
        ),
        (
            reply(403, ERROR.format("SignatureDoesNotMatch", "No.")),
            "UploadRefused",
            "SignatureDoesNotMatch",
        ),
        (reply(403, ""), "UploadRefused", ""),
        (reply(400, ERROR.format("InvalidDigest", "No.")), "UploadRefused", "InvalidDigest"),
        (reply(400, ERROR.format("BadDigest", "No.")), "UploadRefused", "BadDigest"),
        (reply(405, ERROR.format("MethodNotAllowed", "No.")), "UploadRefused", "MethodNotAllowed"),
        (reply(307, "", headers=["Location: /elsewhere"]), "UploadFailed", ""),
        (reply(201, ""), "UploadFailed", ""),
        (reply(204, ""), "UploadFailed", ""),
        (reply(500, ERROR.format("InternalError", "No.")), "UploadFailed", "InternalError"),
        (reply(503, b"\xff<Code>" + b"x" * 99_999), "UploadFailed", ""),
        (close, "UploadFailed", ""),
        (reset, "UploadFailed", ""),
    ],
)
def test_upload_that_fails_is_told_and_leaves_nothing_in_doubt(
    amazon: Amazon, client: spapi.Client, answer: bytes | Handler, kind: str, code: str
) -> None:
    amazon.replies = lambda _: answer
    with pytest.raises(spapi.UploadFailed) as caught:
        put(client, own(amazon))
    error = caught.value
    assert (type(error).__name__, error.code) == (kind, code)
    assert error.effect is spapi.Effect.NOT_SENT
    assert error.operation == "createUploadDestinationForResource"
    assert "the-signature" not in f"{error!r} {vars(error)}"
    assert len(amazon.calls) == 1


def test_upload_that_is_cut_in_the_middle_has_failed(
    amazon: Amazon, make_client: Callable[..., spapi.Client]
) -> None:
    taken = 0

    def half(sock: socket.socket) -> None:
        nonlocal taken
        while taken < 500_000:
            taken += len(sock.recv(65_536))
        reset(sock)

    with listener(half) as address:
        client = make_client(endpoint=f"http://{address}")
        file = io.BytesIO(bytes(1_000_000))
        to = destination(f"http://{address}/key", {})
        with pytest.raises(spapi.UploadFailed) as caught:
            client.upload(to, file, spapi.digest_file(file), content_type="text/plain")
    assert caught.value.reason in {"reset", "closed"}  # whichever is seen first
    assert 500_000 <= taken < 1_000_000


def test_slow_storage_ends_at_the_deadline(
    amazon: Amazon, make_client: Callable[..., spapi.Client]
) -> None:
    over = threading.Event()
    with listener(lambda _: over.wait(10)) as address:
        client = make_client(endpoint=f"http://{address}")
        file = io.BytesIO(bytes(8_000_000))  # more than the system holds for a reader
        to = destination(f"http://{address}/key", {})
        began = time.monotonic()
        with pytest.raises(spapi.UploadFailed) as caught:
            client.upload(to, file, spapi.digest_file(file), content_type="a/b", deadline=0.3)
        over.set()
    assert caught.value.reason == "deadline"
    assert time.monotonic() - began < 3


class Changing(io.BytesIO):
    """A file that becomes `after` once it was read to its end."""

    def __init__(self, before: bytes, after: bytes) -> None:
        super().__init__(before)
        self._after = after

    def read(self, size: int | None = -1) -> bytes:
        piece = super().read(size)
        if not piece:
            self.seek(0)
            self.truncate()
            self.write(self._after)
        return piece


@pytest.mark.parametrize(
    "after",
    [
        b"x" * 200_000,  # as long, and another one
        b"a" * 199_999 + b"x",  # another one in its last byte
        b"a" * 199_999,
        b"a" * 200_001,
        b"",
    ],
)
def test_file_that_changed_is_never_there_whole(
    amazon: Amazon, client: spapi.Client, after: bytes
) -> None:
    file = Changing(b"a" * 200_000, after)
    digest = spapi.digest_file(file)
    assert digest == spapi.FileDigest(200_000, hashlib.md5(b"a" * 200_000).digest())
    amazon.replies = lambda _: reply(200, "")
    with pytest.raises(spapi.FileChanged) as caught:
        client.upload(own(amazon), file, digest, content_type="text/plain")
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert max((len(one.body) for one in amazon.calls), default=0) < 200_000


def test_what_the_file_raises_comes_through(amazon: Amazon, client: spapi.Client) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        put(client, own(amazon), Broken(CONTENT))


def test_answer_before_the_whole_file_is_no_success(
    amazon: Amazon, make_client: Callable[..., spapi.Client]
) -> None:
    def hasty(sock: socket.socket) -> None:
        sock.recv(65_536)
        sock.sendall(reply(200, ""))
        sock.settimeout(0.05)
        reset(sock)

    with listener(hasty) as address:
        client = make_client(endpoint=f"http://{address}")
        file = io.BytesIO(bytes(10_000_000))
        to = destination(f"http://{address}/key", {})
        with pytest.raises(spapi.UploadFailed):
            client.upload(to, file, spapi.digest_file(file), content_type="text/plain")


def test_ten_megabytes_are_never_in_memory(
    amazon: Amazon, make_client: Callable[..., spapi.Client], tmp_path: Path
) -> None:
    path = tmp_path / "large.pdf"
    path.write_bytes(bytes(spapi.MOST_UPLOAD_BYTES))
    taken = 0

    def swallow(sock: socket.socket) -> None:
        nonlocal taken
        buffer = bytearray(65_536)
        while taken < spapi.MOST_UPLOAD_BYTES:
            taken += sock.recv_into(buffer)
        sock.sendall(reply(200, ""))

    with listener(swallow) as address, path.open("rb") as file:
        client = make_client(endpoint=f"http://{address}")
        to = destination(f"http://{address}/key", {})
        tracemalloc.start()
        digest = spapi.digest_file(file)
        client.upload(to, file, digest, content_type="application/pdf")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert taken >= spapi.MOST_UPLOAD_BYTES
    assert peak < 1 << 20


def test_file_that_is_empty_or_too_large_is_refused_before_it_is_read() -> None:
    class Unread(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            pytest.fail("read")

    for size in (0, spapi.MOST_UPLOAD_BYTES + 1):
        with pytest.raises(ValueError, match="bytes"):
            spapi.digest_file(Unread(bytes(size)))


def test_attachment_is_uploaded_in_two_steps(amazon: Amazon, client: spapi.Client) -> None:
    def answer(request: Seen) -> bytes:
        if request.method == "PUT":
            return reply(200, "")
        return reply(
            201,
            {
                "payload": {
                    "uploadDestinationId": KEY,
                    "url": f"{amazon.url}/key",
                    "headers": {"Content-MD5": request.query["contentMD5"][0]},
                }
            },
        )

    amazon.replies = answer
    found = client.upload_attachment(
        "sendInvoice",
        ORDER,
        US,
        io.BytesIO(CONTENT),
        file_name="Invoice 1.pdf",
        content_type="application/pdf",
    )
    assert found == spapi.Attachment(KEY, "Invoice 1.pdf")
    asked, sent = amazon.calls
    assert asked.path == f"/uploads/2020-11-01/uploadDestinations/{RESOURCE}"
    assert sent.headers["content-md5"] == HEADERS["Content-MD5"]
    assert sent.body == CONTENT
    for name in ("createUnexpectedProblem", "getOrder", "nothing"):
        with pytest.raises(ValueError, match="takes no attachments"):
            client.upload_attachment(
                name, ORDER, US, io.BytesIO(CONTENT), file_name="a", content_type="a/b"
            )


@pytest.mark.parametrize(
    "answer", [close, reset, reply(500, ""), reply(200, {}), reply(201, "{"), reply(403, "odd")]
)
def test_destination_that_was_not_given_leaves_nothing_in_doubt(
    amazon: Amazon, client: spapi.Client, answer: bytes | Handler
) -> None:
    amazon.replies = lambda _: answer
    with pytest.raises(spapi.UploadFailed) as caught:
        client.upload_attachment(
            "sendInvoice", ORDER, US, io.BytesIO(CONTENT), file_name="a.pdf", content_type="a/b"
        )
    assert caught.value.effect is spapi.Effect.NOT_SENT
    assert len(amazon.calls) == 1


def test_address_is_told_to_nobody(
    amazon: Amazon,
    make_client: Callable[..., spapi.Client],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = make_client(logging=spapi.Logging(request=True, response=True, error=True))
    told = []
    with caplog.at_level("DEBUG"):
        for status in (200, 403):
            amazon.replies = lambda _, status=status: reply(status, "the-signature")
            try:
                put(client, own(amazon))
            except spapi.UploadRefused as error:
                told += [str(error), repr(vars(error))]
    told += [record.getMessage() for record in caplog.records]
    assert any("upload 200" in line for line in told)
    assert any("upload 403" in line for line in told)
    assert "the-signature" not in " ".join(told)
