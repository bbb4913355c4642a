"""Rows in which every text is an attack, as somebody could send them through Amazon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User

from audit.models import AuditEvent, AuditKind
from messaging.decisions import DECIDABLE
from messaging.offers import Field, Offer
from messaging.states import Status
from sellers.models import Connection, Role
from tests import factories
from tests.messaging.offering import offer

MARK = "data-attack"
# Each leaves an element with MARK in the page, or calls attack(), should it get through.
ATTACKS = (
    f"<img src=x onerror=attack() {MARK}>",
    f'"><script {MARK}>attack()</script>',
    f"'><svg onload=attack() {MARK}>",
    f"</title></textarea><b {MARK}>",
    f'" autofocus onfocus=attack() {MARK} x="',
    "{{7*7}}{% now %}<!-- ",
    "javascript:attack()//",
    f"\u202e<a href=javascript:attack() {MARK}>&lt;",
    f"<script {MARK}>attack()</script>",
    f"<ScRiPt {MARK}>attack()</sCrIpT>",
    f"<script src=data:,attack() {MARK}></script>",
    f"<scr<script>ipt {MARK}>attack()</script>",
    f"</script><script {MARK}>attack()</script>",
    f"<svg {MARK}><script>attack()</script></svg>",
    f"<svg><animate onbegin=attack() attributeName=x {MARK}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror=attack() {MARK}>",
    f"<iframe src=javascript:attack() {MARK}></iframe>",
    f'<iframe srcdoc="<script>attack()</script>" {MARK}>',
    f"<object data=javascript:attack() {MARK}>",
    f"<embed src=javascript:attack() {MARK}>",
    f"<body onload=attack() {MARK}>",
    f"<details open ontoggle=attack() {MARK}>",
    f"<video><source onerror=attack() {MARK}></video>",
    f"<audio src onerror=attack() {MARK}>",
    f"<input autofocus onfocus=attack() {MARK}>",
    f"<select autofocus onfocus=attack() {MARK}>",
    f"<marquee onstart=attack() {MARK}>",
    f"<form action=javascript:attack()><button {MARK}>x</button></form>",
    f'<a href="java\tscript:attack()" {MARK}>x</a>',
    f"<a href=data:text/html,<script>attack()</script> {MARK}>x</a>",
    f"<base href=//evil.example/ {MARK}>",
    f"<meta http-equiv=refresh content=0;url=javascript:attack() {MARK}>",
    f"<link rel=stylesheet href=data:,*{{x:expression(attack())}} {MARK}>",
    f"<style {MARK}>@import 'javascript:attack()';</style>",
    f"<template {MARK}><img src=x onerror=attack()></template>",
    f"<div hx-get=/ hx-trigger=load hx-on:load=attack() {MARK}>",
    f'" hx-on::load="attack()" {MARK} x="',
    f"' onmouseover=attack() {MARK} '",
    f"--><img src=x onerror=attack() {MARK}><!--",
    f"]]><img src=x onerror=attack() {MARK}>",
    f"&lt;img src=x onerror=attack() {MARK}&gt;",
    f"\\u003cimg src=x onerror=attack() {MARK}\\u003e",
    f"%3Cimg%20src=x%20onerror=attack()%20{MARK}%3E",
    f"\uff1cscript {MARK}\uff1eattack()\uff1c/script\uff1e",
)
SOME = 5  # pages of one kind: the lists show every attack
SHORT = f"<b {MARK}>"  # for columns that are narrow
LONG = f"<i {MARK}>" + "W" * 480  # a word that no line can hold


def fit(attack: str, length: int) -> str:
    """The attack, or a shorter one where the column is too narrow for it."""
    return attack if len(attack) <= length else SHORT[:length]


def make(people: dict[str, str]) -> dict[str, Any]:
    """An account whose rows are hostile is there, and these people have these roles on it; returns
    the addresses of pages that show the rows. To be run in the environment of the dashboard."""
    members = list(User.objects.filter(username__in=people))
    account = factories.SellerAccountFactory(
        name=ATTACKS[0],
        # Not connected: nobody is to call Amazon for it, and its own words are shown.
        connection=Connection.RECONNECT,
        trouble=ATTACKS[1],
        application=factories.ApplicationFactory(name=ATTACKS[2]),
    )
    factories.AccountMarketplaceFactory(account=account, name=ATTACKS[3], domain=ATTACKS[4])
    for person in members:
        factories.MembershipFactory(
            user=person, account=account, role=Role(people[person.username])
        )
    asker = factories.UserFactory(username=ATTACKS[5], first_name=ATTACKS[0], last_name=ATTACKS[1])
    factories.DoorFactory(
        account=account,
        last_worked_at=None,
        error=ATTACKS[6],
        error_at=account.created_at,
    )
    factories.OrderReportFactory(
        account=account,
        status="failed",
        due_at=None,
        error=ATTACKS[1] + LONG[:400],
        approved_by=asker,
    )
    batch = factories.BatchFactory(
        created_by=asker,
        description=ATTACKS[0],
        selected=len(ATTACKS) + 4,
        queued=len(ATTACKS) + 1,
        skipped={ATTACKS[1]: {ATTACKS[2]: 3}},
    )
    states = [Status.REFUSED, Status.UNCONFIRMED, Status.SENT, Status.UNRESOLVED]
    for lifted_at in (None, account.created_at):
        factories.KillSwitchFactory(
            account=account,
            kind=ATTACKS[0],
            reason=ATTACKS[3],
            set_by=asker,
            lifted_at=lifted_at,
            lifted_by=asker if lifted_at else None,
        )
    message = factories.OutgoingActionFactory(
        order=factories.OrderFactory(account=account, window_closed=True),
        kind="confirmOrderDetails",
        api="messaging",
        requested_by=asker,
        status=Status.UNCONFIRMED,
        reason=ATTACKS[0],
        payload={"text": f"{ATTACKS[9]} {LONG}", "files": [{"name": LONG[:200], "size": 1}]},
    )
    # returned: nobody asks for a review where the tests ask for all
    written = factories.OrderFactory(account=account, is_returned=True)
    offer(
        written,
        Offer(ATTACKS[0][:40], title=ATTACKS[1], description=f"{LONG} {ATTACKS[2]}"),
        Offer("warranty", title=LONG, disabled=True, reason=f"{ATTACKS[4]} {LONG}"),
        Offer("confirmOrderDetails", title=ATTACKS[9], text=Field(title=f"{LONG} {ATTACKS[10]}")),
        Offer("legalDisclosure", title=ATTACKS[11], files=Field(title=f"{ATTACKS[12]} {LONG}")),
    )
    writing = f"/orders/{account.pk}/{written.amazon_order_id}/messages/"
    templates = [
        factories.MessageTemplateFactory(
            account=account,
            name=attack,
            language=SHORT[:12],
            text=f"{LONG} {{items}} {attack}",
            changed_by=asker,
        )
        for attack in [*[one for one in ATTACKS if len(one) <= 80][:SOME], LONG[:80]]
    ]
    decide_pages = [f"/outbox/{message.pk}/decide/"]
    order_pages = []
    for number, attack in enumerate((*ATTACKS, LONG)):
        order = factories.OrderFactory(
            account=account,
            window_closed=True,
            fulfillment_status=fit(attack, 32),
            fulfilled_by=fit(attack, 16),
            service_level=fit(attack, 32),
            programs=[attack],
            original_order_id=fit(attack, 32),
            total_currency=SHORT[:3],
        )
        factories.OrderItemFactory(
            order=order,
            title=attack,
            sku=fit(attack, 64),
            asin=fit(attack, 16),
            order_item_id=fit(attack, 32),
        )
        action = factories.OutgoingActionFactory(
            order=order,
            batch=batch,
            requested_by=asker,
            status=states[number % len(states)],
            reason=fit(attack, 300),
            status_at=batch.created_at + timedelta(seconds=number),
            attempt={
                "worker": fit(attack, 100),
                "code": fit(attack, 100),
                "message": attack[:500],
                "request_id": fit(attack, 100),
                "body": attack,
            },
        )
        if action.status in DECIDABLE and len(decide_pages) < SOME:
            decide_pages.append(f"/outbox/{action.pk}/decide/")
        AuditEvent.objects.create(
            kind=AuditKind.REQUESTED,
            user=asker,
            account_id=account.pk,
            subject=fit(attack, 200),
            detail={attack: attack},
        )
        order_pages.append(f"/orders/{account.pk}/{order.amazon_order_id}/")
    return {
        "account": account.pk,
        "orders": order_pages,
        "written": f"/orders/{account.pk}/{message.order.amazon_order_id}/",
        "messages": writing,
        "compose": [f"{writing}confirmOrderDetails/", f"{writing}legalDisclosure/"],
        "batch": f"/batches/{batch.pk}/",
        "decide": decide_pages,
        "templates": [f"/accounts/{account.pk}/templates/{one.pk}/" for one in templates],
    }
