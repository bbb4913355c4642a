"""The page of an account's people, and what its managers change there."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from sellers.invitations import invite
from sellers.models import Invitation, Membership, PeopleReview, Role, SellerAccount
from tests.factories import MembershipFactory, SellerAccountFactory, UserFactory
from tests.people.confirming import confirm

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def account() -> SellerAccount:
    found: SellerAccount = SellerAccountFactory(name="Nordwind")
    return found


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    confirm(client, user)
    return client


@pytest.fixture
def ann(account: SellerAccount) -> Membership:
    found: Membership = MembershipFactory(
        account=account, user__username="ann", user__last_login=timezone.now(), role=Role.MANAGER
    )
    return found


@pytest.fixture
def client(ann: Membership) -> Client:
    return log_in(ann.user)


def bob_of(account: SellerAccount, role: Role = Role.VIEWER, **user: object) -> Membership:
    found: Membership = MembershipFactory(
        account=account, role=role, user=UserFactory(username="bob", **user)
    )
    return found


def page_of(client: Client, account: SellerAccount) -> str:
    return client.get(f"/accounts/{account.pk}/people/").content.decode()


def row_of(page: str, member: Membership) -> str:
    found = re.search(rf'<tr id="member-{member.pk}">.*?</tr>', page, re.DOTALL)
    assert found is not None
    return found[0]


def test_members_stand_with_role_and_last_use(client: Client, account: SellerAccount) -> None:
    long_ago = timezone.now() - timedelta(days=91)
    bob = bob_of(account, last_login=long_ago)
    never = MembershipFactory(account=account, user__username="never")
    gone = MembershipFactory(account=account, user=UserFactory(username="gone", is_active=False))
    MembershipFactory(user__username="stranger")
    page = page_of(client, account)
    assert "stranger" not in page
    assert "Viewer" in row_of(page, bob)
    assert '<span class="mark warn"><time' in row_of(page, bob)
    assert "91 days ago" in row_of(page, bob)
    assert '<span class="mark quiet">Never</span>' in row_of(page, never)
    assert '<span class="mark quiet">Deactivated</span>' in row_of(page, gone)
    names = re.findall(r'<td class="cell-title">(\w+)</td>', page)
    assert names == ["ann", "gone", "never", "bob"]


def test_more_members_take_no_more_queries(client: Client, account: SellerAccount) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            page_of(client, account)
        return len(captured)

    before = queries()
    for _ in range(3):
        member = MembershipFactory(account=account)
        invite(account, Role.VIEWER, member.user, timezone.now())
    assert queries() == before


def test_a_role_is_changed(client: Client, account: SellerAccount) -> None:
    bob = bob_of(account)
    response = client.post(
        f"/accounts/{account.pk}/people/{bob.pk}/role/", {"role": "operator"}, follow=True
    )
    assert response.redirect_chain == [(f"/accounts/{account.pk}/people/", 302)]
    assert "bob is now operator of Nordwind." in response.content.decode()
    bob.refresh_from_db()
    assert bob.role == Role.OPERATOR
    page = client.post(
        f"/accounts/{account.pk}/people/{bob.pk}/role/", {"role": "operator"}, follow=True
    ).content.decode()
    assert "bob was operator already." in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"role": "owner"}, "role: Choose a role from the list."),
        ({}, "role: Choose a role from the list."),
        ({"role": ["viewer", "manager"]}, "“role” was given 2 times. Give it once."),
    ],
)
def test_a_role_that_there_is_not_changes_nothing(
    client: Client, account: SellerAccount, fields: dict[str, object], words: str
) -> None:
    bob = bob_of(account)
    response = client.post(f"/accounts/{account.pk}/people/{bob.pk}/role/", fields)
    assert response.status_code == 400
    assert words in response.content.decode()
    bob.refresh_from_db()
    assert bob.role == Role.VIEWER


def test_a_member_is_removed_and_sees_nothing_any_more(
    client: Client, account: SellerAccount
) -> None:
    bob = bob_of(account, Role.OPERATOR)
    bobs = log_in(bob.user)
    assert "Nordwind" in bobs.get("/accounts/").content.decode()
    page = client.post(
        f"/accounts/{account.pk}/people/{bob.pk}/remove/", follow=True
    ).content.decode()
    assert "bob has no role on Nordwind any more." in page
    assert "Nordwind" not in bobs.get("/accounts/").content.decode()
    assert not Membership.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize(("verb", "fields"), [("role", {"role": "viewer"}), ("remove", {})])
def test_the_last_manager_stays_and_is_told_why(
    client: Client, account: SellerAccount, ann: Membership, verb: str, fields: dict[str, str]
) -> None:
    path = f"/accounts/{account.pk}/people/{ann.pk}/{verb}/"
    page = client.post(path, fields, follow=True).content.decode()
    assert "ann is the only manager of Nordwind. Make somebody else manager first." in page
    ann.refresh_from_db()
    assert ann.role == Role.MANAGER


def test_who_gives_their_own_role_away_comes_to_the_accounts(
    client: Client, account: SellerAccount, ann: Membership
) -> None:
    bob_of(account, Role.MANAGER)
    response = client.post(f"/accounts/{account.pk}/people/{ann.pk}/role/", {"role": "viewer"})
    assert response.headers["Location"] == "/accounts/"


def test_an_invitation_is_made_and_its_link_is_shown_once(
    client: Client, account: SellerAccount
) -> None:
    path = f"/accounts/{account.pk}/people/invite/"
    assert "Make the link" in client.get(path).content.decode()
    response = client.post(path, {"role": "operator", "note": HOSTILE})
    page = response.content.decode()
    link = re.search(r'value="http://testserver/accounts/join/\?token=([\w-]{43})"', page)
    assert link is not None
    assert HOSTILE not in page
    assert "no-store" in response.headers["Cache-Control"]
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.account, invitation.note) == (
        Role.OPERATOR,
        account,
        HOSTILE,
    )
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    assert link[1] not in str(client.session.items())
    assert all(link[1] not in cookie.value for cookie in client.cookies.values())
    page = page_of(client, account)
    assert link[1] not in page
    assert "Open invitations" in page
    assert HOSTILE not in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"role": "owner"}, "Choose a role from the list."),
        ({"role": "viewer", "note": "x" * 101}, "This has more than 100 characters. Shorten it."),
    ],
)
def test_a_wrong_invitation_is_told_what_is_wrong(
    client: Client, account: SellerAccount, fields: dict[str, str], words: str
) -> None:
    response = client.post(f"/accounts/{account.pk}/people/invite/", fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert not Invitation.objects.exists()


def test_an_invitation_is_revoked(client: Client, account: SellerAccount, ann: Membership) -> None:
    invitation, _token = invite(account, Role.VIEWER, ann.user, timezone.now(), "Bob")
    path = f"/accounts/{account.pk}/people/invitations/{invitation.pk}/revoke/"
    assert f'action="{path}"' in page_of(client, account)
    page = client.post(path, follow=True).content.decode()
    assert "The invitation is revoked. Its link works no longer." in page
    assert "Open invitations" not in page
    page = client.post(path, follow=True).content.decode()
    assert "The invitation was used or revoked already." in page


def test_a_review_is_stamped_and_the_next_one_named(
    client: Client, account: SellerAccount, ann: Membership
) -> None:
    SellerAccount.objects.update(created_at=timezone.now() - timedelta(days=90))
    page = page_of(client, account)
    assert "Not reviewed yet." in page
    assert '<span class="mark warn">Due since' in page
    page = client.post(f"/accounts/{account.pk}/people/reviewed/", follow=True).content.decode()
    assert "The roles on Nordwind are reviewed." in page
    assert re.search(r"Reviewed on <time .*?</time> by ann\.", page)
    assert '<span class="mark good">Next by' in page
    assert PeopleReview.objects.get().by == ann.user
    assert AuditEvent.objects.latest("pk").kind == "people_reviewed"


def test_managers_are_reminded_on_the_overview(
    client: Client, account: SellerAccount, ann: Membership
) -> None:
    assert "look through" not in client.get("/").content.decode()
    SellerAccount.objects.update(created_at=timezone.now() - timedelta(days=90))
    page = client.get("/").content.decode()
    assert "Nordwind: look through who has which role" in page
    assert f'href="/accounts/{account.pk}/people/"' in page
    ann.role = Role.OPERATOR
    ann.save()
    assert "look through" not in client.get("/").content.decode()


@pytest.mark.parametrize("verb", ["role", "remove"])
@pytest.mark.parametrize("number", [2**63, 2**80])
def test_a_member_whom_no_row_can_have_is_missing(
    client: Client, account: SellerAccount, verb: str, number: int
) -> None:
    path = f"/accounts/{account.pk}/people/{number}/{verb}/"
    assert client.post(path, {"role": "viewer"}).status_code == 404
    path = f"/accounts/{account.pk}/people/invitations/{number}/revoke/"
    assert client.post(path).status_code == 404
