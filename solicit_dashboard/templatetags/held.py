"""The banner of every page: what is stopped, why, and the buttons that let it go again."""

from __future__ import annotations

from typing import Any

from django import template
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template import Context

from solicit_dashboard.held import held_banner
from solicit_dashboard.pulse import lost_since

register = template.Library()


@register.inclusion_tag("_components/held.html", takes_context=True)
def held(context: Context) -> dict[str, Any]:
    """The banner for the person who is logged in; empty when all their accounts may send and can."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if not isinstance(request, HttpRequest) or not isinstance(user, User):
        return {"banner": None}
    return {
        "banner": held_banner(user),
        "queue_lost_since": lost_since(),
        # the answer to a form has no address to come back to
        "here": request.get_full_path() if request.method == "GET" else "",
        "csrf_token": context.get("csrf_token"),
    }
