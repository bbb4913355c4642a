"""Adding and changing applications: Amazon is asked whether it takes their key before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.models import AuditKind
from audit.services import record_event
from sellers.connection import ConnectError, check_application_key, required_text
from sellers.models import Application

# Says nothing of whose it is, or whether one may see it.
TAKEN = "This client id cannot be added. If it is in use here already, ask a superuser."


@dataclass(frozen=True)
class ApplicationFacts:
    """What a person says of an application; `client_secret` is "" to keep the one that is stored."""

    name: str
    client_secret: str
    secret_made_on: date
    application_id: str = ""
    is_public: bool = False
    is_draft: bool = False
    redirect_uri: str = ""

    def __repr__(self) -> str:
        return f"ApplicationFacts({self.name!r})"


_CONSENT = ("application_id", "is_public", "is_draft", "redirect_uri")
_TOLD = ("name", "secret_made_on", *_CONSENT)


def add_application(client_id: str, facts: ApplicationFacts, user: User) -> Application:
    """A new application with this LWA client id. Raises ConnectError, and nothing is stored then."""
    client_id = required_text(client_id, "client_id", "The LWA client id is missing.")
    secret = required_text(facts.client_secret, "client_secret", "The client secret is missing.")
    check_application_key(client_id, secret)
    application = Application(client_id=client_id, created_by=user)
    application.client_secret = secret
    _tell(application, facts)
    try:
        with transaction.atomic():
            application.save()
            record_event(AuditKind.APPLICATION_ADDED, user=user, subject=application.name)
    except IntegrityError:
        raise ConnectError(TAKEN, field="client_id") from None
    return application


def change_application(application: Application, facts: ApplicationFacts, user: User) -> list[str]:
    """The application is as told, with a new secret where one is given; returns what has changed.

    Raises ConnectError, and nothing is stored then. Accounts that Amazon had shut out because of
    the old secret are tried again by a person.
    """
    secret = facts.client_secret.strip()
    if secret:
        check_application_key(application.client_id, secret)
    before = {field: getattr(application, field) for field in _TOLD}
    _tell(application, facts)
    changed = [field for field in _TOLD if before[field] != getattr(application, field)]
    fields = list(changed)
    if secret:
        application.client_secret = secret
        changed.append("client_secret")
        fields.append("client_secret_encrypted")
    if changed:
        with transaction.atomic():
            # only what has changed: a secret that somebody renews meanwhile stays
            application.save(update_fields=fields)
            record_event(
                AuditKind.APPLICATION_CHANGED,
                user=user,
                subject=application.name,
                changed=changed,
            )
    return changed


def keep_consent_facts(application: Application, told: Application) -> list[str]:
    """The stored application has what consent took of `told`, by the command line; what changed."""
    changed = [field for field in _CONSENT if getattr(application, field) != getattr(told, field)]
    for field in changed:
        setattr(application, field, getattr(told, field))
    if changed:
        with transaction.atomic():
            application.save(update_fields=changed)
            record_event(
                AuditKind.APPLICATION_CHANGED,
                user=None,
                subject=application.name,
                changed=changed,
            )
    return changed


def _tell(application: Application, facts: ApplicationFacts) -> None:
    for field in _TOLD:
        setattr(application, field, getattr(facts, field))
