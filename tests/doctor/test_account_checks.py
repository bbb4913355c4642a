"""Each line about an account is green, or says what is wrong and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from redis import RedisError

from messaging.clock import read_database_clock
from messaging.models import OutgoingAction
from orders.models import Order
from orders.states import Tone
from sandbox.testing import Running
from sellers.models import Connection, SellerAccount
from sellers.services import connect_account
from solicit_dashboard.doctor import account_checks
from solicit_dashboard.doctor.checks import ACCOUNT_CHECKS, CHECKS, NOT_ASKED, AccountCheck
from solicit_dashboard.doctor.findings import CONNECT_AGAIN, Finding
from solicit_dashboard.doctor.listening import Heard
from solicit_dashboard.doctor.visit import Visit
from tests.factories import OrderFactory, OutgoingActionFactory, SellerAccountFactory
from tests.sellers.conftest import keys_of

DENIED = "Access to requested resource is denied."


def look(key: str, visit: Visit) -> Finding:
    check = CHECKS[key]
    assert isinstance(check, AccountCheck)
    return check.run(visit)


def refuse(amazon: Running, operation: str, **deed: Any) -> None:
    amazon.set_faults([{"operation": operation, "do": deed}])


def test_every_line_of_a_sound_account_is_green(visit: Visit, amazon: Running) -> None:
    with override_settings(SPAPI_RATE_FACTOR=1):
        found = {check.key: check.run(visit) for check in ACCOUNT_CHECKS}
    assert {key: finding.tone for key, finding in found.items()} == dict.fromkeys(found, Tone.GOOD)
    assert all(finding.says and not finding.remedy for finding in found.values())
    assert found["marketplaces"].says.startswith("The seller sells in ")
    assert found["rates"].says == "Amazon allows 1 a second, as published."
    # the rate and the clock were overheard: no call was made for them
    assert amazon.stats()["throttled"] == 0
    assert len([one for one in visit.listener.heard if "solicitations" in one.path]) == 1


def test_the_doctor_sends_nothing_to_a_buyer(visit: Visit, amazon: Running) -> None:
    for check in ACCOUNT_CHECKS:
        check.run(visit)
    assert amazon.stats()["accepted"] == 0
    assert not OutgoingAction.objects.exists()


@pytest.mark.parametrize(
    ("key", "operation", "role", "tone"),
    [
        ("solicitations", "getSolicitationActionsForOrder", "Buyer Solicitation", Tone.BAD),
        ("messages", "getMessagingActionsForOrder", "Buyer Communication", Tone.WARN),
        ("orders", "searchOrders", "Inventory and Order Tracking", Tone.BAD),
        ("reports", "getReports", "Inventory and Order Tracking", Tone.WARN),
        ("marketplaces", "getMarketplaceParticipations", "Selling Partner Insights", Tone.BAD),
    ],
)
def test_a_missing_role_is_named(
    visit: Visit, amazon: Running, key: str, operation: str, role: str, tone: Tone
) -> None:
    refuse(amazon, operation, kind="forbidden", text=DENIED)
    finding = look(key, visit)
    assert finding.tone == tone
    assert f"lacks the role {role}" in finding.says
    assert f"Give the application the role {role}" in finding.remedy
    # looking changes nothing: whether the account is held is for the calls that send
    visit.account.refresh_from_db()
    assert visit.account.connection == Connection.CONNECTED


def test_a_token_that_amazon_revoked_asks_for_another(visit: Visit, amazon: Running) -> None:
    refuse(amazon, "lwa", kind="lwa_error", error="invalid_grant")
    finding = look("token", visit)
    assert finding.tone == Tone.BAD
    assert "no longer accepts the refresh token" in finding.says
    assert finding.remedy == CONNECT_AGAIN


def test_a_client_secret_that_ran_out_asks_for_another(visit: Visit, amazon: Running) -> None:
    refuse(amazon, "lwa", kind="lwa_error", error="invalid_client")
    finding = look("token", visit)
    assert finding.tone == Tone.BAD
    assert "client secret" in finding.says
    assert "180 days" in finding.remedy


def test_an_access_token_that_is_refused_is_the_token_s_fault_and_no_role_s(
    visit: Visit, amazon: Running
) -> None:
    details = "The access token you provided is revoked, malformed or invalid."
    refuse(amazon, "searchOrders", kind="forbidden", text=DENIED, details=details)
    finding = look("orders", visit)
    assert (finding.tone, finding.remedy) == (Tone.BAD, CONNECT_AGAIN)


def test_an_amazon_that_cannot_be_reached_is_the_network_s_fault(visit: Visit) -> None:
    with override_settings(SPAPI_ENDPOINT="http://127.0.0.1:9"):
        orders = look("orders", Visit(visit.account, visit.at))
    with override_settings(LWA_ENDPOINT="http://127.0.0.1:9"):
        token = look("token", Visit(visit.account, visit.at))
    assert orders.says == "Amazon cannot be reached from this machine (refused)."
    assert token.says.startswith("Login with Amazon does not answer this machine: ")
    for finding in (orders, token):
        assert finding.tone == Tone.BAD
        assert "port 443" in finding.remedy


def test_an_amazon_in_trouble_is_asked_again_later(visit: Visit, amazon: Running) -> None:
    refuse(amazon, "searchOrders", kind="status", status=503)
    finding = look("orders", visit)
    assert finding.tone == Tone.WARN
    assert "Try again in some minutes" in finding.remedy


def test_a_rate_that_is_used_up_is_no_fault(visit: Visit, amazon: Running) -> None:
    refuse(amazon, "getReports", kind="status", status=429)
    finding = look("reports", visit)
    assert finding.tone == Tone.WARN
    assert finding.says.startswith("Amazon was not asked: its rate for this call is used up")


def test_without_redis_amazon_is_not_asked_and_redis_is_named(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit.client.access_token()

    def away() -> object:
        raise RedisError("redis://:password@host")

    monkeypatch.setattr("solicit_dashboard.ratelimit.get_redis", away)
    finding = look("orders", visit)
    assert finding.tone == Tone.BAD
    assert finding.remedy == "See the line of Redis first."


def test_a_disconnected_account_says_so_once(visit: Visit) -> None:
    SellerAccount.objects.update(refresh_token_encrypted=b"", connection=Connection.DISCONNECTED)
    visit.account.refresh_from_db()
    lines = {check.key: look(check.key, visit) for check in ACCOUNT_CHECKS}
    assert lines["token"].says == "The account is disconnected: it has no token."
    assert (lines["token"].tone, lines["token"].remedy) == (Tone.BAD, CONNECT_AGAIN)
    others = [line.says for key, line in lines.items() if key != "token"]
    assert not [says for says in others if "disconnected" in says]
    assert others.count(NOT_ASKED) == 7
    assert [key for key, line in lines.items() if line.remedy == CONNECT_AGAIN] == ["token"]


def test_what_is_postponed_does_not_count_as_waiting(visit: Visit) -> None:
    order = Order.objects.filter(account=visit.account).first()
    action = OutgoingActionFactory(order=order)
    OutgoingAction.objects.filter(pk=action.pk).update(
        look_at=read_database_clock() + timedelta(hours=3)
    )
    finding = look("queue", visit)
    assert (finding.tone, finding.says) == (
        Tone.GOOD,
        "Nothing waits now. 1 action is looked at again later.",
    )


def test_a_lost_key_is_named(visit: Visit) -> None:
    with override_settings(TOKEN_KEYS=("A" * 43 + "=",)):
        finding = look("token", visit)
    assert finding.tone == Tone.BAD
    assert "TOKEN_KEYS" in finding.says
    assert "Add the former key" in finding.remedy


def test_without_an_order_the_roles_wait_for_one(db: None, amazon: Running) -> None:
    visit = Visit(connect_account(**keys_of(amazon.sellers[0])), read_database_clock())
    for key in ("solicitations", "messages", "rates"):
        finding = look(key, visit)
        assert finding.tone == Tone.WARN
        assert "sync_orders" in finding.remedy


def test_the_order_asked_about_is_one_that_shipped_on_amazon(db: None) -> None:
    account = SellerAccountFactory()
    visit = Visit(account, read_database_clock())
    shipped = OrderFactory(account=account)
    now = read_database_clock()
    OrderFactory(account=account, not_shipped=True, purchased_at=now)
    OrderFactory(account=account, is_sold_on_amazon=False, purchased_at=now)
    OrderFactory(purchased_at=now)
    assert visit.known_order == shipped


def test_a_marketplace_that_amazon_no_longer_names_is_named(visit: Visit, amazon: Running) -> None:
    kept = visit.account.marketplaces.first()
    assert kept is not None
    kept.marketplace_id, kept.name = "A0000000000000", "Amazon.example"
    kept.save()
    finding = look("marketplaces", visit)
    assert finding.tone == Tone.BAD
    assert "Amazon.example" in finding.says
    visit.account.marketplaces.all().delete()
    assert look("marketplaces", visit).says == "No marketplace is kept for the account."


def hear(visit: Visit, **seconds: float) -> None:
    visit.listener.heard = [Heard("/", timedelta(**seconds), "")]


@pytest.mark.parametrize(
    ("seconds", "tone", "words"),
    [
        (4, Tone.GOOD, "agree with Amazon's"),
        (-4, Tone.GOOD, "agree with Amazon's"),
        (30, Tone.WARN, "30 s behind Amazon's"),
        (-30, Tone.WARN, "30 s ahead of Amazon's"),
        (7200, Tone.BAD, "120 min behind Amazon's"),
    ],
)
def test_a_clock_that_is_wrong_is_named_with_its_error(
    visit: Visit, seconds: int, tone: Tone, words: str
) -> None:
    hear(visit, seconds=seconds)
    finding = look("clock", visit)
    assert finding.tone == tone
    assert words in finding.says
    assert ("NTP" in finding.remedy) == (tone != Tone.GOOD)


def test_the_database_s_clock_is_compared_too(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(visit, seconds=0)
    now = read_database_clock
    monkeypatch.setattr(
        account_checks, "read_database_clock", lambda: now() + timedelta(seconds=40)
    )
    assert "The database's clock is 40 s ahead of Amazon's" in look("clock", visit).says


def test_a_refusal_tells_the_time_too(visit: Visit, amazon: Running) -> None:
    refuse(amazon, "lwa", kind="lwa_error", error="invalid_grant")
    assert look("clock", visit).tone == Tone.GOOD


@pytest.mark.parametrize(
    ("header", "tone", "words"),
    [
        ("0.5", Tone.WARN, "0.5 a second instead of 1"),
        ("2.0", Tone.GOOD, "2 a second"),
        ("", Tone.WARN, "named no rate"),
        ("many", Tone.WARN, "named no rate"),
    ],
)
def test_a_rate_other_than_the_published_one_is_told(
    visit: Visit, header: str, tone: Tone, words: str
) -> None:
    visit.listener.heard = [Heard("/solicitations/v1/orders/1", None, header)]
    with override_settings(SPAPI_RATE_FACTOR=1):
        if not header or header == "many":
            # asked once more, and still nothing that can be read
            visit.listener.send = lambda request: visit.listener._transport.send(request)  # type: ignore[method-assign]
        finding = look("rates", visit)
    assert finding.tone == tone
    assert words in finding.says


def test_what_is_due_and_not_taken_raises_the_alarm_of_the_deaf_worker(visit: Visit) -> None:
    order = Order.objects.filter(account=visit.account).first()
    since = read_database_clock() - timedelta(seconds=95)
    OutgoingActionFactory(order=order, created_at=since)
    OutgoingActionFactory(created_at=since)  # another account's
    finding = look("queue", visit)
    assert finding.tone == Tone.BAD
    assert finding.says.startswith(
        "1 action is due for a minute or longer, and nobody takes what is due, the first for 9"
    )
    assert "nothing sent twice" in finding.remedy


def test_what_has_just_become_due_is_no_alarm(visit: Visit) -> None:
    order = Order.objects.filter(account=visit.account).first()
    OutgoingActionFactory(order=order, created_at=read_database_clock() - timedelta(seconds=30))
    finding = look("queue", visit)
    assert (finding.tone, finding.says) == (
        Tone.GOOD,
        "1 action is waiting, and each is taken in its turn.",
    )


def test_amazon_s_own_date_is_what_the_clock_is_compared_with(
    visit: Visit, amazon: Running
) -> None:
    amazon.set_clock_offset(90)
    finding = look("clock", visit)
    assert finding.tone == Tone.WARN
    assert finding.says in {f"This machine's clock is {n} s behind Amazon's." for n in (89, 90, 91)}
