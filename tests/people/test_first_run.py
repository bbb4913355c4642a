"""The first person makes themselves, with the code that the installation has shown."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import AuditEvent, AuditKind
from people.first_run import NotFirstError, make_first_person, new_code
from people.models import FirstRunCode
from tests.factories import UserFactory
from tests.people.test_log_in import is_in

pytestmark = pytest.mark.django_db
GOOD = "Quite a good one, 7"


def form(code: str, **fields: str) -> dict[str, str]:
    said = {"username": "ann", "email": "ann@example.com", "password1": GOOD, "password2": GOOD}
    return said | {"code": code} | fields


def test_an_empty_dashboard_asks_for_its_first_person() -> None:
    client = Client()
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/first-run/"
    code = new_code()
    assert code is not None
    assert client.post("/first-run/", form(code.upper().replace("-", " "))).status_code == 302
    person = User.objects.get()
    assert (person.username, person.email) == ("ann", "ann@example.com")
    assert person.is_superuser
    assert is_in(client)
    assert AuditEvent.objects.filter(kind=AuditKind.FIRST_PERSON, user=person).count() == 1
    assert Client().get("/first-run/").status_code == 404
    assert Client().post("/first-run/", form(code)).status_code == 404
    assert Client().get("/login/").status_code == 200


@pytest.mark.parametrize("code", ["", "aaaa-aaaa-aaaa-aaaa-aaaa", "' OR 1=1 --"])
def test_without_the_code_nobody_becomes_the_first(code: str) -> None:
    new_code()
    page = Client().post("/first-run/", form(code))
    assert page.status_code == 200
    assert not User.objects.exists()


def test_guessing_waits() -> None:
    answers = [Client().post("/first-run/", form("wrong")).status_code for _try in range(11)]
    assert answers == [200] * 10 + [429]


def test_a_newer_code_makes_the_older_worthless() -> None:
    older, newer = new_code(), new_code()
    Client().post("/first-run/", form(older or ""))
    assert not User.objects.exists()
    Client().post("/first-run/", form(newer or ""))
    assert User.objects.exists()


def test_a_code_works_once_and_only_while_there_is_nobody() -> None:
    code = new_code() or ""
    make_first_person(code, username="ann", email="", password=GOOD)
    with pytest.raises(NotFirstError):
        make_first_person(code, username="bob", email="", password=GOOD)
    assert new_code() is None


def test_who_was_made_on_the_command_line_comes_first() -> None:
    code = new_code() or ""
    UserFactory()
    with pytest.raises(NotFirstError):
        make_first_person(code, username="bob", email="", password=GOOD)


def test_the_code_is_kept_as_a_hash_and_shown_by_the_command() -> None:
    output = StringIO()
    call_command("first_run_code", stdout=output)
    code = output.getvalue().strip()
    assert len(code) == 24
    assert code.replace("-", "") not in str(FirstRunCode.objects.values())
    assert Client().post("/first-run/", form(code)).status_code == 302
    with pytest.raises(CommandError, match="somebody already"):
        call_command("first_run_code")


def test_a_weak_password_is_refused_and_the_code_still_works() -> None:
    code = new_code() or ""
    page = Client().post("/first-run/", form(code, password1="short", password2="short"))
    assert "at least 12 characters" in page.content.decode()
    assert Client().post("/first-run/", form(code)).status_code == 302
