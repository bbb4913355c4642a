"""Applications: their keys are tried before they are stored, and never shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse

from audit.models import AuditEvent, AuditKind
from sandbox.testing import Running, SellerKeys
from sellers.models import Application, Role, utc_today
from tests.factories import ApplicationFactory, MembershipFactory, SellerAccountFactory
from tests.sellers.views.conftest import Desk, sit_down

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
HOME = "https://reviews.example.com/accounts/callback/"


def add(desk: Desk, seller: SellerKeys, **changes: Any) -> HttpResponse:
    fields = {
        "name": "Private one",
        "client_id": seller.client_id,
        "client_secret": seller.client_secret,
        "secret_made_on": str(utc_today() - timedelta(days=100)),
    }
    return desk.post("add_application", **fields | changes)


def change(desk: Desk, application: Application, **changes: Any) -> HttpResponse:
    fields = {
        "name": application.name,
        "secret_made_on": str(application.secret_made_on),
        "application_id": application.application_id,
        "redirect_uri": application.redirect_uri,
    }
    if application.is_public:
        fields["is_public"] = "on"
    return desk.post("application", application.pk, **fields | changes)


def test_an_application_is_added_by_who_may_connect(
    amazon: Running, nordlicht: SellerKeys, manager: Desk
) -> None:
    response = add(manager, nordlicht)
    assert (response.status_code, response.headers["Location"]) == (302, "/accounts/connect/")
    application = Application.objects.get(created_by=manager.user)
    assert application.client_secret == nordlicht.client_secret
    assert not application.is_public
    event = AuditEvent.objects.get(kind=AuditKind.APPLICATION_ADDED)
    assert (event.user, event.subject) == (manager.user, "Private one")
    listed = manager.get("applications").content.decode()
    assert "80 days left" in listed
    shown = manager.get("application", application.pk).content.decode()
    for page in (listed, shown):
        assert nordlicht.client_secret not in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"client_secret": "canary-wrong"}, "Amazon does not accept this client id with this"),
        ({"client_secret": ""}, "The client secret is missing."),
        ({"client_id": ""}, "The LWA client id is missing."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"secret_made_on": "2999-01-01"}, "That day has not come yet."),
        ({"secret_made_on": "soon"}, "Write it as 2026-03-10."),
        ({"application_id": "amzn1.application-oa2-client.1"}, "begins with amzn1.sp.solution."),
        (
            {"application_id": "", "is_public": "on"},
            "A public application needs its application id",
        ),
        ({"redirect_uri": "http://reviews.example.com/accounts/callback/"}, "https addresses only"),
        ({"redirect_uri": "https://reviews.example.com/"}, "It ends with /accounts/callback/"),
        ({"redirect_uri": f"{HOME}?x=1"}, "It ends with /accounts/callback/"),
        ({"redirect_uri": "https://[x"}, "That is not a web address."),
    ],
)
def test_each_mistake_is_a_sentence_at_its_field(
    amazon: Running, nordlicht: SellerKeys, manager: Desk, changes: dict[str, str], sentence: str
) -> None:
    before = Application.objects.count()
    response = add(manager, nordlicht, **changes)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page.split(f'id="id_{next(iter(changes))}_error">')[1].split("</p>")[0]
    assert "canary-wrong" not in page
    assert Application.objects.count() == before


def test_an_amazon_that_cannot_be_asked_is_said_above_the_form(
    amazon: Running, nordlicht: SellerKeys, manager: Desk
) -> None:
    amazon.set_faults([{"operation": "lwa", "do": {"kind": "status", "status": 500}}])
    response = add(manager, nordlicht)
    assert (response.status_code, b"Amazon could not be asked." in response.content) == (422, True)
    # a scope that it lacks is no fault of its key
    fault = {"kind": "lwa_error", "error": "unauthorized_client"}
    amazon.set_faults([{"operation": "lwa", "do": fault}])
    assert add(manager, nordlicht).status_code == 302


def test_a_client_id_that_is_taken_says_nothing_of_who_has_it(
    amazon: Running, nordlicht: SellerKeys, manager: Desk
) -> None:
    ApplicationFactory(name="Theirs", client_id=nordlicht.client_id)
    page = add(manager, nordlicht).content.decode()
    assert "This client id cannot be added." in page
    assert "Theirs" not in page


def test_a_new_secret_begins_its_180_days_and_an_empty_one_changes_nothing(
    amazon: Running, manager: Desk, application: Application, nordlicht: SellerKeys
) -> None:
    old = utc_today() - timedelta(days=179)
    application.secret_made_on = old
    application.client_secret = "amzn1.oa2-cs.v1.old"
    application.save()
    assert "has 1 day left" in manager.get("application", application.pk).content.decode()
    change(manager, application, name="Renamed")
    application.refresh_from_db()
    assert (application.name, application.secret_made_on) == ("Renamed", old)
    assert application.client_secret == "amzn1.oa2-cs.v1.old"
    assert change(manager, application, client_secret="wrong").status_code == 422
    change(manager, application, client_secret=nordlicht.client_secret)
    application.refresh_from_db()
    assert application.client_secret == nordlicht.client_secret
    assert application.secret_made_on == utc_today()
    events = AuditEvent.objects.filter(kind=AuditKind.APPLICATION_CHANGED).order_by("pk")
    assert [event.detail["changed"] for event in events] == [
        ["name"],
        ["secret_made_on", "client_secret"],
    ]
    shut_out = SellerAccountFactory(application=application, needs_reconnect=True)
    MembershipFactory(user=manager.user, account=shut_out, role=Role.MANAGER)
    change(manager, application, name="Renamed again")
    page = manager.get("applications").content.decode()
    assert f"Amazon had shut out {shut_out.name}: press Try again there." in page
    application.refresh_from_db()
    change(manager, application)
    assert events.all().count() == 3, "nothing was changed by the last one"


def test_an_application_is_a_managers_of_its_accounts_and_nobody_elses(superuser: Desk) -> None:
    account = SellerAccountFactory()
    managers = sit_down(MembershipFactory(account=account, role=Role.MANAGER).user)
    others = sit_down(MembershipFactory(role=Role.MANAGER).user)
    pk = account.application_id
    for desk, status in ((managers, 200), (others, 404), (superuser, 404)):
        assert desk.get("application", pk).status_code == status
        assert (account.name.encode() in desk.get("applications").content) == (status == 200)
    orphan = ApplicationFactory()
    for desk, status in ((managers, 404), (superuser, 200)):
        assert desk.get("application", orphan.pk).status_code == status


def test_who_has_left_an_account_does_not_change_its_application_any_more(
    manager: Desk, superuser: Desk, application: Application
) -> None:
    account = SellerAccountFactory(application=application)
    here = MembershipFactory(user=manager.user, account=account, role=Role.MANAGER)
    assert manager.get("application", application.pk).status_code == 200
    successor = MembershipFactory(account=account, role=Role.MANAGER)
    here.delete()
    assert manager.get("application", application.pk).status_code == 404
    assert change(manager, application, name="Mine for ever").status_code == 404
    assert "Our public one" not in manager.get("applications").content.decode()
    assert sit_down(successor.user).get("application", application.pk).status_code == 200
    assert superuser.get("application", application.pk).status_code == 404, "it is somebody's"
    successor.user.is_active = False
    successor.user.save()
    assert superuser.get("application", application.pk).status_code == 200, "it is nobody's"


def test_who_added_one_that_others_use_now_is_told_and_does_not_see_it(manager: Desk) -> None:
    gone = ApplicationFactory(name="Left behind", created_by=manager.user)
    page = manager.get("applications").content.decode()
    assert "Left behind" in page, "it is theirs until an account uses it"
    SellerAccountFactory(application=gone)
    page = manager.get("applications").content.decode()
    assert "Left behind" not in page
    assert "1 more that you added is used by accounts of which you are no manager" in page
    assert manager.get("application", gone.pk).status_code == 404
    other = MembershipFactory(role=Role.MANAGER).user
    assert "more that you added" not in sit_down(other).get("applications").content.decode()
