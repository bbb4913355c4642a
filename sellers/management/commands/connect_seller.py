"""manage.py connect_seller"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from sellers.applications import keep_consent_facts
from sellers.connection import (
    AmazonRefusedError,
    ConnectError,
    get_refresh_token,
    parse_region,
    read_client_secret,
)
from sellers.consent import STATE_LASTS, Journey, address_for, new_state, places, read_return
from sellers.models import Application, Region, SellerAccount
from sellers.services import connect_account
from sellers.views.connecting import known_order
from spapi import MARKETPLACES

# A file with a token or secret is a line of text; whatever is larger is another file.
LARGEST_FILE = 16 * 1024


class Command(BaseCommand):
    help = (
        "Connect a seller account, or renew the credentials of a known one. Amazon is asked "
        "first; nothing is stored unless it lets us in. Secrets come from files, so that they "
        "stand in no history of a shell and in no list of processes. With --authorize the seller "
        "consents at Amazon: the address to go to is printed, and the address that Amazon sends "
        "the browser back to is read from standard input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="how people here call the account")
        parser.add_argument("--region", required=True, help="na, eu or fe")
        parser.add_argument("--selling-partner-id", metavar="A…")
        parser.add_argument("--client-id", required=True, help="LWA client id of the application")
        parser.add_argument(
            "--client-secret-file", type=Path, metavar="F", help="not needed if it is stored here"
        )
        parser.add_argument("--refresh-token-file", type=Path, metavar="F")
        parser.add_argument(
            "--authorize", action="store_true", help="by consent, instead of by a refresh token"
        )
        parser.add_argument(
            "--application-id",
            default="",
            metavar="amzn1.sp.solution.…",
            help="for --authorize, unless it is stored here",
        )
        parser.add_argument(
            "--redirect-uri",
            default="",
            metavar="URL",
            help="for --authorize, as registered with Amazon, unless it is stored here",
        )
        parser.add_argument(
            "--draft", action="store_true", help="for --authorize: the application is not published"
        )
        parser.add_argument(
            "--consent-at",
            default="",
            metavar="ID",
            help="for --authorize: the marketplace whose Seller Central asks (any of the region)",
        )
        parser.add_argument(
            "--marketplaces", nargs="+", default=[], metavar="ID", help="only these marketplaces"
        )
        parser.add_argument(
            "--manager", metavar="NAME", help="user name of who becomes manager of a new account"
        )
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            account = self._connect(options)
        except AmazonRefusedError as error:
            raise CommandError(str(error), returncode=1) from error
        except ConnectError as error:
            raise CommandError(str(error), returncode=2) from error
        if account.paused_at is not None:
            self.stderr.write(f"The account is paused. {account.pause_reason}".rstrip())
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

    def _connect(self, options: dict[str, Any]) -> SellerAccount:
        region, partner = options["region"], options["selling_partner_id"]
        application = _application(options)
        if options["authorize"]:
            refresh_token, partner = self._consent(application, options)
        elif options["refresh_token_file"] and partner:
            refresh_token = _content("--refresh-token-file", options["refresh_token_file"])
        else:
            raise CommandError(
                "Give --selling-partner-id and --refresh-token-file, or --authorize.", returncode=2
            )
        account = connect_account(
            name=options["name"],
            region=region,
            selling_partner_id=partner,
            client_id=application.client_id,
            client_secret=read_client_secret(application),
            refresh_token=refresh_token,
            marketplaces=[text.strip() for text in options["marketplaces"]],
            manager=_person(options["manager"]) if options["manager"] else None,
            known_order=_known_order(partner, region),
        )
        if options["authorize"]:
            # what consent took, so that the next one can begin in the browser
            keep_consent_facts(account.application, application)
        return account

    def _consent(self, application: Application, options: dict[str, Any]) -> tuple[str, str]:
        """The refresh token and the id of the seller who consents now."""
        region = parse_region(options["region"])
        state = new_state()
        journey = Journey(
            application=application,
            marketplace_id=_consent_at(region, options["consent_at"]),
            redirect_uri=application.redirect_uri,
            name=options["name"],
        )
        self.stderr.write("Open this address in a browser, log in as the seller and consent:")
        # not on standard output, which is for the result
        self.stderr.write(address_for(journey, state))
        self.stderr.write("Paste the whole address that Amazon sends the browser back to:")
        began = time.monotonic()
        line = sys.stdin.readline(LARGEST_FILE)
        if time.monotonic() - began > STATE_LASTS.total_seconds():
            raise ConnectError("That took more than ten minutes. Start again.")
        code, partner = read_return(line, state)
        expected = (options["selling_partner_id"] or partner).strip()
        if partner != expected:
            raise ConnectError(f"Another seller (…{partner[-2:]}) has consented, not {expected}.")
        return get_refresh_token(code, application, application.redirect_uri), partner


def _application(options: dict[str, Any]) -> Application:
    """The application as it is stored and as it is told now; it is not saved."""
    client_id = options["client_id"].strip()
    application = Application.objects.filter(client_id=client_id).first()
    if options["client_secret_file"]:
        application = application or Application(client_id=client_id, name=options["name"])
        secret = _content("--client-secret-file", options["client_secret_file"])
        application.client_secret = secret.strip()
    elif application is None:
        raise CommandError(
            "--client-secret-file is needed: this application is not stored yet.", returncode=2
        )
    if not options["authorize"]:
        return application
    application.is_public = True
    application.is_draft = options["draft"] or application.is_draft
    for name in ("application_id", "redirect_uri"):
        setattr(application, name, options[name].strip() or getattr(application, name))
        if not getattr(application, name):
            raise CommandError(
                f"--{name.replace('_', '-')} is needed for --authorize.", returncode=2
            )
    return application


def _consent_at(region: Region, wanted: str) -> str:
    """The marketplace whose consent page is used: the one wanted, or the region's first."""
    here = [place for place, _words in places() if MARKETPLACES[place].region == region]
    if not wanted:
        return here[0]
    if wanted not in here:
        raise ConnectError(
            f"No consent page is known for {wanted} in {region.label}; there are {', '.join(here)}."
        )
    return wanted


def _known_order(partner: str, region: str) -> str:
    """An order by which the seller of a known account can be told, "" for a new one."""
    accounts = SellerAccount.objects.filter(
        selling_partner_id=partner.strip(), region=region.strip().lower()
    )
    return known_order(accounts.first())


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
