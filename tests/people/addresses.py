"""The addresses of people/ that are about who asks: what a stranger gets of them, and others.

`tests/test_access.py` takes them as done; `tests/people/test_access.py` does them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnAddress:
    """An address about oneself. `nobody`: what it answers to who is not logged in.

    `takes_a_form`, and `confirms`: only for who gave their password lately.
    """

    route: str
    nobody: str = "login"
    takes_a_form: bool = True
    confirms: bool = False


OWN: dict[str, OwnAddress] = {
    "people:first_run": OwnAddress("/first-run/", nobody="missing"),
    "people:sessions": OwnAddress("/me/sessions/", takes_a_form=False),
    "people:end_others": OwnAddress("/me/sessions/end-others/"),
    "people:end_session": OwnAddress("/me/sessions/<int:session_id>/end/"),
    "mfa_authenticate": OwnAddress("/login/code/", nobody="first step"),
    "mfa_login_webauthn": OwnAddress("/login/passkey/", nobody="first step"),
    "mfa_index": OwnAddress("/me/", takes_a_form=False),
    "mfa_list_webauthn": OwnAddress("/me/passkeys/", takes_a_form=False),
    "account_change_password": OwnAddress("/me/password/", confirms=True),
    "mfa_reauthenticate": OwnAddress("/me/confirm/code/"),
    "mfa_reauthenticate_webauthn": OwnAddress("/me/confirm/passkey/"),
    "mfa_activate_totp": OwnAddress("/me/app/", confirms=True),
    "mfa_deactivate_totp": OwnAddress("/me/app/remove/", confirms=True),
    "mfa_add_webauthn": OwnAddress("/me/passkeys/add/", confirms=True),
    "mfa_edit_webauthn": OwnAddress("/me/passkeys/<int:pk>/", confirms=True),
    "mfa_remove_webauthn": OwnAddress("/me/passkeys/<int:pk>/remove/", confirms=True),
    "mfa_view_recovery_codes": OwnAddress("/me/recovery-codes/", takes_a_form=False, confirms=True),
    "mfa_generate_recovery_codes": OwnAddress("/me/recovery-codes/new/", confirms=True),
}
