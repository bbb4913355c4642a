"""How often a password or code may be tried, without letting a stranger lock anybody out.

Failures count for WINDOW: per person and address, per person from all addresses together, and per
address. Who has not logged in yet is counted by the name that they type, whether or not somebody
has it: otherwise two ways of writing one name would tell that there is such a person. A browser in
which this person has logged in with their present password (a signed cookie says so) is counted by
itself, so that whoever attacks a name from elsewhere keeps out strangers but not its owner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_urlsafe

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import truncate_ip
from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from people.models import LogInAttempt

WINDOW = timedelta(minutes=15)
PER_PERSON_AND_ADDRESS = 10
PER_PERSON = 50
PER_ADDRESS = 100
# How long a browser is remembered in which somebody has logged in.
KNOWN_FOR = timedelta(days=180)
_PEOPLE_OF_A_BROWSER = 5
_SALT = "people.limits"


class TooManyAttemptsError(Exception):
    """No further try is looked at for now, a right one neither."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many attempts; wait {minutes} min.")
        self.minutes = minutes


@dataclass(frozen=True)
class Attempt:
    """A try that is counted until it has succeeded."""

    ids: tuple[int, ...]
    is_last: bool

    def succeeded(self) -> None:
        """It is not counted."""
        LogInAttempt.objects.filter(pk__in=self.ids).delete()


def begin_attempt(
    request: HttpRequest, step: str, name: str, person: User | None, *, most: int | None = None
) -> Attempt:
    """The try is counted before it is looked at, so that many at once do not pass together.

    `step` is "password", "code" or "confirm"; `name` what was typed, `person` whose name it is, if
    anybody's; `most` how many tries one person has from all addresses together (PER_PERSON). Where
    neither is known, the address alone is counted, to the same number. Raises
    TooManyAttemptsError.
    """
    now = timezone.now()
    LogInAttempt.objects.filter(at__lte=now - WINDOW).delete()
    limits = _limits(request, step, name, person, PER_PERSON if most is None else most)
    rows = LogInAttempt.objects.bulk_create(LogInAttempt(key=key, at=now) for key in limits)
    attempt_ids = tuple(row.pk for row in rows)
    counted = (
        LogInAttempt.objects.filter(key__in=limits, at__gt=now - WINDOW)
        .values_list("key")
        .annotate(number=Count("pk"), first=Min("at"))
    )
    waits, is_last = [], False
    for key, number, first in counted:
        if number > limits[key]:
            waits.append(first + WINDOW - now)
        is_last = is_last or number == limits[key]
    if waits:
        # What is not looked at does not count, or the wait would never end.
        LogInAttempt.objects.filter(pk__in=attempt_ids).delete()
        raise TooManyAttemptsError(max(1, math.ceil(max(waits) / timedelta(minutes=1))))
    return Attempt(attempt_ids, is_last)


def remember_browser(request: HttpRequest, response: HttpResponseBase, person: User) -> None:
    """This person's tries in this browser are from now on counted by themselves."""
    browser, people = _read_cookie(request)
    mark = _mark(person)
    if people.get(str(person.pk)) == mark:
        return
    others = [(pk, theirs) for pk, theirs in people.items() if pk != str(person.pk)]
    people = dict([(str(person.pk), mark), *others][:_PEOPLE_OF_A_BROWSER])
    response.set_cookie(
        _cookie_name(),
        signing.dumps([browser or token_urlsafe(16), people], salt=_SALT),
        max_age=KNOWN_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def counted_address(request: HttpRequest) -> str:
    """Where the request comes from, as it is counted and recorded: of IPv6 the network (/64)."""
    address: str = truncate_ip(get_adapter().get_client_ip(request))
    return address


def _limits(
    request: HttpRequest, step: str, name: str, person: User | None, most: int
) -> dict[str, int]:
    """How many tries each key may have in the window."""
    address = counted_address(request)
    per_address = {_key("address", address): PER_ADDRESS}
    if person is None and not name:
        return {_key(step, "address", address): most} | per_address
    browser, people = _read_cookie(request)
    if person is not None and people.get(str(person.pk)) == _mark(person):
        return {_key(step, f"id {person.pk}", "browser", browser): PER_PERSON_AND_ADDRESS}
    whom = f"name {_one_way_of_writing(name)}" if name or person is None else f"id {person.pk}"
    return {
        _key(step, whom, "address", address): PER_PERSON_AND_ADDRESS,
        _key(step, whom): most,
    } | per_address


def _one_way_of_writing(name: str) -> str:
    # As the databases compare addresses, so that nobody has more tries by writing the long s of Fraktur for s.
    return name.strip().upper().lower()


def _mark(person: User) -> str:
    """Says that a browser has known this password, and nothing about it; another has another."""
    return salted_hmac(f"{_SALT}.mark", person.password, algorithm="sha256").hexdigest()[:16]


def _read_cookie(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """The browser's own word, and the mark of each person (by id) who has logged in there."""
    stored = request.COOKIES.get(_cookie_name(), "")
    try:
        browser, people = signing.loads(stored, salt=_SALT, max_age=KNOWN_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return "", {}
    return (browser, people) if isinstance(people, dict) else ("", {})


def _cookie_name() -> str:
    return "__Host-browser" if settings.SESSION_COOKIE_SECURE else "browser"


def _key(*parts: str) -> str:
    return salted_hmac(_SALT, "\0".join(parts), algorithm="sha256").hexdigest()
