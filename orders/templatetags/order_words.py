"""How the state of an order is written into a page."""

from __future__ import annotations

from datetime import UTC

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.views.words import StateWords, near_words

register = template.Library()


@register.simple_tag
def state_moment(state: StateWords) -> SafeString | str:
    """The words of a state, its moment in `<time>` with the exact one on hover."""
    if state.at is None:
        return f"{state.before}{state.after}"
    return format_html(
        '{}<time datetime="{}" title="{}">{}</time>{}',
        state.before,
        state.at.astimezone(UTC).isoformat(),
        timezone.localtime(state.at).strftime("%-d %B %Y %H:%M:%S %Z"),
        near_words(state.at, timezone.now()),
        state.after,
    )
