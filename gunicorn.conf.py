"""How gunicorn serves the dashboard: `gunicorn` alone, in this folder, is enough."""

import sys

from solicit_dashboard.env import EXIT_CONFIG, BadEnvironmentError, read_environment
from solicit_dashboard.logs import logging_configuration

try:
    _env = read_environment()
except BadEnvironmentError as _error:
    sys.stderr.writelines(f"{fault}\n" for fault in _error.faults)
    raise SystemExit(EXIT_CONFIG) from None

wsgi_app = "solicit_dashboard.wsgi:application"
worker_class = "gthread"
workers = 1  # more processes: `gunicorn --workers N`
threads = 8
timeout = 60
graceful_timeout = 15
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
control_socket_disable = True  # a file in the home directory that two dashboards would share
# The address line, which may carry Amazon's consent code, is never written to a log; once there is
# a logconfig_dict, its level for gunicorn.access decides that.
accesslog = None
logconfig_dict = logging_configuration(_env.log_format, _env.log_level)
forwarded_allow_ips = "*" if _env.trusted_proxies else ""
