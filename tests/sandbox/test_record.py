import json

import pytest

from sandbox.amazon import Amazon
from sandbox.messages import Answer, Request
from sandbox.moments import DAY, to_text
from sandbox.options import Options
from sandbox.post import Destination, Subscription
from sandbox.record import answer_record, is_record
from tests.sandbox.conftest import NOW, Desk


def ask(
    amazon: Amazon,
    path: str,
    document: object = None,
    *,
    kind: str = "application/json",
    loopback: bool = True,
) -> Answer:
    """A page of the record; a POST when a document is sent."""
    body = b"" if document is None else json.dumps(document).encode()
    method = "GET" if document is None else "POST"
    headers = {"content-type": kind} if body else {}
    request = Request(method, path, {}, headers, body, loopback)
    assert is_record(request)
    return answer_record(amazon, request)


def test_the_eligible_orders_are_exactly_those_that_amazon_accepts(desk):
    eligible = json.loads(ask(desk.amazon, "/_eligible").body)
    assert set(eligible) == {seller.selling_partner_id for seller in desk.amazon.world.sellers}
    ids = eligible[desk.seller.selling_partner_id]
    accepted = set()
    for life in desk.lives():
        desk.ticks += 10
        if desk.solicit(life).status == 201:
            accepted.add(desk.order_id(life))
    assert set(ids) == accepted


def test_the_counts_tell_asked_twice_and_throttled(desk):
    life = desk.eligible_life()
    for _ in range(6):
        desk.solicit(life)
    stats = json.loads(ask(desk.amazon, "/_stats").body)
    seller = desk.seller.selling_partner_id
    assert (stats["accepted"], stats["accepted_not_eligible"], stats["throttled"]) == (1, 0, 1)
    assert stats["duplicates"] == {"total": 4, "by_seller": {seller: 4}}


def test_the_counts_tell_messages_from_requests_and_what_came_twice():
    desk = Desk(Options(orders=1_000, seed=7))
    life = desk.unshipped_life()
    for text in ("Which size?", "Which size?", "Which colour?"):
        desk.write(life, text)
    stats = json.loads(ask(desk.amazon, "/_stats").body)
    seller = desk.seller.selling_partner_id
    assert stats["messages"] == {
        "delivered": 3,
        "duplicates": {"total": 1, "by_seller": {seller: 1}},
    }
    assert (stats["accepted"], stats["duplicates"]["total"]) == (0, 0)
    [line] = stats["operations"]
    assert (line["operation"], line["requests"]) == ("createConfirmOrderDetails", 3)
    ledger = json.loads(ask(desk.amazon, "/_ledger").body)
    assert [entry["text"] for entry in ledger["messages"]] == ["Which size?", "Which colour?"]
    entry = ledger["messages"][0]
    assert (entry["text_length"], len(entry["text_sha256"])) == (11, 64)
    shown = f"createConfirmOrderDetails, “Which size?” (11, {entry['text_sha256'][:12]})"
    assert shown in ask(desk.amazon, "/").body.decode()
    messageable = json.loads(ask(desk.amazon, "/_messageable").body)
    assert messageable[seller][0] == desk.order_id(life)
    assert len(messageable) == 2


def test_the_ledger_holds_past_and_present(desk):
    life = desk.eligible_life()
    desk.solicit(life)
    ledger = json.loads(ask(desk.amazon, "/_ledger").body)
    assert [entry["order_id"] for entry in ledger["accepted"] if not entry["history"]] == [
        desk.order_id(life)
    ]
    assert sum(entry["history"] for entry in ledger["accepted"]) > 100
    [post] = ledger["posts"]
    assert (post["status"], post["accepted"], post["at"]) == (201, True, "2026-09-21T14:13:20.000Z")


def test_the_history_has_what_an_importer_needs(desk):
    history = json.loads(ask(desk.amazon, "/_history").body)
    assert {tuple(sorted(entry)) for entry in history} == {
        ("at", "marketplace_id", "order_id", "outcome", "request_id", "seller")
    }
    assert all(entry["at"] < "2026-09-21T14:13:20" for entry in history)


def test_the_keys_of_the_sellers_open_the_door(desk):
    first = json.loads(ask(desk.amazon, "/_sellers").body)[0]
    assert first["refresh_token"] == desk.seller.refresh_token
    assert first["client_secret"] == desk.amazon.world.client_secret
    assert first["marketplace_ids"] == [market.id for market in desk.seller.marketplaces]


@pytest.mark.parametrize(
    ("path", "document"), [("/_sellers", None), ("/_faults", []), ("/_time", {"offset_s": 1})]
)
def test_keys_and_changes_are_only_for_this_machine(desk, path, document):
    answer = ask(desk.amazon, path, document, loopback=False)
    assert answer.status == 403
    assert b"Atzr" not in answer.body
    assert ask(desk.amazon, "/_stats", loopback=False).status == 200


def test_a_form_of_a_web_page_cannot_change_anything(desk):
    rules = [{"operation": "*", "do": {"kind": "close"}}]
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        assert ask(desk.amazon, "/_faults", rules, kind=kind).status == 415
    assert desk.amazon.faults.rules == ()


def test_rules_are_set_shown_and_refused_with_the_reason(desk):
    rules = [{"operation": "*", "do": {"kind": "close"}}]
    assert ask(desk.amazon, "/_faults", rules).status == 200
    shown = json.loads(ask(desk.amazon, "/_faults").body)
    assert shown == {"rules": [{**rules[0], "matched": 0, "fired": 0}]}
    wrong = ask(desk.amazon, "/_faults", [{"operation": "*", "do": {"kind": "closed"}}])
    assert wrong.status == 400
    assert "must be one of status" in json.loads(wrong.body)["error"]
    assert json.loads(ask(desk.amazon, "/_faults").body) == shown


def test_amazons_clock_can_be_moved(desk):
    answer = ask(desk.amazon, "/_time", {"offset_s": 86_400})
    assert json.loads(answer.body)["now"] == "2026-09-22T14:13:20.000Z"
    assert desk.amazon.now() == NOW + 86_400
    for wrong in ({}, {"offset_s": "1"}, {"offset_s": True}, [], {"offset_s": 1e300}):
        assert ask(desk.amazon, "/_time", wrong).status == 400
    assert desk.amazon.now() == NOW + 86_400


def test_other_pages_do_not_exist(desk):
    assert ask(desk.amazon, "/_secrets").status == 404
    assert ask(desk.amazon, "/_stats", {}).status == 404


def test_the_page_shows_the_record_as_text_without_any_script(desk):
    life = desk.eligible_life()
    desk.solicit(life)
    target = desk.solicit_target(life)
    hostile = "%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    desk.ask("POST", target.replace(desk.order_id(life), hostile))
    answer = ask(desk.amazon, "/")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    page = answer.body.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "Nordlicht Home" in page
    assert desk.order_id(life) in page


def test_notifications_are_taken_out_from_this_machine_and_as_json_alone(desk):
    assert ask(desk.amazon, "/_outbox", {}, loopback=False).status == 403
    assert ask(desk.amazon, "/_outbox", {}, kind="text/plain").status == 415
    for document in ([], {"limit": -1}, {"limit": True}, {"limit": "all"}, {"since": "once"}):
        assert ask(desk.amazon, "/_outbox", document).status == 400
    assert json.loads(ask(desk.amazon, "/_outbox", {}).body) == {"messages": [], "left": 0}


def test_notifications_are_taken_out_a_few_at_a_time(desk):
    post = desk.amazon.state.post
    post.destinations["d"] = Destination("d", "Orders", "arn")
    post.subscriptions["s"] = Subscription("s", 0, "ORDER_CHANGE", "1.0", "d", NOW)
    post.seen_until["s"] = NOW
    since = to_text(NOW - 10 * DAY)
    first = json.loads(ask(desk.amazon, "/_outbox", {"limit": 3, "since": since}).body)
    rest = json.loads(ask(desk.amazon, "/_outbox", {}).body)
    assert (len(first["messages"]), len(rest["messages"])) == (3, first["left"])
    assert first["left"] > 10
    assert {(one["destination_id"], one["arn"]) for one in rest["messages"]} == {("d", "arn")}
    times = [
        json.loads(one["body"])["NotificationMetadata"]["PublishTime"]
        for one in (*first["messages"], *rest["messages"])
    ]
    assert times == sorted(times)
    assert times[0] > since
