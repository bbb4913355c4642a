"""Documents of reports: from where they are fetched, whole or not at all, and never told of."""

import gzip
import random
import socket
import time
import tracemalloc
from collections.abc import Callable

import pytest

import spapi
from spapi.storage import is_storage
from tests.spapi.conftest import Amazon
from tests.spapi.servers import Seen, after, reply

MakeClient = Callable[..., spapi.Client]
TEXT = "amazon-order-id\tsku\r\n306-1\tÄ\r\n".encode()
STORAGE = "https://tortuga-prod-eu.s3-eu-west-1.amazonaws.com/a%2Fb?X-Amz-Signature=the-signature"


def document(amazon: Amazon, *, gzipped: bool = False) -> spapi.ReportDocument:
    url = f"{amazon.url}/documents/1?X-Amz-Signature=the-signature"
    return spapi.ReportDocument("1", url, "GZIP" if gzipped else None)


def fetch(
    client: spapi.Client, found: spapi.ReportDocument, **options: object
) -> tuple[bytes, spapi.Download]:
    pieces: list[bytes] = []
    download = client.download_report_document(found, pieces.append, **options)
    assert max(map(len, pieces), default=0) <= 256 * 1024
    return b"".join(pieces), download


@pytest.mark.parametrize(
    "url",
    [
        STORAGE,
        "https://s3.amazonaws.com/bucket/key",
        "https://bucket.s3.amazonaws.com/key",
        "https://bucket.s3.us-west-2.amazonaws.com:443/key",
        "https://bucket.s3.dualstack.us-west-2.amazonaws.com/key",
        "https://tortuga-prod-na.s3-external-1.amazonaws.com/key",
        "https://d34o8swod1owfl.cloudfront.net/Report_47700__GET_MERCHANT_LISTINGS_ALL_DATA_.txt",
    ],
)
def test_amazons_storage_is_known_by_its_names(url: str) -> None:
    assert is_storage(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://s3.amazonaws.com/key",
        "https://s3.amazonaws.com",
        "https://s3.amazonaws.com:22/key",
        "https://s3.amazonaws.com.example.com/key",
        "https://xs3.amazonaws.com/key",
        "https://evil@s3.amazonaws.com/key",
        "https://s3.amazonaws.com@example.com/key",
        "https://s3.amazonaws.com\\@example.com/key",
        "https://example.com/?s3.amazonaws.com/key",
        "https://example.com#s3.amazonaws.com/key",
        "https://ec2.amazonaws.com/key",
        "https://d11111111111111.cloudfront.net/key",
        "https://169.254.169.254/latest/meta-data",
        "https://127.0.0.1/key",
        "https://[::1]/key",
        "https://localhost/key",
        "https://s3.ama\N{CYRILLIC SMALL LETTER ZE}onaws.com/key",
        "https://s3.amazonaws.com/key\r\nHost: example.com",
        "https://s3.amazonaws.com/a b",
        "https://s3.amazonaws.com/" + "a" * 5_000,
        "ftp://s3.amazonaws.com/key",
        "//s3.amazonaws.com/key",
        "",
    ],
)
def test_nothing_is_fetched_from_any_other_address(
    amazon: Amazon, client: spapi.Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: pytest.fail("looked up"))
    with pytest.raises(spapi.UntrustedAddress) as caught:
        fetch(client, spapi.ReportDocument("1", url))
    error = caught.value
    assert error.effect is spapi.Effect.NOT_SENT
    assert error.message.startswith("Amazon gave a download address this program does not trust")
    assert "key" not in str(error)
    assert amazon.seen == []


def test_refusal_names_the_host_and_nothing_else(client: spapi.Client) -> None:
    url = "https://user:secret@example.com:22/secret?secret"
    with pytest.raises(spapi.UntrustedAddress) as caught:
        fetch(client, spapi.ReportDocument("1", url))
    assert "(host example.com)" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "::1", "::ffff:10.0.0.1", "fe80::1"],
)
def test_storage_whose_name_leads_inside_is_not_connected_to(
    client: spapi.Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("52.218.0.1", 443)),
        (family, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    monkeypatch.setattr(socket, "socket", lambda *args: pytest.fail("connected"))
    with pytest.raises(spapi.ConnectFailed) as caught:
        fetch(client, spapi.ReportDocument("1", STORAGE))
    assert caught.value.reason == "not_public"


@pytest.mark.parametrize("gzipped", [False, True])
def test_document_comes_unpacked_and_without_a_token(
    amazon: Amazon, client: spapi.Client, gzipped: bool
) -> None:
    client.access_token()
    body = gzip.compress(TEXT) if gzipped else TEXT
    amazon.replies = lambda _: reply(200, body, content_type="text/plain; charset=Windows-31J")
    text, download = fetch(client, document(amazon, gzipped=gzipped))
    assert text == TEXT
    assert download == spapi.Download(len(TEXT), "windows-31j")
    (request,) = amazon.calls
    assert request.path == "/documents/1"
    assert not {"x-amz-access-token", "authorization"} & request.headers.keys()
    assert request.headers["accept-encoding"] == "identity"


def test_packed_document_may_have_several_members(amazon: Amazon, client: spapi.Client) -> None:
    noise = random.Random(1).randbytes(700_000)
    parts = [b"first\n" * 200_000, b"", noise]
    amazon.replies = lambda _: reply(200, b"".join(map(gzip.compress, parts)))
    assert fetch(client, document(amazon, gzipped=True))[0] == b"".join(parts)


def test_large_document_is_never_in_memory(amazon: Amazon, client: spapi.Client) -> None:
    packed = gzip.compress(bytes(64 << 20), 1)
    amazon.replies = lambda _: reply(200, packed)
    client.download_report_document(document(amazon), lambda piece: None)
    tracemalloc.start()
    done = client.download_report_document(document(amazon, gzipped=True), lambda piece: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.size == 64 << 20
    assert peak < 4 << 20


@pytest.mark.parametrize(
    ("answer", "gzipped", "kind", "reason"),
    [
        (reply(403, "<Error><Code>AccessDenied</Code></Error>"), False, spapi.DocumentGone, ""),
        (reply(404, ""), True, spapi.DocumentGone, ""),
        (reply(503, ""), False, spapi.ServerError, ""),
        (reply(302, "", headers=["Location: /x"]), False, spapi.UnexpectedStatus, ""),
        (reply(206, TEXT), False, spapi.UnexpectedStatus, ""),
        (reply(200, TEXT, length=999), False, spapi.NoAnswer, "cut_body"),
        (reply(200, gzip.compress(TEXT)[:-4]), True, spapi.NoAnswer, "cut_body"),
        (reply(200, TEXT), True, spapi.MalformedAnswer, "encoding"),
        (reply(200, TEXT * 40), False, spapi.MalformedAnswer, "too_large"),
        (reply(200, gzip.compress(bytes(9_000))), True, spapi.MalformedAnswer, "too_large"),
        (
            reply(200, gzip.compress(TEXT), headers=["Content-Encoding: br"]),
            True,
            None,
            "",
        ),
    ],
)
def test_document_that_is_not_whole_is_an_error(
    amazon: Amazon,
    client: spapi.Client,
    answer: bytes,
    gzipped: bool,
    kind: type[spapi.SpApiError] | None,
    reason: str,
) -> None:
    amazon.replies = lambda _: answer
    if kind is None:
        # What it is packed with is said by Amazon's answer, whatever a proxy says of it.
        assert fetch(client, document(amazon, gzipped=gzipped))[0] == TEXT
        return
    with pytest.raises(spapi.SpApiError) as caught:
        fetch(client, document(amazon, gzipped=gzipped), max_bytes=1_000)
    assert (type(caught.value), caught.value.reason) == (kind, reason)
    assert caught.value.operation == "getReportDocument"
    assert (caught.value.body, len(amazon.calls)) == ("", 1)


def test_unknown_packing_is_refused_before_anything_leaves(
    amazon: Amazon, client: spapi.Client
) -> None:
    with pytest.raises(spapi.MalformedAnswer):
        fetch(client, spapi.ReportDocument("1", f"{amazon.url}/1", "ZSTD"))
    assert amazon.seen == []


def test_slow_document_ends_at_the_deadline(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: after(0.05, reply(200, TEXT * 100))
    began = time.monotonic()
    with pytest.raises(spapi.NoAnswer) as caught:
        fetch(client, document(amazon), deadline=0.4)
    assert caught.value.reason == "deadline"
    assert time.monotonic() - began < 3


def test_what_the_writer_raises_comes_through(amazon: Amazon, client: spapi.Client) -> None:
    def full(piece: bytes) -> None:
        raise OSError(28, "No space left on device")

    amazon.replies = lambda _: reply(200, gzip.compress(TEXT))
    with pytest.raises(OSError, match="No space left"):
        client.download_report_document(document(amazon, gzipped=True), full)


@pytest.mark.parametrize("status", [200, 403])
def test_address_is_told_to_nobody(
    amazon: Amazon, make_client: MakeClient, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(logging=spapi.Logging(request=True, response=True, error=True))

    def answer(request: Seen) -> bytes:
        if request.path.startswith("/reports"):
            url = document(amazon).url
            return reply(200, {"reportDocumentId": "1", "url": url})
        return reply(status, "<SignatureProvided>the-signature</SignatureProvided>")

    amazon.replies = answer
    found = client.get_report_document("1")
    told = [repr(found)]
    with caplog.at_level("DEBUG"):
        try:
            told.append(repr(fetch(client, found)[1]))
        except spapi.DocumentGone as error:
            told += [str(error), repr(error), repr(vars(error))]
    told += [record.getMessage() for record in caplog.records]
    assert any("report document" in line for line in told)
    assert "the-signature" not in " ".join(told)
