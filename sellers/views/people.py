"""Who has which role on an account: the page for its managers, and what they change on it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Case, IntegerField, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging.clock import read_database_clock
from people.confirmation import confirmed_recently
from sellers import memberships
from sellers.invitations import invite as make_invitation
from sellers.invitations import revoke_invitation
from sellers.memberships import MembershipError
from sellers.models import Invitation, Membership, PeopleReview, Role, SellerAccount
from sellers.views.connecting import posted
from sellers.views.member_forms import InvitationForm, RoleForm
from solicit_dashboard.access import get_account, get_user, log_ignored_fields

PAGE = "sellers:people"
INVITATION_FIELDS = ("role", "note")
# The name under which a link carries its token; log lines lose its value (solicit_dashboard.logs).
TOKEN_FIELD = "token"  # noqa: S105
# Managers first.
_BY_ROLE = Case(
    *(When(role=role, then=Value(-rank)) for rank, role in enumerate(Role)),
    output_field=IntegerField(),
)


@require_safe
def people(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account's members with role and last log-in, the open invitations, the last review."""
    account = get_account(request, account_id, Role.MANAGER)
    now = read_database_clock()
    members = (
        Membership.objects.filter(account=account)
        .select_related("user")
        .order_by(_BY_ROLE, "user__username")
    )
    invitations = (
        Invitation.objects.open(now)
        .filter(account=account)
        .select_related("created_by")
        .order_by("-created_at", "-pk")
    )
    last = PeopleReview.objects.filter(account=account).select_related("by").order_by("-at").first()
    due_at = memberships.next_review(account, last)
    context = {
        "account": account,
        "members": members,
        "roles": Role.choices,
        # A session lasts hours: who has not logged in since then was not here since then.
        "idle_since": now - memberships.REVIEW_EVERY,
        "invitations": invitations,
        "last_review": last,
        "due_at": due_at,
        "is_due": due_at <= now,
    }
    return render(request, "sellers/people.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def invite(request: HttpRequest, account_id: int) -> HttpResponse:
    """A link for somebody to join is made and shown once, in this answer; 422 with what is wrong."""
    account = get_account(request, account_id, Role.MANAGER)
    if request.method != "POST":
        return _invite_page(request, account, form=InvitationForm())
    form = InvitationForm(posted(request, INVITATION_FIELDS))
    if not form.is_valid():
        return _invite_page(request, account, form=form, status=422)
    invitation, token = make_invitation(
        account,
        Role(form.cleaned_data["role"]),
        get_user(request),
        read_database_clock(),
        form.cleaned_data["note"],
    )
    # No redirect: to show the link on the next page it would have to be kept somewhere.
    link = request.build_absolute_uri(f"{reverse('sellers:join')}?{TOKEN_FIELD}={token}")
    return _invite_page(request, account, made=invitation, link=link)


@require_POST
def uninvite(request: HttpRequest, account_id: int, invitation_id: int) -> HttpResponse:
    """The invitation's link works no longer."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, [])
    invitation = None
    if invitation_id < 2**63:
        invitation = Invitation.objects.filter(account=account, pk=invitation_id).first()
    if invitation is None:
        raise Http404
    if revoke_invitation(invitation, get_user(request), read_database_clock()):
        messages.success(request, "The invitation is revoked. Its link works no longer.")
    else:
        messages.info(request, "The invitation was used or revoked already.")
    return redirect(PAGE, account.pk)


@require_POST
@confirmed_recently
def change_role(request: HttpRequest, account_id: int, member_id: int) -> HttpResponse:
    """The member has another role; never is an account left without a manager."""
    account = get_account(request, account_id, Role.MANAGER)
    member = _member(account, member_id)
    form = RoleForm(posted(request, ["role"]))
    if not form.is_valid():
        raise BadRequest(f"role: {form.errors['role'][0]}")
    role = Role(form.cleaned_data["role"])
    name = member.user.get_username()
    try:
        changed = memberships.change_role(member, role, get_user(request))
    except MembershipError as error:
        messages.error(request, str(error))
    else:
        if changed:
            messages.success(request, f"{name} is now {role.label.lower()} of {account.name}.")
        else:
            messages.info(request, f"{name} was {role.label.lower()} already.")
    return _back(request, account)


@require_POST
@confirmed_recently
def remove_member(request: HttpRequest, account_id: int, member_id: int) -> HttpResponse:
    """The person has no role on the account any more; never is it left without a manager."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, [])
    member = _member(account, member_id)
    name = member.user.get_username()
    try:
        memberships.remove_member(member, get_user(request))
    except MembershipError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{name} has no role on {account.name} any more.")
    return _back(request, account)


@require_POST
def review_people(request: HttpRequest, account_id: int) -> HttpResponse:
    """It stands on the record that this person looked through the roles today."""
    account = get_account(request, account_id, Role.MANAGER)
    log_ignored_fields(request, [])
    memberships.note_review(account, get_user(request), read_database_clock())
    messages.success(request, f"The roles on {account.name} are reviewed.")
    return redirect(PAGE, account.pk)


def _member(account: SellerAccount, member_id: int) -> Membership:
    """The account's member; one of another account is missing."""
    member = None
    if member_id < 2**63:
        known = Membership.objects.select_related("user", "account")
        member = known.filter(account=account, pk=member_id).first()
    if member is None:
        raise Http404
    return member


def _back(request: HttpRequest, account: SellerAccount) -> HttpResponse:
    """To the page of people, or to the list of accounts for who gave their own role away."""
    still = Membership.objects.filter(user=get_user(request), account=account, role=Role.MANAGER)
    return redirect(PAGE, account.pk) if still.exists() else redirect("sellers:list")


def _invite_page(
    request: HttpRequest,
    account: SellerAccount,
    *,
    form: InvitationForm | None = None,
    made: Invitation | None = None,
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {"account": account, "form": form, "made": made, "link": link}
    return render(request, "sellers/invite.html", context, status=status)
