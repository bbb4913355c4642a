"""`manage.py sandbox`: Amazon on this machine, with the options of `python -m sandbox`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sandbox.__main__ import run
from sandbox.options import add_options, options_from


class Command(BaseCommand):
    """Thin: all of it is in the package `sandbox`, which needs no Django."""

    help = "Amazon on this machine, over HTTP, for the demonstration and the tests."
    requires_system_checks = []  # it uses neither the database nor the settings

    def add_arguments(self, parser: CommandParser) -> None:
        """The same options as `python -m sandbox`."""
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until SIGTERM or Ctrl-C; CommandError with the exit code when it cannot start."""
        code = run(options_from(options))
        if code:
            raise CommandError("The sandbox did not start.", returncode=code)
