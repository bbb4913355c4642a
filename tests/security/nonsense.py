"""Requests that nobody would make on purpose: strange values in path, query, form, body, headers.

Half of what is made is nearly right (the field's own name, a value that means something, the form
that the page would send), because nonsense through and through is refused at the door.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

STRANGE = (
    *("", " ", "0", "-1", "1", "2", "9e9", "9" * 30, "1.5", "abc", "true", "null", "[]", "{}"),
    *("\x00", "\x01", "\x7f", "é\u202e", "\ud7ff", "\U0001f600", "a\r\nX-Header: 1", "\u2028"),
    *("' OR 1=1 --", "%", "%_%", "../../etc/passwd", "..\\..", "<img src=x onerror=alert(1)>"),
    *("{{7*7}}", "${7*7}", "=cmd|' /C calc'!A0", "//evil", "/\\evil", "javascript:alert(1)"),
    *("2026-02-30", "2026-03-14", "0001-01-01", "9999-12-31", "2026-03-14T00:00:00~7", "1~1"),
    *(
        "302-1234567-1234567",
        "a" * 300,
        "é" * 3_000,
        "1" * 5_000,
        "http://[",
        "0x10",
        "\uff11\uff12",
    ),
)
# What means something, by the name of the field.
TELLING: Mapping[str, Sequence[str]] = {
    "state": ("sent", "queued", "eligible", "needs_look", "unconfirmed", "not_eligible"),
    "sort": ("purchased", "-purchased", "window", "-window", "created", "password"),
    "role": ("viewer", "operator", "manager", "owner"),
    "choice": ("sent", "not_sent", "again", "unknown", "retry"),
    "region": ("eu", "na", "fe", "EU"),
    "marketplace": ("A1PA6795UKMFR9", "ATVPDKIKX0DER"),
    "marketplaces": ("A1PA6795UKMFR9", "ATVPDKIKX0DER"),
    "client_id": ("amzn1.application-oa2-client." + "0" * 32,),
    "client_secret": ("amzn1.oa2-cs.v1." + "0" * 64,),
    "refresh_token": ("Atzr|" + "a" * 64, "Atza|" + "a" * 64, "Atzr|é"),
    "selling_partner_id": ("A0000000000001", "AXXXXXXXXXXXXX"),
    "application_id": ("amzn1.sp.solution.00000000-0000-0000-0000-000000000000",),
    "secret_made_on": ("2026-11-01", "2026-13-45"),
    "amazon_callback_uri": ("https://sellercentral.amazon.de/apps/authorize/confirm", "//evil"),
    "redirect_uri": ("https://example.com/accounts/callback/", "http://evil"),
    "password": ("Correct horse battery 9", "wrong"),
    "oldpassword": ("Correct horse battery 9",),
    "password1": ("Correct horse battery 9", "Another horse battery 8", "short"),
    "password2": ("Correct horse battery 9", "Another horse battery 8"),
    "username": ("person1", "person2", "newcomer"),
    "next": ("/orders/", "/orders/?state=sent", "//evil", "/x\r\n"),
    "code": ("123456", "000000", "12345678901234"),
    "credential": (
        "[" * 9_000,
        "{}",
        "[]",
        '{"id": "x", "response": {}}',
        '{"id": 1, "rawId": null}',
    ),
    "form": ("csv", "json"),
    "_to_field": ("id", "password"),
    "_popup": ("1",),
    "o": ("1.2", "-1", "99"),
    "p": ("0", "1", "99999999999999999999"),
    "now": ("1",),
    "error": ("access_denied",),
}
FIELDS = (
    *(
        "q",
        "state",
        "sort",
        "after",
        "before",
        "account",
        "marketplace",
        "channel",
        "first",
        "last",
    ),
    *("next", "order", "all_matching", "filter", "count", "number", "page", "role", "reason"),
    *("kind", "decision", "token", "username", "password", "password1", "oldpassword", "code"),
    *("form", "from", "to", "now", "text", "state[]", "spapi_oauth_code", "selling_partner_id"),
    *("refresh_token", "client_id", "region", "name", "amazon_state", "amazon_callback_uri"),
    *("credential", "error", "client_key", "confirmed", "email", "o", "p", "e", "all", "_popup"),
    *("_to_field", "id__exact", "user__password__startswith", "kind__exact", "at__year", "action"),
    *("_selected_action", "csrfmiddlewaretoken", "csv", "file", "note", "choice", "is_active"),
)
LOOKS, FORMS = ("get", "get", "get", "head"), ("post",)
OTHERS = ("options", "put", "delete", "patch", "trace")
TYPES = (
    *("application/json", "text/plain", "application/x-www-form-urlencoded; charset=nonsense"),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\xff",
    ),
    *("application/octet-stream", "", ";;;", f"multipart/form-data; boundary={'b' * 300}"),
)


@dataclass(frozen=True)
class Request:
    """One request, as it is given to Django's test client."""

    method: str
    path: str
    given: dict[str, Any] = field(default_factory=dict)

    def send(self, client: Client) -> Any:
        """What is answered."""
        return client.generic(self.method.upper(), self.path, **self.given)

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]!r} {str(self.given)[:600]}"


@dataclass(frozen=True)
class Target:
    """An address, and what makes a request to it nearly right."""

    name: str
    route: str
    fields: tuple[str, ...] = ()
    """Names of the fields that it takes."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """A form that it takes."""
    is_form: bool = False
    query: str = ""
    """The field without which its page is closed."""
    telling: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Values that are right here, by the name of the field."""


def request_to(target: Target, values: Mapping[str, object], chance: random.Random) -> Request:
    """A request to it; `values` are what stands in the address of things that are there."""
    path = _path(target.route, values, chance)
    if target.query and chance.random() < 0.5:
        path = f"{path}?{target.query}={chance.choice(target.telling[target.query])}"
    elif chance.random() < (0.35 if target.is_form else 0.6):
        path = f"{path}?{_query(target, chance)}"
    draw = chance.random()
    likes_forms = target.is_form and chance.random() < 0.75
    method = chance.choice(OTHERS if draw < 0.07 else FORMS if likes_forms else LOOKS + FORMS)
    given: dict[str, Any] = {"headers": _headers(chance)}
    if method in ("post", "put", "patch"):
        given["data"], given["content_type"] = _body(target, chance)
    if chance.random() < 0.02:
        given["HTTP_COOKIE"] = _cookies(chance)
    if method == "post" and chance.random() < 0.02:
        given["CONTENT_LENGTH"] = chance.choice(["-1", "abc", "", "3"])
    return Request(method, path, given)


def _path(route: str, values: Mapping[str, object], chance: random.Random) -> str:
    if chance.random() < 0.02:
        return route.partition("<")[0] + _segment(chance)
    is_right = chance.random() < 0.75

    def fill(match: re.Match[str]) -> str:
        return str(values.get(match[1], "1")) if is_right else _segment(chance)

    return re.sub(r"<(?:\w+:)?(\w+)>", fill, route)


def _segment(chance: random.Random) -> str:
    if chance.random() < 0.15:
        return chance.choice(["%00", "%ff", "%", "%zz", "%2e%2e%2f", "%c0%af", "+", ";", "%0d%0a"])
    return quote(chance.choice([*STRANGE[:-3], "1", "2", "token"]), safe="") or "0"


def _query(target: Target, chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(
            ["&&&", "=", "%00=%00", "%ff=%ff", "a" * 3_000, "q", "q=%", "[]=1&[]=2"]
        )
    pairs = _fields(target, chance)
    return "&".join(f"{quote(name)}={quote(value[:2_000])}" for name, value in pairs)


def _fields(target: Target, chance: random.Random) -> list[tuple[str, str]]:
    names = [*target.fields, *target.form] or FIELDS
    pairs = []
    if not target.form and chance.random() < 0.3:
        return [
            (n, chance.choice((*target.telling.get(n, ()), *TELLING.get(n, ("",)))))
            for n in target.fields
        ]
    for _ in range(chance.randrange(1, 6)):
        name = chance.choice(names if chance.random() < 0.6 else FIELDS)
        telling = (*target.telling.get(name, ()), *TELLING.get(name, ()))
        near = bool(telling) and chance.random() < 0.7
        pairs.append((name, chance.choice(telling if near else STRANGE)))
    return pairs


def _body(target: Target, chance: random.Random) -> tuple[Any, str]:
    draw = chance.random()
    if draw < 0.08:
        return chance.randbytes(chance.choice([0, 1, 40, 400])), chance.choice(TYPES)
    if draw < 0.11:
        return json.dumps({name: [None, {"a": 1}] for name in target.fields}), "application/json"
    form = _form(target, chance)
    if draw < 0.2:
        form[chance.choice(["csv", "file", *target.fields])] = _file(chance)
    body = encode_multipart(BOUNDARY, form)
    if draw > 0.96:
        body = body[: chance.randrange(len(body))]
    return body, MULTIPART_CONTENT


def _form(target: Target, chance: random.Random) -> dict[str, Any]:
    """The form that the page would send, with some of it gone, doubled or strange."""
    form: dict[str, Any] = dict(target.form) if chance.random() < 0.85 else {}
    if chance.random() < 0.4:
        return form
    for name, value in _fields(target, chance):
        form[name] = [value, chance.choice(STRANGE)] if chance.random() < 0.15 else value
    if form and chance.random() < 0.2:
        del form[chance.choice(list(form))]
    return form


def _file(chance: random.Random) -> SimpleUploadedFile:
    content = chance.choice(
        [b"", b"\xff\xfe", b"order\n302-1234567-1234567\n", b'a,b\n"', b"PK\x03\x04", b"\x00" * 99]
    )
    return SimpleUploadedFile(chance.choice(["x.csv", "x" * 300, "é.csv", "x.html"]), content)


_ODD_HEADERS: tuple[tuple[float, str, Callable[[random.Random], str]], ...] = (
    (0.3, "HX-Request", lambda chance: chance.choice(["true", "true", "false", "\x7f"])),
    (0.15, "HX-Current-URL", lambda chance: chance.choice(
        ["http://testserver/orders/", "//evil", "http://[", "x" * 300, "%00"]
    )),
    (0.05, "HX-Target", lambda chance: chance.choice(STRANGE[:30]).strip() or "x"),
    (0.05, "Accept-Language", lambda _chance: "x;q=é,*" * 20),
    (0.05, "X-Forwarded-For", lambda chance: chance.choice(["", "::::", "1.2.3.4, 5"])),
    (0.03, "X-Forwarded-Host", lambda _chance: "evil"),
    (0.03, "Referer", lambda chance: chance.choice(["http://testserver/x", "//", "http://["])),
    (0.03, "Host", lambda chance: chance.choice(["evil", "[::", "a" * 300, "localhost:99999"])),
    (0.03, "If-Modified-Since", lambda _chance: "yesterday"),
    (0.03, "Range", lambda _chance: "bytes=9-1"),
    (0.03, "Accept", lambda _chance: ";;;/"),
    (0.03, "User-Agent", lambda _chance: "\xff" * 500),
    (0.03, "Authorization", lambda chance: chance.choice(["Bearer", "Bearer é", "Basic \xff"])),
)  # fmt: skip


def _headers(chance: random.Random) -> dict[str, str]:
    return {name: make(chance) for odds, name, make in _ODD_HEADERS if chance.random() < odds}


def _cookies(chance: random.Random) -> str:
    """Cookies by our names with values that are not ours; as a server is given them."""
    names = ("sessionid", "csrftoken", "messages", "browser", "tz")
    told = "; ".join(f"{chance.choice(names)}={chance.choice(STRANGE)}" for _ in range(2))
    return told.encode().decode("latin-1")
