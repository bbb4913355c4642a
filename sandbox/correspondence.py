"""Which messages Amazon offers for an order at a moment, and the language of its buyer.

Amazon publishes no rules; what is known is that a question about an order may be put before it is
shipped (issues 193 and 1662 of selling-partner-api-models), that an invoice or the news of a problem
comes later, and that the list may name messages which are disabled. The rest is invented, the same
for the same seed.
"""

from sandbox.eligibility import may_be_written_to
from sandbox.life import Life, Status
from sandbox.moments import DAY
from sandbox.randomness import draw

BY_AMAZON = "Amazon provides the invoice for this order."
TOO_MANY = "You have sent the highest number of messages for this order."
_FEEDBACK_AFTER = 2 * DAY
_ENDS_AFTER = 60 * DAY
_OTHER_LANGUAGES = ("zh-CN", "en-GB", "fr-FR", "es-ES", "de-DE", "tr-TR", "pt-PT")


def messages_offered(seed: int, seller: int, life: Life, at: float) -> dict[str, str]:
    """By name what the list holds, with the reason for which it is disabled ("" when it is not)."""
    status = life.status_at(at)
    if not life.on_amazon or status not in (
        Status.UNSHIPPED,
        Status.PARTIALLY_SHIPPED,
        Status.SHIPPED,
    ):
        return {}
    if life.delivered is not None and at > life.delivered + _ENDS_AFTER:
        return {}
    chance = draw(seed, "messages", seller, life.number)
    custom, motors, service, digital, warranty, feedback, too_many = (
        chance.random() for _ in range(7)
    )
    before = may_be_written_to(life, at)
    arrived = life.delivered is not None and at >= life.delivered
    judged = life.delivered is not None and at >= life.delivered + _FEEDBACK_AFTER
    holds = {
        "confirmOrderDetails": before,
        "confirmCustomizationDetails": before and custom < 0.5,
        "confirmDeliveryDetails": not life.by_amazon and not arrived,
        "confirmServiceDetails": service < 0.06,
        "amazonMotors": motors < 0.06,
        "digitalAccessKey": digital < 0.08,
        "unexpectedProblem": not before or not life.by_amazon,
        "legalDisclosure": not before,
        "sendInvoice": not before,
        "warranty": not before and warranty < 0.3,
        "updateFeedback": judged and feedback < 0.12,
        "negativeFeedbackRemoval": judged and feedback < 0.1,
    }
    reasons = {
        "sendInvoice": BY_AMAZON if "AMAZON_BUSINESS" in life.programs else "",
        "unexpectedProblem": TOO_MANY if too_many < 0.05 else "",
    }
    return {name: reasons.get(name, "") for name, held in holds.items() if held}


def buyer_locale(seed: int, seller: int, life: Life) -> str:
    """The buyer's language: mostly that of the marketplace, for one order of ten another one."""
    chance = draw(seed, "language", seller, life.number)
    own = life.marketplace.language.replace("_", "-")
    if chance.random() >= 0.1:
        return own
    return chance.choice([one for one in _OTHER_LANGUAGES if one[:2] != own[:2]])
