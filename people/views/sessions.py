"""The list of one's own sessions, and their end."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from people.sessions import end_other_sessions, end_session, list_sessions
from solicit_dashboard.access import get_user


@require_http_methods(["GET", "HEAD"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where this person is logged in."""
    return render(request, "people/sessions.html", {"sessions": list_sessions(request)})


@require_POST
def end_one(request: HttpRequest, session_id: int) -> HttpResponse:
    """One other session of this person has ended; 404 for somebody else's."""
    end_session(get_user(request), session_id)
    messages.success(request, "That session has ended.")
    return HttpResponseRedirect(reverse("people:sessions"))


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Every session of this person but this one has ended."""
    number = end_other_sessions(request, get_user(request), why="asked for")
    messages.success(request, f"{number} other session{'' if number == 1 else 's'} ended.")
    return HttpResponseRedirect(reverse("people:sessions"))
