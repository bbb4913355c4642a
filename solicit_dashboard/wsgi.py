"""The web process. Its database statements end after ten seconds; a worker's may run longer."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "solicit_dashboard.settings")
os.environ.setdefault("STATEMENT_TIMEOUT_SECONDS", "10")

application = get_wsgi_application()
