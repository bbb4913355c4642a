"""Connects the audit trail to what Django and allauth tell of log-ins."""

from importlib import import_module

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "people"

    def ready(self) -> None:
        # It knows models, which may be imported only now.
        import_module("people.audit_trail").listen()
