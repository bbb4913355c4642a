"""Errors are sentences, as a page or as a fragment, and never show what is inside."""

from __future__ import annotations

import pytest
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.test import Client, RequestFactory, override_settings

from solicit_dashboard import errors
from solicit_dashboard.access import RoleTooLowError
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
SECRET = "inner detail"


def _answers() -> list[tuple[HttpResponse, int, str]]:
    request = RequestFactory().get("/x/")
    request.resolver_match = None
    return [
        (errors.bad_request(request, BadRequest("The day is wrong.")), 400, "The day is wrong."),
        (errors.bad_request(request, SuspiciousOperation(SECRET)), 400, "without sense"),
        (errors.permission_denied(request, PermissionDenied(SECRET)), 403, "You may not do this."),
        (
            errors.permission_denied(request, RoleTooLowError("Your role (Viewer) cannot send.")),
            403,
            "Your role (Viewer) cannot send.",
        ),
        (errors.page_not_found(request, Http404(SECRET)), 404, "nothing at this address"),
        (errors.csrf_failure(request, SECRET), 403, "This page was open too long."),
        (errors.content_too_large(request), 413, "larger than 5 MB"),
        (errors.server_error(request), 500, "Something broke on our side"),
    ]


def test_each_error_is_a_page_with_its_sentence_and_nothing_from_inside() -> None:
    for response, status, sentence in _answers():
        html = response.content.decode()
        assert response.status_code == status
        assert sentence in html
        assert SECRET not in html
        assert "<!doctype html>" in html


@pytest.mark.parametrize("path", ["/nowhere/", "/orders/1/x/row/", "/orders/?sort=x"])
def test_htmx_gets_the_sentence_alone(path: str) -> None:
    client = Client()
    client.force_login(UserFactory())
    html = client.get(path, headers=HTMX).content.decode()
    assert "<html" not in html
    assert 'role="alert"' in html


def test_the_sentence_goes_where_toasts_are() -> None:
    client = Client()
    client.force_login(UserFactory())
    response = client.get("/nowhere/", headers=HTMX)
    assert response.headers["HX-Retarget"] == "#toasts"
    assert response.headers["HX-Reswap"] == "beforeend"


def test_a_crash_is_a_page_without_the_database_and_a_line_with_its_id(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_assert_num_queries: object,
) -> None:
    def crash(_request: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("solicit_dashboard.health._database", lambda: crash(None))
    client = Client(raise_request_exception=False)
    with django_assert_num_queries(0):  # type: ignore[operator]
        response = client.get("/readyz?code=secret")
    html = response.content.decode()
    assert response.status_code == 500
    assert SECRET not in html
    assert "Traceback" not in html
    request_id = response.headers["X-Request-ID"]
    assert request_id in html
    assert f"Request {request_id} failed: GET /readyz" in caplog.text
    assert "code=secret" not in caplog.text


@override_settings(ALLOWED_HOSTS=["reviews.example.com"])
def test_a_host_that_is_not_ours_is_refused() -> None:
    for host in ("evil.example", "a b", "reviews.example.com.evil"):
        response = Client().get("/login/", headers={"Host": host})
        assert response.status_code == 400
        assert "evil" not in response.content.decode()


@override_settings(ALLOWED_HOSTS=["reviews.example.com"])
def test_a_host_that_a_proxy_only_claims_is_not_believed() -> None:
    headers = {"Host": "reviews.example.com", "X-Forwarded-Host": "evil.example"}
    response = Client().get("/orders/", headers=headers)
    assert response.headers["Location"] == "/login/?next=/orders/"
    assert "evil" not in Client().get("/login/", headers=headers).content.decode()
    forged = {"Host": "evil.example", "X-Forwarded-Host": "reviews.example.com"}
    assert Client().get("/login/", headers=forged).status_code == 400


def test_a_name_in_an_error_is_text() -> None:
    request = RequestFactory().get("/x/")
    response = errors.bad_request(request, BadRequest("<img src=x onerror=alert(1)>"))
    assert "<img" not in response.content.decode()
