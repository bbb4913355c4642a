"""Messages, uploads and replenishment offers: the client and the sandbox check each other over HTTP."""

import dataclasses
import hashlib
import io
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import spapi
from sandbox.testing import Running, running

EPOCH = 1_790_000_000  # 2026-09-21T14:13:20Z: what is offered depends on the hour


@pytest.fixture(scope="module")
def amazon() -> Iterator[Running]:
    with running(orders=1_000, seed=7, epoch=EPOCH, rate_factor=100_000) as found:
        found.set_clock_offset(EPOCH - time.time())
        yield found


@pytest.fixture(scope="module")
def client(amazon: Running) -> Iterator[spapi.Client]:
    keys = amazon.sellers[0]
    found = spapi.Client(
        keys.region,
        spapi.Credentials(keys.client_id, keys.client_secret, keys.refresh_token),
        limiter=spapi.Unlimited(),
        endpoint=amazon.url,
        lwa_endpoint=amazon.url,
    )
    yield found
    found.close()


MESSAGES: dict[str, tuple[str, str, str, bool]] = {
    # name in the list: method, operation for files ("": it takes none), text, warranty
    "confirmCustomizationDetails": (
        "confirm_customization_details",
        "confirmCustomizationDetails",
        "Wie heißt er?\r\nBitte genau.",
        False,
    ),
    "confirmDeliveryDetails": ("create_confirm_delivery_details", "", "Wann passt es?", False),
    "legalDisclosure": ("create_legal_disclosure", "createLegalDisclosure", "", False),
    "negativeFeedbackRemoval": ("create_negative_feedback_removal", "", "", False),
    "confirmOrderDetails": ("create_confirm_order_details", "", "Welche Größe? \U0001f642", False),
    "confirmServiceDetails": ("create_confirm_service_details", "", "Wann passt es?", False),
    "amazonMotors": ("create_amazon_motors", "CreateAmazonMotors", "", False),
    "warranty": ("create_warranty", "CreateWarranty", "", True),
    "digitalAccessKey": (
        "create_digital_access_key",
        "createDigitalAccessKey",
        "Der Schlüssel: 1-2-3",
        False,
    ),
    "unexpectedProblem": ("create_unexpected_problem", "", "Es dauert länger.", False),
    "sendInvoice": ("send_invoice", "sendInvoice", "", False),
}


BEGIN, END = datetime(2026, 9, 21, tzinfo=UTC), datetime(2028, 9, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def offered(amazon: Running) -> dict[str, list[str]]:
    return amazon.message_offers()[amazon.sellers[0].selling_partner_id]


def market_of(amazon: Running, client: spapi.Client, order_id: str) -> str:
    return client.get_order(order_id).marketplace_id or ""


@pytest.mark.parametrize("name", MESSAGES)
def test_message_is_offered_sent_and_on_the_record(
    amazon: Running, client: spapi.Client, offered: dict[str, list[str]], name: str
) -> None:
    method, files_for, text, is_warranty = MESSAGES[name]
    order_id = offered[name][0]
    market = market_of(amazon, client, order_id)
    offers = client.get_messaging_actions_for_order(order_id, market)
    assert offers.offers(name)
    [offer] = [one for one in offers.messages if one.name == name]
    assert (offer.text is not None, offer.attachments is not None) == (bool(text), bool(files_for))
    assert (len(offer.dates), offer.others) == (2 if is_warranty else 0, ())
    given: dict[str, object] = {"text": text} if text else {}
    if files_for:
        if offer.text is not None:
            limits = spapi.MESSAGE_BODIES[files_for].text
            assert limits == (offer.text.least, offer.text.most)
        attachment = client.upload_attachment(
            files_for,
            order_id,
            market,
            io.BytesIO(f"%PDF-1.7 {name}".encode()),
            file_name="Größe 1.pdf",
            content_type="application/pdf",
        )
        given["attachments"] = [attachment]
    if is_warranty:
        given |= {"coverage_start": BEGIN, "coverage_end": END}
    sent = getattr(client, method)(order_id, market, **given)
    assert sent.status == 201
    post = amazon.ledger()["posts"][-1]
    wanted = text.replace("\r\n", "\n")
    assert (post["order_id"], post["accepted"], post["text"]) == (order_id, True, wanted)
    assert post["text_length"] == spapi.text_length(text)
    assert post["text_sha256"] == (hashlib.sha256(wanted.encode()).hexdigest() if text else "")
    shown = [(one["file_name"], one["sha256"]) for one in post["attachments"]]
    content = hashlib.sha256(f"%PDF-1.7 {name}".encode()).hexdigest()
    assert shown == ([("Größe 1.pdf", content)] if files_for else [])
    assert len(post["coverage"]) == (2 if is_warranty else 0)


def test_message_that_is_not_offered_is_rejected(
    amazon: Running, client: spapi.Client, offered: dict[str, list[str]]
) -> None:
    order_id = offered["sendInvoice"][0]
    market = market_of(amazon, client, order_id)
    with pytest.raises(spapi.InvalidCombination):
        client.create_confirm_order_details(order_id, market, text="Too late")
    missing = spapi.Attachment("never-uploaded", "a.pdf")
    with pytest.raises(spapi.AttachmentMissing):
        client.send_invoice(order_id, market, attachments=[missing])
    locale = client.get_attributes(order_id, market).locale
    assert locale is not None
    assert len(locale) == 5


def upload(client: spapi.Client, order_id: str, market: str) -> spapi.Attachment:
    return client.upload_attachment(
        "sendInvoice",
        order_id,
        market,
        io.BytesIO(bytes(300_000)),
        file_name="a.pdf",
        content_type="application/pdf",
    )


@pytest.mark.parametrize(
    ("operation", "do", "kind"),
    [
        ("uploadBody", {"kind": "cut_upload"}, spapi.UploadFailed),
        ("uploadToDestination", {"kind": "expired"}, spapi.UploadExpired),
        ("uploadToDestination", {"kind": "status", "status": 403}, spapi.UploadRefused),
        ("uploadToDestination", {"kind": "status", "status": 503}, spapi.UploadFailed),
        ("uploadToDestination", {"kind": "close"}, spapi.UploadFailed),
        (
            "uploadToDestination",
            {"kind": "redirect", "location": "http://127.0.0.1:1/"},
            spapi.UploadFailed,
        ),
        (
            "createUploadDestinationForResource",
            {"kind": "status", "status": 500, "accept_first": True},
            spapi.UploadFailed,
        ),
    ],
)
def test_upload_that_goes_wrong_is_done_anew_and_no_message_is_in_doubt(
    amazon: Running,
    client: spapi.Client,
    offered: dict[str, list[str]],
    operation: str,
    do: dict,
    kind: type[spapi.UploadFailed],
) -> None:
    order_id = offered["sendInvoice"][1]
    market = market_of(amazon, client, order_id)
    before = len(amazon.ledger()["posts"])
    amazon.set_faults([{"operation": operation, "do": do, "when": {"times": 1}}])
    try:
        with pytest.raises(spapi.UploadFailed) as caught:
            upload(client, order_id, market)
        assert type(caught.value) is kind
        assert caught.value.effect is spapi.Effect.NOT_SENT
        attachment = upload(client, order_id, market)
    finally:
        amazon.set_faults([])
    assert len(amazon.ledger()["posts"]) == before
    assert client.send_invoice(order_id, market, attachments=[attachment]).status == 201


def test_address_of_an_upload_lasts_fifteen_minutes(
    amazon: Running, client: spapi.Client, offered: dict[str, list[str]]
) -> None:
    order_id = offered["sendInvoice"][2]
    market = market_of(amazon, client, order_id)
    file = io.BytesIO(b"%PDF-1.7")
    digest = spapi.digest_file(file)
    resource = f"messaging/v1/orders/{order_id}/messages/invoice"
    found = client.create_upload_destination_for_resource(resource, market, content_md5=digest.md5)
    offset = amazon.time()["offset_s"]
    amazon.set_clock_offset(offset + 901)
    try:
        with pytest.raises(spapi.UploadExpired):
            client.upload(found, file, digest, content_type="application/pdf")
    finally:
        amazon.set_clock_offset(offset)
    client.upload(found, file, digest, content_type="application/pdf")
    unsigned = dataclasses.replace(found, headers={**found.headers, "x-amz-acl": "private"})
    unnamed = dataclasses.replace(found, headers={})
    other = spapi.FileDigest(digest.size, bytes(16))
    for destination in (unsigned, unnamed):
        with pytest.raises(spapi.UploadRefused):
            client.upload(destination, file, digest, content_type="application/pdf")
    with pytest.raises(spapi.FileChanged):
        client.upload(found, file, other, content_type="application/pdf")


def test_ten_megabytes_are_uploaded_and_sent(
    amazon: Running, client: spapi.Client, offered: dict[str, list[str]]
) -> None:
    order_id = offered["legalDisclosure"][0]
    market = market_of(amazon, client, order_id)
    content = bytes(spapi.MOST_UPLOAD_BYTES)
    attachment = client.upload_attachment(
        "createLegalDisclosure",
        order_id,
        market,
        io.BytesIO(content),
        file_name="large.pdf",
        content_type="application/pdf",
    )
    client.create_legal_disclosure(order_id, market, attachments=[attachment])
    [shown] = amazon.ledger()["posts"][-1]["attachments"]
    assert (shown["size"], shown["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


def test_offers_of_replenishment_are_filtered_sorted_and_paged(
    amazon: Running, client: spapi.Client
) -> None:
    market = amazon.sellers[0].marketplace_ids[0]
    every = client.list_offers(market)
    assert every.total == len(every.offers) > 20
    for one in every.offers:
        assert one.price
        assert one.sku
        assert one.promotions.keys() == set(spapi.PROMOTIONS)
    dear = client.list_offers(
        market,
        eligibilities=["ELIGIBLE"],
        auto_enrollment=["OPTED_IN"],
        promotions={"amazonFundedBaseDiscount": [0, 5]},
        sort_key="PRICE",
        descending=True,
    )
    matching = [
        one
        for one in every.offers
        if (one.eligibility, one.auto_enrollment) == ("ELIGIBLE", "OPTED_IN")
        and one.promotions["amazonFundedBaseDiscount"] in (0, 5)
    ]
    assert {one.sku for one in dear.offers} == {one.sku for one in matching}
    prices = [one.price.amount for one in dear.offers if one.price]
    assert prices == sorted(prices, reverse=True)
    pages = [client.list_offers(market, limit=10, offset=at) for at in range(0, every.total, 10)]
    assert [one for page in pages for one in page.offers] == list(every.offers)
    with pytest.raises(spapi.BadRequest) as caught:
        client.list_offers(market, eligibilities=["BAD_VALUE"])
    assert caught.value.message.startswith("Unsupported eligibility")
