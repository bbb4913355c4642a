from django.db import migrations

from audit.guards import AUDIT_GUARDS, install, remove


def install_guards(apps, schema_editor):
    install(schema_editor.connection, AUDIT_GUARDS)


def remove_guards(apps, schema_editor):
    remove(schema_editor.connection, AUDIT_GUARDS)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(install_guards, remove_guards)]
