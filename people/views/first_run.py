"""The page on which the first person makes themselves."""

from __future__ import annotations

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from people.first_run import NotFirstError, is_empty, make_first_person
from people.forms import FirstPersonForm
from people.limits import PER_PERSON_AND_ADDRESS, begin_attempt

WRONG_CODE = "That is not the code that was shown last, or somebody was quicker."


@login_not_required
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "HEAD", "POST"])
def first_run(request: HttpRequest) -> HttpResponseBase:
    """The form as long as there is nobody, then 404. Whoever fills it in is logged in."""
    if not is_empty():
        raise Http404
    form = FirstPersonForm(request.POST if request.method == "POST" else None)
    if not form.is_bound or not form.is_valid():
        return _page(request, form)
    attempt = begin_attempt(request, "first run", "", None, most=PER_PERSON_AND_ADDRESS)
    said = form.cleaned_data
    try:
        person = make_first_person(
            said["code"],
            username=said["username"],
            email=said["email"],
            password=said["password1"],
        )
    except NotFirstError:
        form.add_error("code", WRONG_CODE)
        return _page(request, form)
    attempt.succeeded()
    response: HttpResponseBase = perform_password_login(
        request, {"username": person.get_username()}, Login(user=person, redirect_url="/")
    )
    return response


def _page(request: HttpRequest, form: FirstPersonForm) -> HttpResponse:
    return render(request, "people/first_run.html", {"form": form})
