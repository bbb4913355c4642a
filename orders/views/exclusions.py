"""What is never asked: the list, adding many at once, and undoing one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from orders.csv_import.plans import plan_exclusions
from orders.csv_import.reading import read_file
from orders.csv_import.text import FileRefusedError
from orders.models import Exclusion, ImportKind
from orders.services import LONGEST_VALUE, undo_exclusion
from orders.views.upload_forms import ExclusionsForm
from orders.views.uploads import (
    confirm_plan,
    limited_body,
    posted_account,
    require_whole_body,
    show_plan,
)
from sellers.models import Role
from solicit_dashboard.access import (
    Reach,
    get_account,
    get_reach,
    get_user,
    log_ignored_fields,
    require_some_account,
    single_value,
    way_back,
)
from solicit_dashboard.keyset import capped, count_to, fetch, keyset_page, pager, read_page

FIELDS = ("account", "kind", "text", "file", "reason", "end", "plan", "skip_bad_rows")
STATES = {"": "Standing", "undone": "Undone"}


@dataclass(frozen=True)
class ExclusionRow:
    """One exclusion as the list shows it."""

    exclusion: Exclusion
    may_undo: bool


@dataclass(frozen=True)
class ExclusionFilter:
    """What the address asks for."""

    state: str = ""
    account_id: int | None = None
    beginning: str = ""

    def address(self, **changes: Any) -> str:
        """The part of an address behind the path that stands for this, with these changes."""
        values = {"state": self.state, "account": self.account_id, "q": self.beginning} | changes
        said = {name: value for name, value in values.items() if value not in (None, "")}
        return f"?{urlencode(said)}"


@require_safe
def exclusions(request: HttpRequest) -> HttpResponse:
    """What is excluded in this person's accounts, the newest first."""
    reach = get_reach(request)
    chosen = _read_filter(request, reach)
    cursor, note = read_page(
        *(single_value(request.GET, name) for name in ("after", "before", "page"))
    )
    account_ids = reach.ids() if chosen.account_id is None else [chosen.account_id]
    found = Exclusion.objects.filter(undone_at__isnull=not chosen.state)
    if chosen.beginning:
        found = found.filter(value__istartswith=chosen.beginning)
    parts = [found.filter(account_id=pk) for pk in account_ids]
    page = keyset_page(parts, "", cursor=cursor)
    total = capped(count_to(found.filter(account_id__in=account_ids)))
    rows = fetch(Exclusion.objects.select_related("account", "created_by", "undone_by"), page.ids)
    context = {
        "chosen": chosen,
        "states": [
            (label, chosen.address(state=name), name == chosen.state)
            for name, label in STATES.items()
        ],
        "accounts": reach.accounts,
        "rows": [
            ExclusionRow(row, not row.undone_at and reach.may(row.account_id, Role.OPERATOR))
            for row in rows
        ],
        "is_filtered": bool(chosen.beginning or chosen.account_id),
        "may_add": bool(reach.ids(Role.OPERATOR)),
        "note": note,
        "here": request.get_full_path(),
        "pager": pager(page, shown=len(rows), total=total, address=chosen.address),
    }
    return render(request, "orders/imports/exclusions.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@limited_body
def add(request: HttpRequest) -> HttpResponse:
    """The page; a form with a list gets what that would exclude, and its form in turn does it."""
    if request.method != "POST":
        require_some_account(request, get_reach(request), Role.OPERATOR)
        return _page(request, _form(request, is_bound=False), status=200)
    log_ignored_fields(request, FIELDS)
    require_whole_body(request)
    if single_value(request.POST, "plan"):
        done = confirm_plan(request)
        if isinstance(done, HttpResponse):
            return done
        messages.success(
            request,
            f"{done.account.name}: {done.new:,} excluded from now on, "
            f"{done.known:,} were excluded already.",
        )
        return redirect("exclusions:list")
    account = posted_account(request)
    for name in ("kind", "text", "reason"):
        single_value(request.POST, name)
    form = _form(request, is_bound=True)
    if form.is_valid():
        raw, name = form.content()
        try:
            reading = read_file(raw, ImportKind(form.cleaned_data["kind"]), name)
        except FileRefusedError as refusal:
            form.add_error(None, str(refusal))
        else:
            plan = plan_exclusions(
                account,
                reading.checked,
                reading.source,
                reason=form.cleaned_data["reason"],
                among=get_reach(request).ids(),
            )
            return show_plan(request, account, reading, plan, back=reverse("exclusions:add"))
    return _page(request, form, status=422)


@require_POST
def undo(request: HttpRequest, exclusion_id: int) -> HttpResponse:
    """The exclusion stands no longer; its orders may be asked unless another covers them."""
    exclusion = None
    if exclusion_id < 2**63:
        exclusion = (
            Exclusion.objects.filter(pk=exclusion_id).select_related("account", "undone_by").first()
        )
    if exclusion is None:
        raise Http404
    get_account(request, exclusion.account_id, Role.OPERATOR)
    log_ignored_fields(request, ["next"])
    if undo_exclusion(exclusion, user=get_user(request), at=timezone.now()):
        messages.success(request, f"{exclusion} is not excluded any more.")
    else:
        who = exclusion.undone_by.get_username() if exclusion.undone_by else "somebody"
        messages.info(request, f"{exclusion}: this was undone already, by {who}.")
    return redirect(way_back(request, "exclusions:list"))


def _form(request: HttpRequest, *, is_bound: bool) -> ExclusionsForm:
    reach = get_reach(request)
    accounts = [account for account in reach.accounts if reach.may(account.pk, Role.OPERATOR)]
    return ExclusionsForm(request if is_bound else None, accounts=accounts)


def _page(request: HttpRequest, form: ExclusionsForm, *, status: int) -> HttpResponse:
    return render(request, "orders/imports/exclude.html", {"form": form}, status=status)


def _read_filter(request: HttpRequest, reach: Reach) -> ExclusionFilter:
    state = single_value(request.GET, "state")
    if state not in STATES:
        raise BadRequest(f"There is no state “{state[:40]}”. Known: undone.")
    given = single_value(request.GET, "account")
    account_id = None
    if given:
        account_id = int(given) if given.isascii() and given.isdigit() else 0
        if account_id not in reach.roles:
            raise BadRequest(f"There is no account “{given[:40]}”.")
    beginning = single_value(request.GET, "q").strip()
    if len(beginning) > LONGEST_VALUE:
        raise BadRequest(f"q: it has more than {LONGEST_VALUE} characters.")
    return ExclusionFilter(state, account_id, beginning)
