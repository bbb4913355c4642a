"""The consent page: who chooses a seller goes back with a code that is good once."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.consent import DECIDE, PAGE, answer_consent, is_consent
from sandbox.messages import Answer, Request, parse_target
from tests.sandbox.conftest import Desk
from tests.sandbox.operations.test_lwa import exchange

HOME = "http://127.0.0.1:8000/accounts/callback/"


def consent(desk: Desk, path: str, method: str = "GET", **changes: str | None) -> Answer:
    """What a browser gets there; `changes` replace what a right address holds (None leaves out)."""
    query = {
        "application_id": desk.amazon.world.application_id,
        "redirect_uri": HOME,
        "state": "s & t",
    } | changes
    target = f"{path}?{urlencode({k: v for k, v in query.items() if v is not None})}"
    path, values = parse_target(target)
    request = Request(method, path, values, {}, b"", loopback=True)
    assert is_consent(request)
    return answer_consent(desk.amazon, request)


def back(answer: Answer) -> dict[str, list[str]]:
    assert answer.status == 302
    assert answer.headers["Location"].startswith(f"{HOME}?")
    return parse_qs(urlsplit(answer.headers["Location"]).query)


def test_the_page_names_every_seller_and_leaves_no_trace(desk: Desk) -> None:
    answer = consent(desk, PAGE)
    assert answer.status == 200
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    for seller in desk.amazon.world.sellers:
        assert f"Confirm as {seller.name}".replace("&", "&amp;") in answer.body.decode()


def test_a_code_is_exchanged_once_and_with_its_redirect_uri(desk: Desk) -> None:
    query = back(consent(desk, DECIDE, seller="0"))
    assert query["state"] == ["s & t"]
    assert query["selling_partner_id"] == [desk.seller.selling_partner_id]
    [code] = query["spapi_oauth_code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": HOME}
    answer = exchange(desk, **grant)
    assert answer.status == 200
    assert desk.seller.refresh_token.encode() in answer.body
    assert b"parameter : code" in exchange(desk, **grant).body


@pytest.mark.parametrize(("seconds", "uri"), [(301, HOME), (0, "http://127.0.0.1/other/")])
def test_a_code_that_is_old_or_of_another_address_is_refused(
    desk: Desk, seconds: int, uri: str
) -> None:
    [code] = back(consent(desk, DECIDE, seller="0"))["spapi_oauth_code"]
    desk.clock += seconds
    answer = exchange(desk, grant_type="authorization_code", code=code, redirect_uri=uri)
    assert (answer.status, b"invalid_grant" in answer.body) == (400, True)


def test_who_refuses_goes_back_without_a_code(desk: Desk) -> None:
    for seller in (None, "99", "x"):
        query = back(consent(desk, DECIDE, seller=seller))
        assert query == {"state": ["s & t"], "error": ["access_denied"]}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"application_id": "amzn1.sp.solution.0"}, b"MD1000"),
        ({"redirect_uri": "https://evil.example/"}, b"MD5101"),
        ({"redirect_uri": None}, b"MD5101"),
    ],
)
def test_a_wrong_address_stays_on_the_page(
    desk: Desk, changes: dict[str, str | None], error: bytes
) -> None:
    for path in (PAGE, DECIDE):
        answer = consent(desk, path, **changes)
        assert (answer.status, error in answer.body) == (400, True)


def test_the_pages_take_no_form(desk: Desk) -> None:
    assert consent(desk, DECIDE, method="POST", seller="0").status == 400
