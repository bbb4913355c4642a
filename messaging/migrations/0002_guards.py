from django.db import migrations

from audit.guards import MESSAGING_GUARDS, install, remove


def install_guards(apps, schema_editor):
    install(schema_editor.connection, MESSAGING_GUARDS)


def remove_guards(apps, schema_editor):
    remove(schema_editor.connection, MESSAGING_GUARDS)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [migrations.RunPython(install_guards, remove_guards)]
