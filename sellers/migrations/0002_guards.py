from django.db import migrations

from audit.guards import SELLERS_GUARDS, install, remove


def install_guards(apps, schema_editor):
    install(schema_editor.connection, SELLERS_GUARDS)


def remove_guards(apps, schema_editor):
    remove(schema_editor.connection, SELLERS_GUARDS)


class Migration(migrations.Migration):
    dependencies = [("sellers", "0001_initial")]

    operations = [migrations.RunPython(install_guards, remove_guards)]
