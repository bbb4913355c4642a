"""The settings as mypy's Django plugin sees them: complete without any environment."""

import os

os.environ["DEBUG"] = "1"

from solicit_dashboard.settings import *  # noqa: F403
