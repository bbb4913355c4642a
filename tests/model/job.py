"""One process of the long run: python -m tests.model.job EXAMPLES SEED FILE.

Has a database and a Redis of its own (SQLite in memory, unless TEST_DATABASE_URL says otherwise).
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import django
from django.conf import settings
from django.db import connection
from django.test.utils import setup_databases, setup_test_environment, teardown_databases

# So many examples make one run of Hypothesis: its memory of them is given up in between.
CHUNK = 500


def main(arguments: Sequence[str]) -> int:
    """1 when a promise was broken; what led there is printed, and FILE holds the counts."""
    examples, seed, counts = int(arguments[0]), int(arguments[1]), Path(arguments[2])
    import_module("tests.environment")
    django.setup()
    setup_test_environment(debug=False)
    if connection.vendor == "sqlite":
        settings.DATABASES["default"]["TEST"]["NAME"] = None
    databases = setup_databases(0, interactive=False, serialized_aliases=[])
    logging.disable(logging.CRITICAL)  # what goes wrong on purpose is not worth a line
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        return import_module("tests.model.chunks").run(examples, seed, CHUNK, counts)
    finally:
        teardown_databases(databases, 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
