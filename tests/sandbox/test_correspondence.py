from collections import Counter

from sandbox.amazon import Amazon
from sandbox.correspondence import buyer_locale, messages_offered
from sandbox.life import Status
from sandbox.moments import DAY
from sandbox.operations.message_kinds import KINDS
from sandbox.options import Options
from tests.sandbox.conftest import Desk

BEFORE_SHIPPING = {"confirmOrderDetails", "confirmCustomizationDetails"}
AFTER_SHIPPING = {
    "sendInvoice",
    "legalDisclosure",
    "warranty",
    "updateFeedback",
    "negativeFeedbackRemoval",
}


def lists(amazon: Amazon, at: float):
    seller = amazon.world.sellers[0]
    for life in amazon.world.orders_at(seller, at):
        yield life, messages_offered(7, seller.number, life, at)


def test_what_is_offered_follows_the_state_of_the_order():
    desk = Desk(Options(orders=2_000, seed=7))
    seen: Counter[str] = Counter()
    for life, offered in lists(desk.amazon, desk.clock):
        status = life.status_at(desk.clock)
        seen.update(offered.keys())
        if not life.on_amazon or status in (Status.PENDING, Status.CANCELLED, Status.UNFULFILLABLE):
            assert not offered
        elif status is Status.UNSHIPPED:
            assert "confirmOrderDetails" in offered
            assert not AFTER_SHIPPING & offered.keys()
        elif offered:
            assert {"unexpectedProblem", "sendInvoice", "legalDisclosure"} <= offered.keys()
            assert not BEFORE_SHIPPING & offered.keys()
            feedback = {"updateFeedback", "negativeFeedbackRemoval"} & offered.keys()
            assert not feedback or desk.clock >= life.delivered + 2 * DAY
            arrived = life.delivered is not None and desk.clock >= life.delivered
            assert ("confirmDeliveryDetails" in offered) is (not life.by_amazon and not arrived)
        else:
            assert desk.clock > life.delivered + 60 * DAY
    assert seen.keys() == {kind.name for kind in KINDS}
    assert min(seen.values()) >= 3


def test_some_messages_are_listed_and_disabled_with_a_reason():
    desk = Desk(Options(orders=1_000, seed=7))
    disabled = desk.amazon.message_offers(desk.seller, disabled=True)
    offered = desk.amazon.message_offers(desk.seller)
    assert disabled.keys() == {"sendInvoice", "unexpectedProblem"}
    for name, orders in disabled.items():
        assert 5 < len(orders) < len(offered[name])
        assert not set(orders) & set(offered[name])


def test_the_same_seed_gives_the_same_lists_at_every_moment():
    first, second = (Desk(Options(orders=300, seed=7)) for _ in range(2))
    for later in (0, DAY, 10 * DAY):
        at = first.clock + later
        assert [one for _, one in lists(first.amazon, at)] == [
            one for _, one in lists(second.amazon, at)
        ]


def test_most_buyers_speak_the_language_of_the_marketplace():
    desk = Desk(Options(orders=1_000, seed=7))
    own = 0
    for life in desk.lives():
        locale = buyer_locale(7, 0, life)
        assert locale == buyer_locale(7, 0, life)
        assert len(locale) == 5
        same = locale == life.marketplace.language.replace("_", "-")
        assert same or locale[:2] != life.marketplace.language[:2]
        own += same
    assert 850 < own < 950
