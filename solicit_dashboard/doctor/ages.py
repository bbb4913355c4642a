"""What runs out by itself: the client secret after 180 days, the authorization after 365."""

from __future__ import annotations

from orders.states import Tone
from sellers.expiry import Countdown, authorization_countdown, secret_countdown
from solicit_dashboard.doctor.findings import CONNECT_AGAIN, Finding, warn
from solicit_dashboard.doctor.visit import Visit


def secret(visit: Visit) -> Finding:
    """The application's client secret is younger than 180 days, as far as we were told."""
    return _told(
        "The client secret",
        secret_countdown(visit.account.application, visit.at),
        "Make a new client secret in Amazon's developer console and put it in under Applications.",
    )


def authorization(visit: Visit) -> Finding:
    """The seller's authorization is younger than 365 days."""
    countdown = authorization_countdown(visit.account, visit.at)
    if countdown is None:
        return warn("There is none without a token: see the line of the token.", "")
    return _told("The authorization", countdown, CONNECT_AGAIN)


def _told(what: str, countdown: Countdown, remedy: str) -> Finding:
    is_over = countdown.days_left < 0
    says = f"{what} {'ran' if is_over else 'runs'} out on {countdown.ends_on:%d %b %Y}: "
    tone = Tone(countdown.tone)
    return Finding(tone, f"{says}{countdown.words}.", "" if tone == Tone.GOOD else remedy)
