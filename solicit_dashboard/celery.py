"""The Celery application. It carries hints; the table of actions is the queue."""

import logging.config
import mmap
import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_shutting_down
from django.conf import settings

from solicit_dashboard.promises import start_only_if_kept

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "solicit_dashboard.settings")

app = Celery("solicit_dashboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# One byte that the worker shares with the processes that it forks. Not a lock or an event:
# a child that is killed while it holds one would block the shutdown for ever.
_stop_flag = mmap.mmap(-1, 1)


def stop_requested() -> bool:
    """Whether this worker was told to stop, so that a long task takes up nothing new."""
    return _stop_flag[0] == 1


@worker_shutting_down.connect
def _tell_running_tasks(**_details: Any) -> None:
    _stop_flag[0] = 1


@worker_init.connect
@beat_init.connect
def _check_what_sending_rests_on(**_details: Any) -> None:
    # SystemExit is the one thing that a signal's handler may raise and be heard.
    start_only_if_kept()


@setup_logging.connect
def _log_as_django_does(**_details: Any) -> None:
    # Celery's own handlers would write what ours redact.
    logging.config.dictConfig(settings.LOGGING)
