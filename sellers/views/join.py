"""Joining an account by an invitation: the link, and the page behind it, open to everybody."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from messaging.clock import read_database_clock
from sellers.invitations import (
    InvitationError,
    accept_as_new_person,
    accept_invitation,
    find_invitation,
    read_invitation,
)
from sellers.models import Invitation, Membership
from sellers.views.connecting import posted
from sellers.views.member_forms import NewPersonForm
from sellers.views.people import TOKEN_FIELD
from solicit_dashboard.access import get_user, log_ignored_fields, single_value
from solicit_dashboard.errors import error_page

PAGE = "sellers:join"
FIELDS = ("username", "password1", "password2")
# Where the session keeps the invitation's id, once the link has shown the token.
SESSION_KEY = "invitation"
NO_LONGER_VALID = (
    "This invitation is no longer valid. Ask the person who invited you for a new one."
)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Who was invited becomes a member: logged in by one click, else with a new name and password.

    The link's token is taken out of the address at once. Looking uses nothing up, so that programs
    that open links in advance do no harm. What no longer works is a 404 with a sentence, whatever
    the reason.
    """
    if TOKEN_FIELD in request.GET and request.method != "POST":
        return _take_token(request)
    pk = request.session.get(SESSION_KEY)
    invitation = read_invitation(pk, read_database_clock()) if isinstance(pk, int) else None
    if invitation is None:
        return _no_longer_valid(request)
    if request.user.is_authenticated:
        return _join_as_known(request, invitation)
    return _join_as_new(request, invitation)


def _take_token(request: HttpRequest) -> HttpResponse:
    invitation = find_invitation(single_value(request.GET, TOKEN_FIELD), read_database_clock())
    if invitation is None:
        return _without_referrer(_no_longer_valid(request))
    request.session[SESSION_KEY] = invitation.pk
    response = redirect(PAGE)
    response.status_code = 303
    return _without_referrer(response)


def _join_as_known(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    user = get_user(request)
    known = Membership.objects.filter(user=user, account_id=invitation.account_id).first()
    if request.method != "POST":
        return _page(request, invitation, known=known)
    log_ignored_fields(request, [])
    try:
        accept_invitation(invitation, user, read_database_clock())
    except InvitationError as error:
        return _page(request, invitation, known=known, fault=str(error), status=409)
    request.session.pop(SESSION_KEY, None)
    role = invitation.get_role_display().lower()
    messages.success(request, f"You are now {role} of {invitation.account.name}.")
    return redirect("overview")


def _join_as_new(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    if request.method != "POST":
        return _page(request, invitation, form=NewPersonForm())
    form = NewPersonForm(posted(request, FIELDS))
    if not form.is_valid():
        return _page(request, invitation, form=form, status=422)
    user: User = form.save(commit=False)
    try:
        accept_as_new_person(invitation, user, read_database_clock())
    except InvitationError as error:
        return _page(request, invitation, form=form, fault=str(error), status=409)
    except IntegrityError:
        form.add_error("username", "Somebody took this name a moment ago. Choose another.")
        return _page(request, invitation, form=form, status=422)
    request.session.pop(SESSION_KEY, None)
    role = invitation.get_role_display().lower()
    # There is one door, with its limits and second factors: a new person comes in by it as well.
    messages.success(request, f"You are {role} of {invitation.account.name}. Now log in.")
    return redirect("login")


def _page(
    request: HttpRequest,
    invitation: Invitation,
    *,
    known: Membership | None = None,
    form: NewPersonForm | None = None,
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"invitation": invitation, "known": known, "form": form, "fault": fault}
    return render(request, "sellers/join.html", context, status=status)


def _no_longer_valid(request: HttpRequest) -> HttpResponse:
    return error_page(request, 404, "Not valid any more", NO_LONGER_VALID)


def _without_referrer(response: HttpResponse) -> HttpResponse:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
