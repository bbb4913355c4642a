"""The addresses of seller accounts."""

from django.urls import URLPattern, path

from sellers.views import accounts

app_name = "sellers"
urlpatterns: list[URLPattern] = [
    path("", accounts.account_list, name="list"),
    path("<int:account_id>/pause/", accounts.pause, name="pause"),
    path("<int:account_id>/resume/", accounts.resume, name="resume"),
    path("<int:account_id>/try-again/", accounts.try_again, name="try_again"),
]
