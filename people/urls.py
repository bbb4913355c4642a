"""The addresses of log-ins and of one's own security; allauth knows them by these names."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from people.views.confirm import confirm_by_password
from people.views.log_in import log_in

urlpatterns = [
    path("login/", log_in, name="account_login"),
    path("login/", log_in, name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("me/confirm/", confirm_by_password, name="account_reauthenticate"),
]
