"""The web process. Its database statements end after ten seconds; a worker's may run longer."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from solicit_dashboard.slow_bodies import BodyDeadline

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "solicit_dashboard.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_SECONDS", "10")

application = BodyDeadline(get_wsgi_application(), settings.BODY_SECONDS)
