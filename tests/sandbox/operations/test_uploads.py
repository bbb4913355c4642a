"""Destinations and the storage behind them: what it takes, and what it refuses."""

from base64 import b64encode
from hashlib import md5, sha256

import pytest

from sandbox.options import Options
from sandbox.uploads import MOST_BYTES
from tests.sandbox.conftest import Desk, document, message
from tests.sandbox.schemas import Model

MODEL = Model("uploads_2020-11-01.json")
CONTENT = b"%PDF-1.7 an invoice"
DIGEST = b64encode(md5(CONTENT).digest()).decode()


@pytest.fixture(scope="module")
def one_desk():
    return Desk(Options(orders=100, seed=7))


@pytest.fixture(scope="module")
def life(one_desk):
    return one_desk.life_for("sendInvoice")


@pytest.fixture
def desk(one_desk):
    one_desk.ticks += 100  # every bucket is full again
    return one_desk


@pytest.fixture
def payload(desk, life):
    answer = desk.destination("invoice", life, DIGEST)
    assert answer.status == 201
    assert MODEL.faults("CreateUploadDestinationResponse", document(answer)) == []
    return document(answer)["payload"]


def code(answer) -> str:
    assert answer.content_type == "application/xml"
    return answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def test_a_destination_has_an_address_and_signed_headers_as_amazons_example(desk, payload):
    example = MODEL.document["paths"]["/uploads/2020-11-01/uploadDestinations/{resource}"]["post"]
    sent = example["responses"]["201"]["examples"]["application/json"]["payload"]
    assert payload.keys() == sent.keys()
    assert payload["headers"] == {
        "Content-MD5": DIGEST,
        "x-amz-server-side-encryption": "aws:kms",
    }
    assert payload["headers"].keys() == sent["headers"].keys()
    for part in ("%2F067", "content-md5%3Bhost%3Bx-amz-server-side-encryption", "Expires=900"):
        assert part in payload["url"]
        assert part in sent["url"]


def test_a_file_is_taken_once_it_is_put_there(desk, payload):
    upload = desk.amazon.state.uploads[payload["uploadDestinationId"]]
    assert upload.size == -1
    answer = desk.put(payload, CONTENT)
    assert (answer.status, answer.body) == (200, b"")
    assert (upload.size, upload.sha256) == (len(CONTENT), sha256(CONTENT).hexdigest())


@pytest.mark.parametrize(
    ("headers", "status", "wanted"),
    [
        ({"content_md5": None}, 403, "SignatureDoesNotMatch"),
        ({"content_md5": b64encode(bytes(16)).decode()}, 403, "SignatureDoesNotMatch"),
        ({"x_amz_server_side_encryption": None}, 403, "SignatureDoesNotMatch"),
        ({"x_amz_server_side_encryption": "AES256"}, 403, "SignatureDoesNotMatch"),
        ({"host": "elsewhere.test"}, 403, "SignatureDoesNotMatch"),
        ({"x_amz_acl": "public-read"}, 403, "AccessDenied"),
        ({"x_amz_access_token": "Atza|x"}, 400, None),
        ({"authorization": "Bearer x"}, 400, "InvalidRequest"),
        ({"cookie": "a=b"}, 400, "InvalidRequest"),
        ({"content_type": "multipart/form-data; boundary=x"}, 400, "InvalidRequest"),
        ({"content_length": None, "transfer_encoding": "chunked"}, 400, "InvalidRequest"),
        ({"content_length": None}, 411, "MissingContentLength"),
    ],
)
def test_missing_and_other_headers_are_refused(desk, payload, headers, status, wanted):
    answer = desk.put(payload, CONTENT, **headers)
    assert answer.status == status
    if wanted is not None:
        assert code(answer) == wanted
    assert desk.amazon.state.uploads[payload["uploadDestinationId"]].size == -1


def test_a_changed_or_unknown_address_is_refused(desk, payload):
    longer = payload["url"].replace("X-Amz-Signature=", "X-Amz-Signature=0")
    assert code(desk.put({**payload, "url": longer}, CONTENT)) == "SignatureDoesNotMatch"
    other = payload["url"].replace(payload["uploadDestinationId"], "unknown")
    assert code(desk.put({**payload, "url": other}, CONTENT)) == "AccessDenied"


def test_an_address_lasts_fifteen_minutes(desk, payload):
    desk.clock += 900
    assert desk.put(payload, CONTENT).status == 200
    desk.clock += 1
    answer = desk.put(payload, CONTENT)
    assert (answer.status, code(answer)) == (403, "AccessDenied")
    assert b"Request has expired" in answer.body


@pytest.mark.parametrize(
    "digest",
    [
        md5(CONTENT).hexdigest(),
        b64encode(md5(CONTENT).hexdigest().encode()).decode(),
        b64encode(md5(CONTENT).digest()[:15]).decode(),
        "%%%",
    ],
)
def test_a_digest_in_another_form_is_noticed_by_the_storage_alone(desk, life, digest):
    answer = desk.destination("invoice", life, digest)
    assert answer.status == 201, "as with Amazon's own example, whose digest is hexadecimal"
    refused = desk.put(document(answer)["payload"], CONTENT)
    assert (refused.status, code(refused)) == (400, "InvalidDigest")


def test_a_file_with_another_digest_is_not_taken(desk, payload):
    answer = desk.put(payload, CONTENT + b"!")
    assert (answer.status, code(answer)) == (400, "BadDigest")
    assert desk.amazon.state.uploads[payload["uploadDestinationId"]].size == -1


def test_a_file_is_put_and_nothing_else(desk, payload):
    target = payload["url"].removeprefix("http://sandbox.test")
    answer = desk.ask("POST", target, body=CONTENT, x_amz_access_token=None)
    assert (answer.status, code(answer)) == (405, "MethodNotAllowed")


def test_faults_happen_to_uploads(desk, payload):
    desk.amazon.set_faults(
        [
            {"operation": "uploadToDestination", "do": {"kind": "expired"}, "when": {"nth": [1]}},
            {
                "operation": "uploadToDestination",
                "do": {"kind": "status", "status": 403},
                "when": {"nth": [1]},
            },
            {"operation": "uploadBody", "do": {"kind": "cut_upload"}, "when": {"nth": [1]}},
        ]
    )
    assert b"expired" in desk.put(payload, CONTENT).body
    assert desk.put(payload, CONTENT).status == 403
    assert desk.put(payload, CONTENT).status == 200
    path = payload["url"].removeprefix("http://sandbox.test").partition("?")[0]
    assert desk.amazon.cut_after(path, 1_000) == 500
    assert desk.amazon.cut_after(path, 1_000) is None
    assert desk.amazon.cut_after("/report-documents/x", 1_000) is None


@pytest.mark.parametrize(
    ("tail", "status"),
    [
        ("invoice?marketplaceIds={market}", 400),
        ("invoice?contentMD5=a", 400),
        ("invoice?marketplaceIds={market}&contentMD5=a&contentMD5=b", 400),
        ("invoice?marketplaceIds={market},ATVPDKIKX0DER&contentMD5=a", 400),
        ("invoice?marketplaceIds=ATVPDKIKX0DER&contentMD5=a", 400),
        ("invoice?marketplaceIds={market}&contentMD5=a&size=5", 400),
        ("sendInvoice?marketplaceIds={market}&contentMD5=a", 400),
        ("confirmOrderDetails?marketplaceIds={market}&contentMD5=a", 400),
        ("invoice?marketplaceIds={market}&contentMD5=a&contentType=text/plain", 201),
    ],
)
def test_a_destination_is_for_one_message_that_takes_files(desk, life, tail, status):
    order = f"messaging/v1/orders/{desk.order_id(life)}/messages"
    target = f"/uploads/2020-11-01/uploadDestinations/{order}/{tail}"
    answer = desk.ask("POST", target.format(market=life.marketplace.id))
    assert answer.status == status
    assert MODEL.faults("CreateUploadDestinationResponse", document(answer)) == []


def test_encoded_slashes_are_refused(desk, life):
    resource = f"messaging%2Fv1%2Forders%2F{desk.order_id(life)}%2Fmessages%2Finvoice"
    query = f"?marketplaceIds={life.marketplace.id}&contentMD5=a"
    answer = desk.ask("POST", f"/uploads/2020-11-01/uploadDestinations/{resource}{query}")
    assert (answer.status, message(answer)) == (400, "resource: Invalid value.")


def test_an_order_of_another_seller_is_not_found(desk, life):
    other = desk.amazon.world.sellers[1]
    assert desk.destination("invoice", life, DIGEST, seller=other).status == 404


def test_ten_destinations_at_once_and_ten_a_second(desk, life):
    statuses = [desk.destination("invoice", life, DIGEST).status for _ in range(11)]
    assert statuses == [201] * 10 + [429]
    desk.ticks += 0.11
    assert desk.destination("invoice", life, DIGEST).status == 201


def send_files(desk, life, *keys):
    files = [{"uploadDestinationId": key, "fileName": "a.pdf"} for key in keys]
    return desk.send("invoice", life, {"attachments": files})


def test_a_message_takes_files_that_were_uploaded_for_it_alone(desk, life, payload):
    key = payload["uploadDestinationId"]
    missing = f"Attachment with ID {key} does not exist"
    assert message(send_files(desk, life, key)) == missing
    desk.put(payload, CONTENT)
    for_another = desk.upload("legalDisclosure", life)
    another_order = desk.life_for("legalDisclosure")
    assert another_order != life or desk.order_id(another_order) == desk.order_id(life)
    for wrong in (for_another, "unknown"):
        answer = send_files(desk, life, wrong)
        assert (answer.status, message(answer)) == (
            400,
            f"Attachment with ID {wrong} does not exist",
        )
    assert send_files(desk, life, key).status == 201
    desk.ticks += 10
    assert send_files(desk, life, key, key).status == 201


def test_files_of_a_message_have_ten_megabytes_together(desk, life, payload):
    first, second = (desk.upload("invoice", life, bytes([one]) * 8) for one in b"ab")
    uploads = desk.amazon.state.uploads
    uploads[first].size, uploads[second].size = MOST_BYTES - 9, 10
    assert send_files(desk, life, first, second).status == 400
    uploads[second].size = 9
    assert send_files(desk, life, first, second).status == 201
