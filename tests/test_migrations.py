"""After all migrations the database is what the models and the guards say."""

from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState

from audit.guards import GUARDS, standing

OURS = ("audit", "sellers", "orders", "messaging")


@pytest.mark.django_db
def test_all_guards_stand_after_all_migrations() -> None:
    """Also catches a migration that rebuilds a table on SQLite, which drops its triggers."""
    assert standing(connection) == {guard.name for guard in GUARDS}


@pytest.mark.django_db
def test_the_models_have_no_change_that_no_migration_makes() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_the_migrations_lead_to_the_models_without_a_question() -> None:
    loader = MigrationLoader(None)
    assert loader.detect_conflicts() == {}
    changes = MigrationAutodetector(
        loader.project_state(),
        ProjectState.from_apps(apps),
        NonInteractiveMigrationQuestioner(specified_apps=set(), dry_run=True),
    ).changes(graph=loader.graph)
    assert changes == {}


@pytest.mark.parametrize("app", OURS)
def test_an_app_has_one_initial_migration_and_a_single_line_of_successors(app: str) -> None:
    loader = MigrationLoader(None)
    names = sorted(name for label, name in loader.disk_migrations if label == app)
    assert names[0] == "0001_initial"
    assert len(loader.graph.leaf_nodes(app)) == 1
    assert [name[:4] for name in names] == [f"{number:04d}" for number in range(1, len(names) + 1)]
