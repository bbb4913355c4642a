"""The page of a seller's Subscribe & Save offers, and the same as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from audit.models import AuditKind
from audit.services import record_event
from orders.views.rows import NO_HUNDREDTHS
from replenishment.asking import Asker, CannotAskError, Question
from replenishment.export import Turn, csv_lines, rows_of, seconds_for
from replenishment.forms import LAST_PAGE, OffersForm, shops_of
from replenishment.words import (
    CONDITIONS,
    ELIGIBILITIES,
    ENROLMENTS,
    METHODS,
    NETWORKS,
    NO_ISSUES,
    PROMOTIONS,
    RISKS,
    word,
)
from solicit_dashboard.access import get_reach
from solicit_dashboard.keyset import Pager
from solicit_dashboard.middleware import is_htmx
from spapi import ReplenishmentOffer
from spapi.replenishment import MOST_OFFERS

_BEYOND = (
    f"Amazon gives only the first {LAST_PAGE * MOST_OFFERS:,} offers of a list. "
    "Filter, so that what you look for is among them."
)


@dataclass(frozen=True)
class OfferRow:
    """One offer in words; "" for what Amazon does not say."""

    offer: ReplenishmentOffer
    eligibility: str
    is_eligible: bool
    enrolment: str
    method: str
    price: str
    risk: str
    network: str
    discounts: list[tuple[str, str]]
    deliveries: int | None
    problems: list[str]


@require_safe
def offers(request: HttpRequest) -> HttpResponse:
    """The offers that the address asks for, as Amazon has them now; 400 with every fault of it."""
    form = _form(request)
    context: dict[str, Any] = {"form": form, "filter_count": _filter_count(request.GET)}
    if not form.shops:
        return _answer(request, context)
    if not form.is_valid():
        return _answer(request, context | {"faults": form.sentences()}, status=400)
    number = _page_number(request)
    question = Question.from_form(form)
    context |= {"shop": question.shop, "discounts": PROMOTIONS.values()}
    if number > LAST_PAGE:
        return _answer(request, context | {"faults": [_BEYOND]}, status=400)
    try:
        page = Asker(question).page(number)
    except CannotAskError as error:
        return _answer(request, context | {"faults": [str(error)]})
    context |= {
        "rows": [_row(offer) for offer in page.offers],
        "total": page.total,
        "asked_at": timezone.now(),
        "pager": _pager(request.GET, number, page.total, len(page.offers)),
        "beyond": _BEYOND if (page.total or 0) > LAST_PAGE * MOST_OFFERS else "",
        "export_url": _address(request.GET, "replenishment:export", 1),
        "export_rows": rows_of(page.total),
        "export_seconds": seconds_for(page.total),
    }
    return _answer(request, context)


@require_GET  # a HEAD would ask Amazon, and keep the account's turn for a file that nobody reads
def export(request: HttpRequest) -> HttpResponseBase:
    """All that match as CSV, up to 9,100, written at Amazon's pace; cells are no formulas."""
    form = _form(request)
    if not form.shops:
        raise Http404
    if not form.is_valid():
        raise BadRequest(" ".join(form.sentences()))
    question = Question.from_form(form)
    account = question.shop.account
    turn = Turn(account)
    try:
        asker = Asker(question)
        turn.take()
        try:
            first = asker.page(1)
        except CannotAskError:
            turn.give_back()
            raise
    except CannotAskError as error:
        messages.error(request, f"There is no file. {error}")
        return HttpResponseRedirect(_address(request.GET, "replenishment:offers", 1))
    record_event(
        AuditKind.EXPORTED,
        user=request.user,
        account_id=account.pk,
        subject=f"Subscribe & Save offers, {question.shop}",
        rows=rows_of(first.total),
    )
    name = f"offers-{account.pk}-{question.shop.domain}.csv"
    return StreamingHttpResponse(
        csv_lines(question, asker, first, turn),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _form(request: HttpRequest) -> OffersForm:
    """The form of the address; 404 for an account that is not this person's."""
    form = OffersForm(request.GET, shops=shops_of(get_reach(request)))
    if form.names_foreign_account():
        raise Http404
    return form


def _answer(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    template = "_offers.html" if is_htmx(request) else "offers.html"
    return render(request, f"replenishment/{template}", context, status=status)


def _page_number(request: HttpRequest) -> int:
    given = request.GET.get("page", "") or "1"
    if not (given.isascii() and given.isdigit() and len(given) < 10 and int(given)):
        raise BadRequest("This page does not exist. Go back to the first one.")
    return int(given)


def _row(offer: ReplenishmentOffer) -> OfferRow:
    price = ""
    if offer.price is not None:
        digits = 0 if offer.price.currency in NO_HUNDREDTHS else 2
        price = f"{offer.price.amount:,.{digits}f} {offer.price.currency}"
    return OfferRow(
        offer=offer,
        eligibility=word(ELIGIBILITIES, offer.eligibility),
        is_eligible=offer.eligibility == "ELIGIBLE",
        enrolment=word(ENROLMENTS, offer.auto_enrollment),
        method=word(METHODS, offer.enrollment_method),
        price=price,
        risk=word(RISKS, offer.stock_risk),
        network=word(NETWORKS, offer.fulfillment_network),
        discounts=[
            (promotion.short, "" if found is None else f"{found:f} %")
            for name, promotion in PROMOTIONS.items()
            for found in (offer.promotions.get(name),)
        ],
        deliveries=offer.forecast.get(30),
        problems=[
            word(CONDITIONS, condition) for condition in offer.deliveries if condition != NO_ISSUES
        ],
    )


def _pager(given: QueryDict, number: int, total: int | None, shown: int) -> Pager:
    """The pages around this one; those that Amazon does not give have no address."""
    first = (number - 1) * MOST_OFFERS + 1
    pages = LAST_PAGE if total is None else min(LAST_PAGE, -(-total // MOST_OFFERS))
    has_next = number < pages and (total is not None or shown == MOST_OFFERS)

    def place(page: int, there: bool) -> str:
        return _address(given, "replenishment:offers", page) if there else ""

    of = "" if total is None else f" of {total:,}"
    return Pager(
        first=place(1, number > 1),
        previous=place(number - 1, number > 1),
        next=place(number + 1, has_next),
        last=place(pages, has_next and total is not None),
        summary=f"Offers {first:,} to {first + shown - 1:,}{of}"
        if shown
        else f"No offers here{of}",
    )


def _address(given: QueryDict, name: str, page: int) -> str:
    """The address with the filters of this one, without those that are empty."""
    query = QueryDict(mutable=True)
    for field, values in given.lists():
        if field != "page" and (kept := [value for value in values if value]):
            query.setlist(field, [str(value) for value in kept])
    if page > 1:
        query["page"] = str(page)
    path = reverse(name)
    return f"{path}?{query.urlencode()}" if query else path


def _filter_count(given: QueryDict) -> int:
    """How many filters the address has."""
    names = ("sku", "asin", "eligibility", "enrolment", *(p.field for p in PROMOTIONS.values()))
    return sum(bool("".join(map(str, given.getlist(name)))) for name in names)
