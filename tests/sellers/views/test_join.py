"""Joining by a link: one click for who is here, a name and a password for who is new."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from audit.models import AuditEvent, AuditKind
from sellers.invitations import invite, revoke_invitation
from sellers.models import Invitation, Membership, Role
from tests.factories import PASSWORD, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
JOIN = "/accounts/join/"
NOT_VALID = "This invitation is no longer valid. Ask the person who invited you for a new one."
NEW = {"username": "bob", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def manager() -> Membership:
    found: Membership = MembershipFactory(
        account__name="Nordwind", user__username="ann", role=Role.MANAGER
    )
    return found


@pytest.fixture
def link(manager: Membership) -> str:
    _invitation, token = invite(manager.account, Role.OPERATOR, manager.user, timezone.now())
    return f"{JOIN}?token={token}"


def logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_token_leaves_the_address_at_once(link: str) -> None:
    client = Client()
    response = client.get(link)
    assert (response.status_code, response.headers["Location"]) == (303, JOIN)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]
    page = client.get(JOIN).content.decode()
    assert "Join Nordwind" in page
    assert "ann invites you as operator." in page
    token = link.partition("=")[2]
    assert token not in page
    assert all(token not in str(row.get_decoded()) for row in Session.objects.all())


def test_no_line_of_the_log_has_the_token(
    link: str, manager: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    token = link.partition("=")[2]
    with caplog.at_level(logging.DEBUG):
        Client().get(link)
        Client().get(f"{link}x")
        Client().post(link)
    assert token not in caplog.text


def test_who_is_logged_in_joins_by_one_click(link: str, manager: Membership) -> None:
    bob = UserFactory(username="bob")
    client = logged_in(bob)
    page = client.get(link, follow=True).content.decode()
    assert "You are logged in as" in page
    assert "Join as operator" in page
    assert not Membership.objects.filter(user=bob).exists()
    response = client.post(JOIN, follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "You are now operator of Nordwind." in response.content.decode()
    assert Membership.objects.get(user=bob).role == Role.OPERATOR
    assert client.get(JOIN).status_code == 404


def test_who_logs_in_first_comes_back_to_join(link: str, redis_empty: None) -> None:
    UserFactory(username="bob")
    client = Client()
    page = client.get(link, follow=True).content.decode()
    assert f'href="/login/?next={JOIN}"' in page
    form = {"username": "bob", "password": PASSWORD, "next": JOIN}
    response = client.post("/login/", form, follow=True)
    assert response.redirect_chain == [(JOIN, 302)]
    assert "Join as operator" in response.content.decode()


def test_who_is_new_makes_a_user_and_then_logs_in(
    link: str, manager: Membership, redis_empty: None
) -> None:
    client = Client()
    client.get(link)
    response = client.post(JOIN, NEW, follow=True)
    assert response.redirect_chain == [("/login/", 302)]
    assert "You are operator of Nordwind. Now log in." in response.content.decode()
    bob = User.objects.get(username="bob")
    assert (bob.is_staff, bob.is_superuser, bob.is_active) == (False, False, True)
    assert bob.check_password(PASSWORD)
    member = Membership.objects.get(user=bob)
    assert (member.account, member.role) == (manager.account, Role.OPERATOR)
    event = AuditEvent.objects.get(kind=AuditKind.ROLE_GIVEN)
    assert (event.user, event.detail["new_person"]) == (bob, True)
    response = client.post("/login/", {"username": "bob", "password": PASSWORD})
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"username": "ann"}, "A user with that username already exists."),
        ({"username": "ANN"}, "A user with that username already exists."),
        ({"username": "a b"}, "Enter a valid username."),
        ({"password2": "another one entirely"}, "The two password fields didn"),
        ({"password1": "short1a", "password2": "short1a"}, "at least 12 characters"),
        ({"password1": "password1234", "password2": "password1234"}, "too common"),
        ({"password1": "1029384756473", "password2": "1029384756473"}, "capital letter"),
        (
            {
                "username": "robert.the.bob",
                "password1": "robert.the.bob",
                "password2": "robert.the.bob",
            },
            "too similar to the username",
        ),
    ],
)
def test_each_rule_that_was_broken_is_named(link: str, fields: dict[str, str], words: str) -> None:
    client = Client()
    client.get(link)
    response = client.post(JOIN, NEW | fields)
    assert response.status_code == 422
    assert words in response.content.decode()
    assert Membership.objects.count() == 1
    assert Invitation.objects.get().accepted_at is None


def test_nobody_takes_the_address_of_another_as_a_name(link: str, redis_empty: None) -> None:
    boss = UserFactory(username="boss", email="Boss@seller.example")
    client = Client()
    client.get(link)
    response = client.post(JOIN, NEW | {"username": "boss@seller.example"})
    assert response.status_code == 422
    assert "A user with that username already exists." in response.content.decode()
    client.post("/login/", {"username": "boss@seller.example", "password": PASSWORD})
    assert client.session["_auth_user_id"] == str(boss.pk)


def test_a_new_person_is_given_nothing_but_a_name_and_a_password(
    link: str, manager: Membership
) -> None:
    client = Client()
    client.get(link)
    wanted = {"is_superuser": "on", "is_staff": "on", "role": "manager", "account": "1", "id": "1"}
    assert client.post(JOIN, NEW | wanted).status_code == 302
    bob = User.objects.get(username="bob")
    assert (bob.is_staff, bob.is_superuser) == (False, False)
    assert Membership.objects.get(user=bob).role == Role.OPERATOR


def _use(invitation: Invitation) -> None:
    Invitation.objects.update(accepted_at=timezone.now(), accepted_by=UserFactory())


def _revoke(invitation: Invitation) -> None:
    revoke_invitation(invitation, invitation.created_by, timezone.now())


def _let_it_end(invitation: Invitation) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def _remove_who_made_it(invitation: Invitation) -> None:
    Membership.objects.filter(user=invitation.created_by).delete()


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("end", [_use, _revoke, _let_it_end, _remove_who_made_it])
def test_what_no_longer_works_says_so_before_and_after_it_was_opened(
    link: str, end: Callable[[Invitation], None], is_known: bool
) -> None:
    client = logged_in(UserFactory()) if is_known else Client()
    client.get(link)
    end(Invitation.objects.get())
    members = Membership.objects.count()
    for response in (client.get(link), client.get(JOIN), client.post(JOIN, NEW)):
        assert response.status_code == 404
        assert NOT_VALID in response.content.decode()
    assert Membership.objects.count() == members
    assert not User.objects.filter(username="bob").exists()


@pytest.mark.parametrize("query", ["", "?token=", "?token=x", f"?token={'x' * 5000}"])
def test_an_address_without_a_token_that_is_known_is_no_longer_valid(link: str, query: str) -> None:
    client = Client()
    response = client.get(JOIN + query)
    assert response.status_code == 404
    assert NOT_VALID in response.content.decode()
    assert "sessionid" not in client.cookies


def test_a_token_that_is_given_twice_is_refused(link: str) -> None:
    assert Client().get(f"{link}&token=x").status_code == 400


@pytest.mark.parametrize("role", list(Role))
def test_a_member_is_told_that_they_are_one(link: str, manager: Membership, role: Role) -> None:
    member = MembershipFactory(account=manager.account, role=role)
    client = logged_in(member.user)
    page = client.get(link, follow=True).content.decode()
    assert f"You are {role.label.lower()} of Nordwind already." in page
    assert "Join as" not in page
    response = client.post(JOIN)
    assert response.status_code == 409
    assert f"You are a member of Nordwind already ({role.label})." in response.content.decode()
    member.refresh_from_db()
    assert member.role == role
    assert Invitation.objects.get().accepted_at is None


def test_opening_the_link_uses_nothing_up(link: str) -> None:
    for _ in range(3):
        assert Client().get(link).status_code == 303
        assert Client().head(link).status_code == 303
    assert Invitation.objects.get().accepted_at is None
