"""The log-in page. It works without JavaScript; a passkey needs some."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib.auth import authenticate
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from people.backends import find_person
from people.failures import record_failure
from people.first_step import note_first_step
from people.forms import WRONG, LogInForm
from people.limits import begin_attempt


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponseBase:
    """The form; with the right name and password the next step, which may ask for a code.

    Raises TooManyAttemptsError (429) when there were too many wrong ones.
    """
    target = _wanted(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(target)
    if request.method == "POST":
        return _try(request, target)
    if not User.objects.exists():
        return redirect("people:first_run")
    return _page(request, LogInForm(), target)


@sensitive_variables()
def _try(request: HttpRequest, target: str) -> HttpResponseBase:
    form = LogInForm(request.POST)
    if not form.is_valid():
        return _page(request, form, target)
    name, password = form.cleaned_data["username"].strip(), form.cleaned_data["password"]
    named = find_person(name)
    attempt = begin_attempt(request, "password", name, named)
    person = authenticate(request, username=name, password=password)
    if not isinstance(person, User):
        record_failure(request, named, "password", is_last=attempt.is_last)
        form.add_error(None, WRONG)
        return _page(request, form, target)
    attempt.succeeded()
    note_first_step(request, person)
    response: HttpResponseBase = perform_password_login(
        request, {"username": person.get_username()}, Login(user=person, redirect_url=target)
    )
    return response


def _wanted(request: HttpRequest) -> str:
    """The page that they wanted to see, when it is one of ours; else the overview."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if get_adapter().is_safe_url(target) else "/"


def _page(request: HttpRequest, form: LogInForm, target: str) -> HttpResponse:
    return render(request, "people/log_in.html", {"form": form, "next": target})
