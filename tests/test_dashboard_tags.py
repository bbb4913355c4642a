"""The words of templates: moments, spans and the navigation."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from sellers.models import Role
from solicit_dashboard.templatetags.dashboard import moment, nav_links
from tests.factories import GERMANY, MembershipFactory, UserFactory

THEN = datetime(2024, 7, 1, 22, 30, 5, tzinfo=UTC)


def test_a_moment_shows_words_and_holds_the_exact_time() -> None:
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        html = moment(THEN, "short", GERMANY)
        assert str(moment(THEN, "date")).endswith(">2 Jul 2024</time>")
    assert 'datetime="2024-07-01T22:30:05+00:00"' in html
    assert 'title="2 July 2024 07:30:05 JST · amazon.de: 2 Jul 00:30 CEST"' in html
    assert html.endswith(">2 Jul 2024 07:30</time>")


def test_no_moment_is_a_dash() -> None:
    assert moment(None) == "—"


def test_an_unknown_marketplace_adds_nothing() -> None:
    assert "·" not in moment(THEN, "short", "<script>")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/", "Overview"),
        ("/orders/", "Orders"),
        ("/outbox/", "Outbox"),
        ("/exclusions/", "Exclusions"),
    ],
)
def test_the_navigation_marks_the_page_that_is_shown(path: str, current: str) -> None:
    client = Client()
    client.force_login(UserFactory())
    html = client.get(path).content.decode()
    nav = html.split('<nav class="site-nav"')[1].split("</nav>")[0]
    assert nav.count('aria-current="page"') == 1
    assert f'aria-current="page">{current}</a>' in nav


@pytest.mark.django_db
def test_templates_belong_to_the_accounts_above_them() -> None:
    membership = MembershipFactory()
    client = Client()
    client.force_login(membership.user)
    page = client.get(f"/accounts/{membership.account_id}/templates/").content.decode()
    nav = page.split('<nav class="site-nav"')[1].split("</nav>")[0]
    assert nav.count("aria-current") == 1
    assert 'aria-current="page">Accounts</a>' in nav


@pytest.mark.django_db
def test_stopping_belongs_to_no_page_of_the_navigation() -> None:
    membership = MembershipFactory(role=Role.MANAGER)
    client = Client()
    client.force_login(membership.user)
    nav = client.get("/stop/").content.decode().split('<nav class="site-nav"')[1].split("</nav>")[0]
    assert "Outbox" in nav
    assert "aria-current" not in nav


def test_without_a_page_nothing_is_marked() -> None:
    links = nav_links({"request": RequestFactory().get("/x/")})  # type: ignore[arg-type]
    assert [link.label for link in links] == [
        *("Overview", "Orders", "Outbox", "Exclusions", "Replenishment", "Accounts")
    ]
    assert not any(link.is_current for link in links)
