"""The templates of an account: the list, the form with its preview, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from messaging.clock import read_database_clock
from messaging.models import MessageTemplate
from messaging.placeholders import PLACEHOLDERS, PlaceholderError, fill, fill_sample
from messaging.services.templates import (
    TEMPLATE_KINDS,
    TemplateError,
    add_template,
    change_template,
    delete_template,
)
from messaging.template_forms import TemplateForm
from messaging.text_rules import check_text
from orders.models import Order
from sellers.models import Role, SellerAccount
from solicit_dashboard.access import (
    get_account,
    get_reach,
    get_user,
    log_ignored_fields,
    single_value,
)

LIST = "messaging:templates"
FIELDS = tuple(TemplateForm.base_fields)


@dataclass(frozen=True)
class Preview:
    """A text as the buyer of `order` would get it (without one: with invented facts).

    `fault` says why it cannot be filled in; `findings` and `notes` are about this order's facts.
    """

    text: str = ""
    order: Order | None = None
    fault: str = ""
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


@require_safe
def templates(request: HttpRequest, account_id: int) -> HttpResponse:
    """The account's templates by the kind of message, then by name."""
    account = get_account(request, account_id)
    found = MessageTemplate.objects.current().filter(account=account).select_related("changed_by")
    places = list(TEMPLATE_KINDS)
    known = [one for one in found if one.kind in TEMPLATE_KINDS]
    rows = sorted(known, key=lambda one: (places.index(one.kind), one.name.lower()))
    context = {
        "account": account,
        "rows": [(one, TEMPLATE_KINDS[one.kind]) for one in rows],
        "may_change": get_reach(request).may(account.pk, Role.OPERATOR),
    }
    return render(request, "messaging/templates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, account_id: int) -> HttpResponse:
    """A new template of the account; 422 with what is wrong in the form."""
    return _form_page(request, get_account(request, account_id, Role.OPERATOR), None)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, account_id: int, template_id: int) -> HttpResponse:
    """The template, changed; 422 with what is wrong in the form."""
    account = get_account(request, account_id, Role.OPERATOR)
    return _form_page(request, account, _template(account, template_id))


@require_POST
def check(request: HttpRequest, account_id: int) -> HttpResponse:
    """What is said of the text that is being written, and how it looks; nothing is stored."""
    account = get_account(request, account_id, Role.OPERATOR)
    form = TemplateForm(_posted(request))
    form.is_valid()
    context = {"form": form, "preview": _preview(account, form), "faults": form.errors.get("text")}
    return render(request, "messaging/_template_check.html", context)


@require_POST
def delete(request: HttpRequest, account_id: int, template_id: int) -> HttpResponse:
    """The template is no longer offered."""
    account = get_account(request, account_id, Role.OPERATOR)
    log_ignored_fields(request, [])
    template = _template(account, template_id)
    if delete_template(template, user=get_user(request), at=read_database_clock()):
        messages.success(request, f"“{template.name}” is deleted.")
    return redirect(LIST, account.pk)


def _form_page(
    request: HttpRequest, account: SellerAccount, template: MessageTemplate | None
) -> HttpResponse:
    form = TemplateForm(_posted(request) if request.method == "POST" else None, template=template)
    if request.method == "POST" and form.is_valid():
        try:
            said = _save(request, account, template, form)
        except TemplateError as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, said)
            return redirect(LIST, account.pk)
    context = {
        "account": account,
        "template": template,
        "form": form,
        "preview": _preview(account, form),
        "placeholders": PLACEHOLDERS.values(),
    }
    status = 422 if form.errors else 200
    return render(request, "messaging/template.html", context, status=status)


def _save(
    request: HttpRequest,
    account: SellerAccount,
    template: MessageTemplate | None,
    form: TemplateForm,
) -> str:
    """It is stored; what there is to say of that."""
    user, at = get_user(request), read_database_clock()
    if template is None:
        added = add_template(account, form.facts(), user=user, at=at)
        return f"“{added.name}” is added."
    if change_template(template, form.facts(), user=user, at=at):
        return f"“{template.name}” is changed."
    return f"“{template.name}” was like that already."


def _template(account: SellerAccount, template_id: int) -> MessageTemplate:
    found = None
    if template_id < 2**63:
        found = MessageTemplate.objects.current().filter(account=account, pk=template_id).first()
    if found is None:
        raise Http404
    return found


def _posted(request: HttpRequest) -> QueryDict:
    log_ignored_fields(request, FIELDS)
    for name in FIELDS:
        single_value(request.POST, name)
    return request.POST


def _preview(account: SellerAccount, form: TemplateForm) -> Preview | None:
    """How the text looks with the newest order of the account; None while there is no text."""
    text, kind, language = (_said(form, name) for name in ("text", "kind", "language"))
    if not text.strip():
        return None
    order = _newest_order(account)
    try:
        if order is None:
            return Preview(fill_sample(text))
        filled = fill(text, order)
    except PlaceholderError as fault:
        return Preview(order=order, fault=str(fault))
    known = {finding.sentence for finding in form.findings}
    findings: tuple[str, ...] = ()
    if kind in TEMPLATE_KINDS:
        found = check_text(TEMPLATE_KINDS[kind], filled.text, language)
        findings = tuple(one.sentence for one in found if one.sentence not in known)
    return Preview(filled.text, order, "", filled.notes, findings)


def _said(form: TemplateForm, name: str) -> str:
    """What stands in the field, as typed or as stored."""
    value: Any = form.cleaned_data.get(name) if form.is_bound else None
    return str(value or form[name].value() or "")


def _newest_order(account: SellerAccount) -> Order | None:
    """The order that was bought last, with what placeholders ask of it."""
    order = (
        Order.objects.filter(account=account)
        .prefetch_related("items")
        .order_by("-purchased_at", "-pk")
        .first()
    )
    if order is not None:
        order.account = account
    return order
