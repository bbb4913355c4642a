"""manage.py connect_seller"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from sellers.connection import AmazonRefusedError, ConnectError
from sellers.services import connect_account

# A file with a token or secret is a line of text; whatever is larger is another file.
LARGEST_FILE = 16 * 1024


class Command(BaseCommand):
    help = (
        "Connect a seller account, or renew the credentials of a known one. Amazon is asked "
        "first; nothing is stored unless it lets us in. Secrets come from files, so that they "
        "stand in no history of a shell and in no list of processes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="how people here call the account")
        parser.add_argument("--region", required=True, help="na, eu or fe")
        parser.add_argument("--selling-partner-id", required=True, metavar="A…")
        parser.add_argument("--client-id", required=True, help="LWA client id of the application")
        parser.add_argument("--client-secret-file", required=True, type=Path, metavar="F")
        parser.add_argument("--refresh-token-file", required=True, type=Path, metavar="F")
        parser.add_argument(
            "--marketplaces", nargs="+", default=[], metavar="ID", help="only these marketplaces"
        )
        parser.add_argument(
            "--manager", metavar="NAME", help="user name of who becomes manager of a new account"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = connect_account(
                name=options["name"],
                region=options["region"],
                selling_partner_id=options["selling_partner_id"],
                client_id=options["client_id"],
                client_secret=_content("--client-secret-file", options["client_secret_file"]),
                refresh_token=_content("--refresh-token-file", options["refresh_token_file"]),
                marketplaces=[text.strip() for text in options["marketplaces"]],
                manager=_person(options["manager"]) if options["manager"] else None,
            )
        except AmazonRefusedError as error:
            raise CommandError(str(error), returncode=1) from error
        except ConnectError as error:
            raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            document = {
                "id": account.pk,
                "name": account.name,
                "region": account.region,
                "selling_partner_id": account.selling_partner_id,
                "marketplaces": sorted(
                    account.marketplaces.values_list("marketplace_id", flat=True)
                ),
            }
            self.stdout.write(json.dumps(document))
        else:
            self.stdout.write(str(account.pk))


def _content(option: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise CommandError(f"{option} {path}: {reason}.", returncode=2) from error
    if len(content) > LARGEST_FILE:
        raise CommandError(f"{option} {path}: too large for a secret.", returncode=2)
    return content


def _person(name: str) -> User:
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {name}.", returncode=2) from None
