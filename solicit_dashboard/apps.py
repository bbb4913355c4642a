"""Loads the Celery application together with Django, so that tasks find it."""

from django.apps import AppConfig

from solicit_dashboard.celery import app as celery_app

__all__ = ("SolicitDashboardConfig", "celery_app")


class SolicitDashboardConfig(AppConfig):
    name = "solicit_dashboard"
