"""How people log in: the settings of Django's log-in, of allauth and of our own `people`."""

from typing import Any

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = ["people.backends.PeopleBackend"]
# Argon2id first; a password that is kept in an older way is kept anew when its owner logs in.
PASSWORD_HASHERS = [
    "people.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
_VALIDATION = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {"NAME": f"{_VALIDATION}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_VALIDATION}.UserAttributeSimilarityValidator"},
    {"NAME": "people.passwords.OwnNameValidator"},
    {"NAME": f"{_VALIDATION}.CommonPasswordValidator"},
    {"NAME": "people.passwords.KnownPasswordValidator"},
    {"NAME": "people.passwords.CharacterKindsValidator"},
]

# Sessions, in seconds. The cookie lives as long as a session may.
SESSION_IDLE_SECONDS = 30 * 60
SESSION_LONGEST_SECONDS = 12 * 3600
SESSION_COOKIE_AGE = SESSION_LONGEST_SECONDS
# How long a password, passkey or code counts as given just now, in seconds.
CONFIRMED_SECONDS = 15 * 60

# allauth does the log-in's stages, second factors and the list of sessions. Its limits are off:
# they lock a person out whom somebody else attacks, and do not say for how long. Ours: limits.py.
ACCOUNT_ADAPTER = "people.adapters.AccountAdapter"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "login"
ACCOUNT_REAUTHENTICATION_TIMEOUT = CONFIRMED_SECONDS
ACCOUNT_FORMS = {
    "reauthenticate": "people.forms.ConfirmByPasswordForm",
    "change_password": "people.forms.ChangePasswordForm",
}
MFA_FORMS = {
    "authenticate": "people.forms.CodeForm",
    "reauthenticate": "people.forms.ConfirmByCodeForm",
    "activate_totp": "people.forms.ActivateAppForm",
    "add_webauthn": "people.forms.AddKeyForm",
    "authenticate_webauthn": "people.forms.KeyForm",
    "login_webauthn": "people.forms.LogInByKeyForm",
    "reauthenticate_webauthn": "people.forms.ConfirmByKeyForm",
}
MFA_ADAPTER = "people.adapters.SecondFactorAdapter"
MFA_RATE_LIMITS = False
MFA_SUPPORTED_TYPES = ["totp", "webauthn"]  # recovery codes are ours: recovery_codes.py
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_TOLERANCE = 1  # a clock that is half a minute off
MFA_TOTP_ISSUER = "Solicit Dashboard"
