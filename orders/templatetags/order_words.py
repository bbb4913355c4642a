"""How the state of an order is written into a page."""

from __future__ import annotations

from datetime import UTC, datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from orders.views.words import StateWords, near_words

register = template.Library()


@register.simple_tag
def day_span(first: datetime | None, last: datetime | None) -> SafeString | str:
    """Two moments as days in the reader's zone: "11-13 Oct", "30 Oct - 2 Nov", or "11 Oct"."""
    if first is None or last is None:
        return ""
    end = timezone.localtime(last)
    start, now = first.astimezone(end.tzinfo), timezone.now().astimezone(end.tzinfo)
    is_same_month = (start.year, start.month) == (end.year, end.month)
    year = "" if end.year == now.year else f" {end.year}"
    title = f"{start:%-d %B %Y %H:%M} to {end:%-d %B %Y %H:%M %Z}"
    if start.date() == end.date():
        return format_html(
            '<time title="{}" datetime="{}">{}</time>',
            title,
            last.astimezone(UTC).isoformat(),
            f"{end:%-d %b}{year}",
        )
    begin = f"{start.day}" if is_same_month else f"{start:%-d %b} "
    return format_html(
        '<span title="{}"><time datetime="{}">{}</time>{}<time datetime="{}">{}</time></span>',
        title,
        first.astimezone(UTC).isoformat(),
        begin,
        "\N{EN DASH}" if is_same_month else "\N{EN DASH} ",
        last.astimezone(UTC).isoformat(),
        f"{end:%-d %b}{year}",
    )


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
