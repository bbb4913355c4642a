"""The map of the site for the walk: every address that Django resolves, and where to go for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.e2e.stack import Stack

# One order for each state of its solicitation, one for each refusal, and what else pages are about.
_FIND_SAMPLES = """
from django.utils import timezone
from messaging.models import Batch, OutgoingAction
from orders.models import Order
from sellers.models import Application
from tests.e2e.hostile import make
def page(order):
    return f"/orders/{order.account_id}/{order.amazon_order_id}/"
now = timezone.now()
orders = {}
for order in Order.objects.with_refusal(now).order_by("pk"):
    orders.setdefault(order.solicitation or order.refusal or "eligible", page(order))
result = {
    "orders": orders,
    "batches": [f"/batches/{pk}/" for pk in Batch.objects.values_list("pk", flat=True)[:2]],
    "decide": [
        f"/outbox/{pk}/decide/"
        for status in ("unconfirmed", "unresolved", "sent")
        for pk in OutgoingAction.objects.filter(status=status).values_list("pk", flat=True)[:1]
    ],
    "applications": [
        f"/accounts/applications/{pk}/" for pk in Application.objects.values_list("pk", flat=True)[:1]
    ],
    "hostile": make({"operator": "operator", "auditor": "operator", "manager": "manager"}),
}
"""

# One order that may be written to for each of these messages, which take a text, files and a promise.
MESSAGES = ("unexpectedProblem", "digitalAccessKey", "warranty", "negativeFeedbackRemoval")
_FIND_MESSAGES = """
from datetime import timedelta
from django.utils import timezone
from messaging.order_rules import open_to_messages
numbers, since = {numbers!r}, timezone.now() - timedelta(days=25)
open_now = open_to_messages().filter(latest_delivery_at__gt=since)
result = []
for kind, held in numbers.items():
    order = open_now.filter(amazon_order_id__in=held).first()
    result.append(f"/orders/{{order.account_id}}/{{order.amazon_order_id}}/messages/{{kind}}/")
"""


@dataclass(frozen=True)
class Samples:
    """Addresses of things that exist."""

    orders: dict[str, str]
    batches: list[str]
    decide: list[str]
    applications: list[str]
    messages: list[str]
    hostile: dict[str, Any]


def find_samples(stack: Stack) -> Samples:
    """What the walk visits; makes the hostile rows."""
    return Samples(**stack.database(_FIND_SAMPLES), messages=find_messages(stack))


def find_messages(stack: Stack) -> list[str]:
    """The form of each of MESSAGES, for an order that Amazon offers it for."""
    offers = list(stack.amazon.message_offers().values())
    numbers = {kind: [one for held in offers for one in held.get(kind, ())] for kind in MESSAGES}
    found: list[str] = stack.database(_FIND_MESSAGES.format(numbers=numbers))
    return found


# Pages, by the name of their route: the addresses to visit. The first is looked at most closely.
PAGES: dict[str, Callable[[Samples], list[str]]] = {
    "overview": lambda _: ["/"],
    "orders:list": lambda samples: [
        "/orders/?state=eligible",
        "/orders/",
        "/orders/?state=needs_a_look",
        f"/orders/?account={samples.hostile['account']}",
        "/orders/?q=000-0000000-0000000",
    ],
    "orders:detail": lambda samples: [
        *samples.orders.values(),
        samples.hostile["orders"][-1],
        samples.hostile["written"],
    ],
    "orders:reports": lambda samples: [f"/orders/{samples.hostile['account']}/reports/"],
    "orders:import": lambda _: ["/orders/import/"],
    "exclusions:list": lambda _: ["/exclusions/", "/exclusions/add/"],
    "messaging:messages": lambda samples: [
        f"{samples.messages[0].rpartition('messages/')[0]}messages/",
        samples.hostile["messages"],
    ],
    "messaging:compose": lambda samples: [*samples.messages, *samples.hostile["compose"]],
    "messaging:outbox": lambda samples: [
        "/outbox/",
        f"/outbox/?account={samples.hostile['account']}",
    ],
    "messaging:batch": lambda samples: [*samples.batches, samples.hostile["batch"]],
    "messaging:decide": lambda samples: [*samples.hostile["decide"], *samples.decide],
    "messaging:templates": lambda samples: [
        f"/accounts/{samples.hostile['account']}/templates/",
        f"/accounts/{samples.hostile['account']}/templates/add/",
        *samples.hostile["templates"],
    ],
    "messaging:switches": lambda _: ["/stop/"],
    "sellers:list": lambda _: ["/accounts/"],
    "sellers:account": lambda samples: [f"/accounts/{samples.hostile['account']}/"],
    "sellers:connect": lambda samples: [
        "/accounts/connect/",
        f"/accounts/{samples.hostile['account']}/renew/",
    ],
    "sellers:application": lambda samples: [
        *samples.applications,
        "/accounts/applications/",
        "/accounts/applications/add/",
    ],
    "sellers:people": lambda samples: [
        f"/accounts/{samples.hostile['account']}/people/",
        f"/accounts/{samples.hostile['account']}/people/invite/",
    ],
    "sellers:doctor": lambda samples: [f"/accounts/{samples.hostile['account']}/doctor/"],
    "sellers:notifications": lambda samples: [
        f"/accounts/{samples.hostile['account']}/notifications/"
    ],
    "replenishment:offers": lambda _: ["/replenishment/", "/replenishment/?eligibility=SUSPENDED"],
    "mfa_index": lambda _: [
        *("/me/", "/me/sessions/", "/me/password/", "/me/app/", "/me/passkeys/add/"),
        "/me/confirm/?next=/accounts/",
    ],
}
# Who visits; the operator where nobody is named.
VISITORS = {
    "messaging:decide": "manager",
    "messaging:switches": "manager",
    "sellers:list": "manager",
    "sellers:account": "manager",
    "sellers:connect": "manager",
    "sellers:application": "manager",
    "orders:reports": "manager",
    "sellers:people": "manager",
    "sellers:doctor": "manager",
    "sellers:notifications": "manager",
}
# Routes that are no pages of their own, and why.
NO_PAGES = {
    "orders:counts": "a fragment of the list",
    "orders:row": "a fragment of the list",
    "orders:state": "a fragment of an order",
    "orders:request_reviews": "a form; its page is visited by way of the list",
    "orders:request_review": "a form",
    "orders:cancel_request": "a form",
    "orders:read_reports": "a form",
    "exclusions:add": "visited with the list",
    "exclusions:undo": "a form",
    "messaging:action": "leads to the order",
    "messaging:batch_status": "a fragment of every page",
    "messaging:progress": "a fragment of a batch",
    "messaging:palette": "leads to an order or a page",
    "messaging:cancel": "a form",
    "messaging:retry": "a form",
    "messaging:stop": "a form",
    **dict.fromkeys(
        ("messaging:bulk", "messaging:bulk_write", "messaging:bulk_check"),
        "a form; its page is visited in test_bulk_messages",
    ),
    "messaging:export": "a file",
    "messaging:upload": "a form of the pages that take files",
    "messaging:file": "a file",
    "messaging:lift": "a form",
    "messaging:add_template": "visited with the templates",
    "messaging:change_template": "visited with the templates",
    "messaging:check_template": "a fragment of a template",
    "messaging:delete_template": "a form",
    "sellers:pause": "a form",
    "sellers:one_message": "a form",
    "sellers:renew": "visited with connecting",
    "sellers:applications": "visited with one of them",
    "sellers:add_application": "visited with one of them",
    "sellers:disconnect": "a form",
    "sellers:consent": "a form; its page is visited in test_connect",
    "sellers:consent_again": "a form; its page is visited in test_connect",
    "sellers:from_appstore": "the page of connecting, for those whom Amazon sends",
    "sellers:callback": "leads to an account; its refusal is visited in test_connect",
    "sellers:resume": "a form",
    "sellers:invite": "visited with people",
    "sellers:uninvite": "a form",
    "sellers:change_role": "a form",
    "sellers:remove_member": "a form",
    "sellers:review_people": "a form",
    "sellers:join": "visited in test_joining",
    "sellers:try_again": "a form",
    "sellers:doctor_line": "a fragment of the doctor",
    "sellers:start_notifications": "a form",
    "sellers:end_notifications": "a form",
    "sellers:replay_notification": "a form",
    "replenishment:export": "a file",
    "login": "visited without a log-in",
    "account_login": "the same",
    "people:first_run": "only while there is nobody",
    "people:end_others": "a form",
    "people:end_session": "a form",
    **dict.fromkeys(
        (
            "people:sessions",
            "account_change_password",
            "account_reauthenticate",
            "mfa_activate_totp",
            "mfa_add_webauthn",
        ),
        "visited with mfa_index",
    ),
    **dict.fromkeys(
        (
            "mfa_authenticate",
            "mfa_login_webauthn",
            "mfa_list_webauthn",
            "mfa_reauthenticate",
            "mfa_reauthenticate_webauthn",
            "mfa_deactivate_totp",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
        ),
        "visited by who has a second factor: test_second_factors",
    ),
    "logout": "a form",
    "healthz": "for machines",
    "readyz": "for machines",
    "metrics": "for machines",
}


def route_names() -> Iterator[str]:
    """The name of every route but the admin's, with its namespace; "" for one without a name."""
    yield from _names(get_resolver().url_patterns, "")


def _names(patterns: list[URLPattern | URLResolver], namespace: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}" if pattern.name else ""
        elif pattern.namespace != "admin":
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _names(pattern.url_patterns, inner)
