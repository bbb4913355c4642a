"""Applications: the keys with which we are known to Amazon. A secret goes in and never comes out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from messaging.clock import read_database_clock
from people.confirmation import confirmed_recently
from sellers.applications import add_application, change_application
from sellers.connection import ConnectError
from sellers.expiry import secret_countdown
from sellers.models import Application, Connection, Role, SellerAccount
from sellers.views.connect_forms import ApplicationForm
from sellers.views.connecting import (
    get_application,
    posted,
    redirect_uri_of,
    require_connector,
    usable_applications,
)
from solicit_dashboard.access import get_user

LIST = "sellers:applications"


@require_safe
def applications(request: HttpRequest) -> HttpResponse:
    """This person's applications, with what is left of their secrets and who is connected by them."""
    require_connector(request)
    now = read_database_clock()
    mine = SellerAccount.objects.for_user(get_user(request)).order_by("name")
    rows = [
        {
            "application": one,
            "secret": secret_countdown(one, now),
            "accounts": [account for account in mine if account.application_id == one.pk],
        }
        for one in usable_applications(request)
    ]
    gone = Application.objects.gone_from(get_user(request)).count()
    return render(request, "sellers/applications.html", {"rows": rows, "gone": gone})


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def add(request: HttpRequest) -> HttpResponse:
    """A new application; 422 with what is wrong in the form."""
    require_connector(request)
    form = ApplicationForm(_posted(request, ApplicationForm()))
    if request.method == "POST" and form.is_valid():
        try:
            application = add_application(
                form.cleaned_data["client_id"], form.facts(), get_user(request)
            )
        except ConnectError as error:
            form.blame(error)
        else:
            messages.success(request, f"{application.name} is added. Amazon takes its key.")
            return redirect("sellers:connect")
    return _page(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def change(request: HttpRequest, application_id: int) -> HttpResponse:
    """The application's facts, and a new secret where one is given; 422 with what is wrong."""
    application = get_application(request, application_id)
    form = ApplicationForm(
        _posted(request, ApplicationForm(application=application)), application=application
    )
    if request.method == "POST" and form.is_valid():
        try:
            changed = change_application(application, form.facts(), get_user(request))
        except ConnectError as error:
            form.blame(error)
        else:
            if changed:
                messages.success(request, f"{application.name} is changed.")
                _tell_of_shut_out(request, application)
            else:
                messages.info(request, f"{application.name} was like that already.")
            return redirect(LIST)
    return _page(request, form, application)


def _tell_of_shut_out(request: HttpRequest, application: Application) -> None:
    """A new secret does not let accounts go by itself: a person says which."""
    mine = SellerAccount.objects.for_user(get_user(request), Role.MANAGER)
    shut_out = mine.filter(application=application, connection=Connection.RECONNECT)
    if names := ", ".join(shut_out.values_list("name", flat=True)):
        messages.warning(request, f"Amazon had shut out {names}: press Try again there.")


def _posted(request: HttpRequest, empty: ApplicationForm) -> Any:
    return posted(request, empty.fields) if request.method == "POST" else None


def _page(
    request: HttpRequest, form: ApplicationForm, application: Application | None
) -> HttpResponse:
    context = {
        "form": form,
        "application": application,
        "redirect_uri": redirect_uri_of(request, Application()),
        "secret": secret_countdown(application, read_database_clock()) if application else None,
    }
    status = 422 if form.errors else 200
    return render(request, "sellers/application.html", context, status=status)
