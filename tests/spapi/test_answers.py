"""Every status with every kind of body, for every operation, over real HTTP."""

import json
import pickle
from collections.abc import Callable

import pytest

import spapi
from spapi.answers import error_of
from spapi.operations import CREATE_SOLICITATION
from spapi.transport import HttpAnswer
from tests.spapi.conftest import ORDER, TOKEN, US, Amazon, ask, look
from tests.spapi.servers import errors, reply

CALLS: dict[str, Callable[[spapi.Client], object]] = {
    "getSolicitationActionsForOrder": look,
    "createProductReviewAndSellerFeedbackSolicitation": ask,
    "searchOrders": lambda client: client.search_orders(created_after="2026-01-01T00:00:00Z"),
    "getOrder": lambda client: client.get_order(ORDER),
    "getMarketplaceParticipations": lambda client: client.get_marketplace_participations(),
    "createRestrictedDataToken": lambda client: client.create_restricted_data_token(
        [spapi.RestrictedResource("GET", "/orders/v0/orders/{orderId}/address")]
    ),
}
STATUSES: dict[int, tuple[type[spapi.SpApiError], spapi.Effect]] = {
    202: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    204: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    302: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    304: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    400: (spapi.BadRequest, spapi.Effect.REJECTED),
    401: (spapi.TokenExpired, spapi.Effect.NOT_SENT),
    403: (spapi.UnknownForbidden, spapi.Effect.UNKNOWN),
    404: (spapi.NotFound, spapi.Effect.REJECTED),
    405: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    409: (spapi.Conflict, spapi.Effect.REJECTED),
    413: (spapi.PayloadTooLarge, spapi.Effect.REJECTED),
    415: (spapi.UnsupportedMediaType, spapi.Effect.REJECTED),
    418: (spapi.UnexpectedStatus, spapi.Effect.UNKNOWN),
    429: (spapi.Throttled, spapi.Effect.NOT_SENT),
    500: (spapi.ServerError, spapi.Effect.UNKNOWN),
    502: (spapi.ServerError, spapi.Effect.UNKNOWN),
    503: (spapi.ServerError, spapi.Effect.UNKNOWN),
    599: (spapi.ServerError, spapi.Effect.UNKNOWN),
}
SAID = errors("Something about it.", code="SomeCode", details="Some details.")
BODIES: dict[str, tuple[bytes, str]] = {
    "json": (json.dumps(SAID).encode(), "application/json"),
    "malformed json": (json.dumps(SAID).encode()[:-1], "application/json"),
    "html": (b"<html><body><h1>Something</h1></body></html>", "text/html"),
    "wrong charset": ('{"errors": "ä"}'.encode("utf-16"), "application/json; charset=utf-8"),
    "another shape": (b'{"errors": {"code": 1}, "message": []}', "application/json"),
    "deeply nested": (b"[" * 100_000, "application/json"),
    "empty": (b"", "application/json"),
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("operation", CALLS)
def test_status_decides_the_error_whatever_the_body_is(
    amazon: Amazon, client: spapi.Client, operation: str, body: str
) -> None:
    content, content_type = BODIES[body]
    for status, (kind, effect) in STATUSES.items():
        no_body = status in {204, 304}
        amazon.replies = lambda _, status=status, no_body=no_body: reply(
            status,
            b"" if no_body else content,
            content_type=content_type,
            headers=["x-amzn-RequestId: the-request-id"],
        )
        with pytest.raises(spapi.SpApiError) as caught:
            CALLS[operation](client)
        error = caught.value
        assert type(error) is kind, status
        assert error.effect is effect
        assert error.status == status
        assert error.operation == operation
        assert error.api == spapi.OPERATIONS[operation].api
        assert error.version == spapi.OPERATIONS[operation].version
        assert error.request_id == "the-request-id"
        assert len(error.body.encode()) <= 4096
        if body == "json" and not no_body:
            said = (error.code, error.message, error.details)
            assert said == ("SomeCode", "Something about it.", "Some details.")
        elif body != "another shape":
            assert (error.code, error.message, error.details) == ("", "", "")
        if body == "html" and not no_body:
            assert error.body == content.decode()


@pytest.mark.parametrize("operation", sorted(set(CALLS) - {CREATE_SOLICITATION.name}))
def test_a_201_is_no_success_of_a_get(amazon: Amazon, client: spapi.Client, operation: str) -> None:
    amazon.replies = lambda _: reply(201, {})
    with pytest.raises(spapi.UnexpectedStatus):
        CALLS[operation](client)


@pytest.mark.parametrize("body", BODIES)
def test_a_200_is_no_success_of_the_post(amazon: Amazon, client: spapi.Client, body: str) -> None:
    content, content_type = BODIES[body]
    amazon.replies = lambda _: reply(200, content, content_type=content_type)
    with pytest.raises(spapi.UnexpectedStatus) as caught:
        ask(client)
    assert caught.value.effect is spapi.Effect.UNKNOWN


@pytest.mark.parametrize("body", BODIES)
def test_a_201_is_accepted_whatever_its_body_is(
    amazon: Amazon, client: spapi.Client, body: str
) -> None:
    content, content_type = BODIES[body]
    amazon.replies = lambda _: reply(
        201, content, content_type=content_type, headers=["X-AMZN-REQUESTID: r1"]
    )
    accepted = ask(client)
    assert (accepted.status, accepted.request_id) == (201, "r1")


@pytest.mark.parametrize("body", sorted(set(BODIES) - {"json"}))
@pytest.mark.parametrize("operation", ["searchOrders", "getOrder", "getMarketplaceParticipations"])
def test_a_200_that_cannot_be_read_is_malformed(
    amazon: Amazon, client: spapi.Client, operation: str, body: str
) -> None:
    content, content_type = BODIES[body]
    amazon.replies = lambda _: reply(200, content, content_type=content_type)
    with pytest.raises(spapi.MalformedAnswer) as caught:
        CALLS[operation](client)
    assert caught.value.status == 200
    assert caught.value.operation == operation


@pytest.mark.parametrize("body", BODIES)
def test_a_list_that_cannot_be_read_is_not_an_empty_list(
    amazon: Amazon, client: spapi.Client, body: str
) -> None:
    content, content_type = BODIES[body]
    amazon.replies = lambda _: reply(200, content, content_type=content_type)
    offered = look(client)
    assert offered.actions == ()
    assert not offered.well_formed


EXPIRED = errors(
    "Access to requested resource is denied.",
    details="The access token you provided has expired.",
)
FORBIDDEN: dict[str, tuple[object, type[spapi.SpApiError], spapi.Effect]] = {
    "expired": (EXPIRED, spapi.TokenExpired, spapi.Effect.NOT_SENT),
    "revoked": (
        errors(
            "Access to requested resource is denied.",
            details="The access token you provided is revoked, malformed or invalid.",
        ),
        spapi.AccessDenied,
        spapi.Effect.NOT_SENT,
    ),
    "role missing": (
        errors("Access to requested resource is denied."),
        spapi.AccessDenied,
        spapi.Effect.NOT_SENT,
    ),
    "role missing, older text": (
        errors("Application do not have access to some or all requested resource"),
        spapi.AccessDenied,
        spapi.Effect.NOT_SENT,
    ),
    "not available": (
        errors("The requested solicitation is not available for this amazonOrderId."),
        spapi.NotAvailable,
        spapi.Effect.REJECTED,
    ),
    "already requested": (
        errors("You have already requested a review for this order."),
        spapi.AlreadyRequested,
        spapi.Effect.REJECTED,
    ),
    "outside the window": (
        errors(
            "You can\u2019t use this feature to request a review outside the 5-30 day range after "
            "the order delivery date."
        ),
        spapi.OutsideWindow,
        spapi.Effect.REJECTED,
    ),
    "outside the window, other signs": (
        errors("You can't request a review OUTSIDE  the 5\u201330 Day range, sorry."),
        spapi.OutsideWindow,
        spapi.Effect.REJECTED,
    ),
    "wrong combination": (
        errors("Invalid amazonOrderId and template combination."),
        spapi.InvalidCombination,
        spapi.Effect.REJECTED,
    ),
    "unknown": (
        errors("Reviews are closed on Sundays."),
        spapi.UnknownForbidden,
        spapi.Effect.UNKNOWN,
    ),
    "wrong host": (
        {"message": "Missing Authentication Token"},
        spapi.UnknownForbidden,
        spapi.Effect.UNKNOWN,
    ),
}


@pytest.mark.parametrize("damage", ["none", "no closing brace", "escaped", "no errors around it"])
@pytest.mark.parametrize("text", FORBIDDEN)
def test_text_decides_what_a_403_means(
    amazon: Amazon, client: spapi.Client, text: str, damage: str
) -> None:
    said, kind, effect = FORBIDDEN[text]
    content = json.dumps(said, ensure_ascii=damage == "escaped")
    if damage == "no closing brace":
        content = content[:-1]
    if damage == "no errors around it":
        content = content.replace('"errors"', '"fault"')
    amazon.replies = lambda _: reply(403, content)
    with pytest.raises(spapi.SpApiError) as caught:
        ask(client)
    assert type(caught.value) is kind
    assert caught.value.effect is effect
    assert len(amazon.calls) == 1, "a POST is never repeated"
    assert caught.value.body


def test_second_error_of_a_403_counts_too() -> None:
    expired = {"code": "Unauthorized", "message": "The access token you provided has expired."}
    said = {"errors": [{"code": "Unauthorized", "message": "No."}, expired]}
    answer = HttpAnswer(403, {}, json.dumps(said).encode())
    assert isinstance(error_of(CREATE_SOLICITATION, answer, ()), spapi.TokenExpired)


def test_kept_body_has_at_most_4096_bytes_and_no_token(
    amazon: Amazon, client: spapi.Client
) -> None:
    tail = "Atza|0123456789abcdef0123456789abcdef"
    amazon.replies = lambda _: reply(
        400, f"{TOKEN} {'é' * 2027} {tail} \x00", content_type="text/plain"
    )
    with pytest.raises(spapi.BadRequest) as caught:
        ask(client)
    assert 4000 < len(caught.value.body.encode()) <= 4096
    assert "Atza" not in caught.value.body
    assert "the-access-token" not in caught.value.body
    assert "\x00" not in caught.value.body


def test_error_says_what_happened_and_where(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(
        400, errors("Bad.", code="InvalidInput", details="id"), headers=["x-amzn-RequestId: r1"]
    )
    with pytest.raises(spapi.BadRequest) as caught:
        client.get_order(ORDER)
    assert str(caught.value) == "getOrder: BadRequest: 400 InvalidInput Bad. id (request id r1)"


def test_retry_after_of_an_answer_is_kept(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(429, headers=["Retry-After: 7"])
    with pytest.raises(spapi.Throttled) as caught:
        ask(client)
    assert caught.value.retry_after == 7.0


def test_errors_can_be_carried_to_another_process() -> None:
    error = spapi.NotFound("text", api="orders", status=404, body="raw")
    copied = pickle.loads(pickle.dumps(error))
    assert (type(copied), vars(copied)) == (spapi.NotFound, vars(error))
    limit = pickle.loads(pickle.dumps(spapi.LimitReached(2.5)))
    assert limit.retry_after == 2.5


def test_marketplace_id_cannot_leave_its_parameter(amazon: Amazon, client: spapi.Client) -> None:
    amazon.replies = lambda _: reply(201, {})
    client.create_product_review_and_seller_feedback_solicitation(ORDER, f"{US}&x=1")
    assert amazon.calls[0].query == {"marketplaceIds": [f"{US}&x=1"]}
