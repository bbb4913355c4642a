"""What templates say in the house's own words: moments, navigation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from solicit_dashboard.moments import (
    clock_words,
    day_words,
    exact_words,
    relative_words,
    short_day_words,
)
from spapi.marketplaces import MARKETPLACES

register = template.Library()

# Pages answer errors with a sentence of their own: 4xx are swapped in, 5xx never.
HTMX_CONFIG = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    "allowScriptTags": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "scrollIntoViewOnBoost": False,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "4..", "swap": True, "error": True},
        {"code": "...", "swap": False, "error": True},
    ],
}


@dataclass(frozen=True)
class NavLink:
    """One entry of the main navigation; `key` follows `g` on the keyboard."""

    label: str
    url: str
    key: str
    is_current: bool


# label, name of the address, key, app whose pages belong to it ("" = this page alone)
_NAVIGATION = (
    ("Overview", "overview", "v", ""),
    ("Orders", "orders:list", "o", "orders"),
    ("Outbox", "messaging:outbox", "b", "messaging"),
    ("Exclusions", "exclusions:list", "e", "exclusions"),
    ("Replenishment", "replenishment:offers", "s", "replenishment"),
    ("Accounts", "sellers:list", "a", "sellers"),
)
# Pages of those apps that belong to another entry; stopping belongs to none.
_BELONGS = {
    "messaging:switches": "",
    **dict.fromkeys(("messaging:messages", "messaging:compose"), "orders:list"),
    **dict.fromkeys(
        ("messaging:bulk", "messaging:bulk_write", "messaging:bulk_check"), "orders:list"
    ),
    **dict.fromkeys(
        ("messaging:templates", "messaging:add_template", "messaging:change_template"),
        "sellers:list",
    ),
    **dict.fromkeys(("orders:reports", "sellers:notifications"), "sellers:list"),
}


@register.simple_tag
def htmx_config() -> str:
    """The content of the htmx-config meta tag."""
    return json.dumps(HTMX_CONFIG)


@register.simple_tag(takes_context=True)
def nav_links(context: Context) -> list[NavLink]:
    """The pages that exist, in order, the one that is shown marked as current."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    links = []
    for label, name, key, app in _NAVIGATION:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        is_current = match is not None and (
            match.view_name == name
            or _BELONGS.get(match.view_name) == name
            or (match.app_name == app != "" and match.view_name not in _BELONGS)
        )
        links.append(NavLink(label, url, key, is_current))
    return links


@register.simple_tag
def moment(at: datetime | None, style: str = "short", marketplace_id: str = "") -> SafeString | str:
    """`<time>` with the exact moment on hover; "—" without one.

    Styles: "short" (20 Nov 14:05, with the year when it is another), "date" (20 Nov), "relative"
    (in 26 h, 4 min ago). Shown in the reader's zone; with `marketplace_id` the marketplace's own
    time is on hover too.
    """
    if at is None:
        return "—"
    local, now = timezone.localtime(at), timezone.now()
    title = exact_words(local)
    marketplace = MARKETPLACES.get(marketplace_id)
    if marketplace is not None:
        there = at.astimezone(ZoneInfo(marketplace.time_zone))
        place = f"{marketplace.domain}: {short_day_words(there)} {clock_words(there)}"
        title += f" · {place} {there.tzname()}"
    if style == "relative":
        text = relative_words(at, now)
    else:
        day = day_words(local, now)
        text = day if style == "date" else f"{day} {clock_words(local)}"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.astimezone(UTC).isoformat(), title, text
    )
