"""Loads the Celery application together with Django, so that tasks find it."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from solicit_dashboard.celery import app as celery_app
from solicit_dashboard.checks import admin_has_its_own_address

__all__ = ("SolicitDashboardConfig", "celery_app")


class SolicitDashboardConfig(AppConfig):
    name = "solicit_dashboard"

    def ready(self) -> None:
        register(admin_has_its_own_address, Tags.urls)
