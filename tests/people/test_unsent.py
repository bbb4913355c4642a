"""A session that ended while somebody wrote: the words are kept, and nothing is done."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from sellers.models import Role
from tests.factories import MembershipFactory, UserFactory
from tests.people.test_log_in import log_in

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
WORDS = "The wrong template <b>for</b> France"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/?a=1"}


@pytest.mark.parametrize("by_htmx", [False, True], ids=["page", "htmx"])
def test_what_was_written_is_shown_after_the_log_in_and_nothing_was_done(by_htmx: bool) -> None:
    membership = MembershipFactory(role=Role.MANAGER)
    client = Client()
    log_in(client, membership.user.username)
    path = f"/accounts/{membership.account_id}/pause/"
    session = client.session
    session["people_seen"] = 0
    session.save()
    headers = HTMX if by_htmx else {"Referer": "http://testserver/accounts/?a=1"}
    answer = client.post(path, {"reason": WORDS, "refresh_token": "Atzr|x"}, headers=headers)
    target = answer.headers["HX-Redirect" if by_htmx else "Location"]
    assert target == "/login/?next=%2Faccounts%2F%3Fa%3D1"
    assert "Atzr" not in str([one.get_decoded() for one in Session.objects.all()])
    log_in(client, membership.user.username)
    page = client.get("/accounts/?a=1").content.decode()
    assert "nothing was done: “The wrong template &lt;b&gt;for&lt;/b&gt; France”" in page
    assert "nothing was done" not in client.get("/accounts/").content.decode()
    membership.account.refresh_from_db()
    assert membership.account.paused_at is None


def test_a_stranger_without_a_session_leaves_nothing_behind() -> None:
    UserFactory()
    answer = Client().post("/accounts/1/pause/", {"reason": WORDS})
    assert answer.headers["Location"] == "/login/?next=%2F"
    assert not Session.objects.exists()


def test_nobody_reads_what_another_wrote_in_the_same_browser() -> None:
    writer, reader, client = UserFactory(), UserFactory(), Client()
    log_in(client, writer.username)
    session = client.session
    session["people_seen"] = 0
    session.save()
    client.post("/accounts/1/pause/", {"reason": WORDS})
    log_in(client, reader.username)
    assert "nothing was done" not in client.get("/accounts/").content.decode()
    client.post("/logout/")
    log_in(client, writer.username)
    assert "nothing was done" not in client.get("/accounts/").content.decode(), "they are gone"
