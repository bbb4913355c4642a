"""The addresses of log-ins and of one's own security; allauth knows its pages by these names."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path

from people.views import confirm, first_run, second_factors, sessions
from people.views.log_in import log_in

people = (
    [
        path("first-run/", first_run.first_run, name="first_run"),
        path("me/sessions/", sessions.sessions, name="sessions"),
        path("me/sessions/end-others/", sessions.end_others, name="end_others"),
        path("me/sessions/<int:session_id>/end/", sessions.end_one, name="end_session"),
    ],
    "people",
)
urlpatterns = [
    path("login/", log_in, name="account_login"),
    path("login/", log_in, name="login"),
    path("login/code/", second_factors.second_step, name="mfa_authenticate"),
    path("login/passkey/", second_factors.log_in_by_key, name="mfa_login_webauthn"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", include(people)),
    path("me/", second_factors.security, name="mfa_index"),
    path("me/password/", second_factors.change_password, name="account_change_password"),
    path("me/confirm/", confirm.confirm_by_password, name="account_reauthenticate"),
    path("me/confirm/code/", confirm.confirm_by_code, name="mfa_reauthenticate"),
    path("me/confirm/passkey/", confirm.confirm_by_key, name="mfa_reauthenticate_webauthn"),
    path("me/app/", second_factors.add_app, name="mfa_activate_totp"),
    path("me/app/remove/", second_factors.remove_app, name="mfa_deactivate_totp"),
    path("me/passkeys/", second_factors.security, name="mfa_list_webauthn"),
    path("me/passkeys/add/", second_factors.add_key, name="mfa_add_webauthn"),
    path("me/passkeys/<int:pk>/", second_factors.rename_key, name="mfa_edit_webauthn"),
    path("me/passkeys/<int:pk>/remove/", second_factors.remove_key, name="mfa_remove_webauthn"),
    path("me/recovery-codes/", second_factors.show_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "me/recovery-codes/new/",
        second_factors.make_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
]
