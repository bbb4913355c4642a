"""Seller Central's consent page: which seller lets the application in, and where they go then.

GET /apps/authorize/consent   the page: one button for each seller, one to refuse
GET /apps/authorize/decide    sends the browser back with a code, or with error=access_denied

The sandbox has nobody who logs in, so whoever sits at the browser chooses which seller they are.
"""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from urllib.parse import urlencode, urlsplit

from sandbox.amazon import Amazon
from sandbox.messages import HTML, Answer, Request

PAGE, DECIDE = "/apps/authorize/consent", "/apps/authorize/decide"
_STYLE = """
:root { color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 40rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
a { display: block; padding: .75rem 0; border-top: 1px solid #8885; }
"""
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_consent(request: Request) -> bool:
    """Whether the request is a browser's on the consent page."""
    return request.path in (PAGE, DECIDE)


def answer_consent(amazon: Amazon, request: Request) -> Answer:
    """The page, the way back, or Amazon's own error words for what is wrong with the address."""
    if request.method != "GET":
        return _page("MD1000", "Only GET.", status=400)
    asked = {name: values[0] for name, values in request.query.items() if len(values) == 1}
    if asked.get("application_id") != amazon.world.application_id:
        return _page("MD1000", "There is no such application.", status=400)
    redirect_uri = asked.get("redirect_uri", "")
    # Amazon knows the registered ones; we know that ours is on this machine.
    if urlsplit(redirect_uri).hostname not in _LOOPBACK:
        return _page("MD5101", "The redirect URI is not registered.", status=400)
    if request.path == PAGE:
        return _choice(amazon, asked)
    return _decided(amazon, asked, redirect_uri)


def _choice(amazon: Amazon, asked: Mapping[str, str]) -> Answer:
    kept = {
        name: asked[name] for name in ("application_id", "redirect_uri", "state") if name in asked
    }
    links = "".join(
        f'<a href="{escape(DECIDE)}?{escape(urlencode(kept | {"seller": number}))}">'
        f"Confirm as {escape(name)}</a>"
        for number, name in [(s.number, s.name) for s in amazon.world.sellers]
    )
    refuse = f'<a href="{DECIDE}?{escape(urlencode(kept))}">Refuse</a>'
    return _page("Let the application in?", "This is the sandbox, not Amazon.", links + refuse)


def _decided(amazon: Amazon, asked: Mapping[str, str], redirect_uri: str) -> Answer:
    query = {"state": asked["state"]} if "state" in asked else {}
    number = asked.get("seller", "")
    if number.isascii() and number.isdigit() and int(number) < len(amazon.world.sellers):
        seller = amazon.world.sellers[int(number)]
        query["selling_partner_id"] = seller.selling_partner_id
        query["spapi_oauth_code"] = amazon.state.codes.issue(seller, redirect_uri, amazon.now())
    else:
        query["error"] = "access_denied"
    joint = "&" if "?" in redirect_uri else "?"
    target = f"{redirect_uri}{joint}{urlencode(query)}"
    return Answer(302, b"", f"{HTML}; charset=utf-8", {**_HEADERS, "Location": target})


def _page(title: str, text: str, links: str = "", status: int = 200) -> Answer:
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{_STYLE}</style>'
        f"</head><body><main><h1>{escape(title)}</h1><p>{escape(text)}</p>{links}</main></body>"
        "</html>"
    )
    return Answer(status, body.encode(), f"{HTML}; charset=utf-8", dict(_HEADERS))
