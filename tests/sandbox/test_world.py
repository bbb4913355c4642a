from sandbox.basket import basket
from sandbox.life import Status
from sandbox.marketplaces import MARKETPLACES
from sandbox.moments import DAY
from sandbox.world import World, WorldPlan

EPOCH = 1_790_000_000
PLAN = WorldPlan(seed=3, orders=2_000, sellers=3, epoch=EPOCH)


def test_all_orders_lie_before_the_epoch_and_the_stream_goes_on():
    world = World(PLAN)
    for seller in world.sellers:
        orders = world.orders_at(seller, EPOCH)
        assert len(orders) == 2_000
        assert EPOCH - 121 * DAY < orders[0].purchased < orders[-1].purchased <= EPOCH
        assert 150 < len(world.orders_at(seller, EPOCH + 10 * DAY)) - 2_000 < 185


def test_an_earlier_moment_shows_fewer_orders_again():
    world = World(PLAN)
    seller = world.sellers[0]
    later = world.orders_at(seller, EPOCH + 5 * DAY)
    assert len(world.orders_at(seller, EPOCH)) == 2_000 < len(later)
    newest = world.order_id(seller, later[-1])
    assert world.find(seller, newest, EPOCH) is None
    assert world.find(seller, newest, EPOCH + 5 * DAY) is later[-1]


def test_the_same_seed_gives_the_same_world_whatever_was_asked_before():
    one, two = World(PLAN), World(PLAN)
    two.orders_at(two.sellers[2], EPOCH - 90 * DAY)
    for left, right in zip(one.sellers, two.sellers, strict=True):
        assert left.refresh_token == right.refresh_token
        assert one.orders_at(left, EPOCH) == two.orders_at(right, EPOCH)


def test_another_seed_gives_other_sellers_and_orders():
    one, two = World(PLAN), World(WorldPlan(seed=4, orders=2_000, sellers=3, epoch=EPOCH))
    left, right = one.sellers[0], two.sellers[0]
    assert left.selling_partner_id != right.selling_partner_id
    assert left.refresh_token != right.refresh_token
    assert one.client_secret != two.client_secret
    assert one.orders_at(left, EPOCH)[:50] != two.orders_at(right, EPOCH)[:50]


def test_the_first_two_sellers_are_the_demonstrations():
    first, second, third = World(PLAN).sellers
    assert (first.name, first.region) == ("Nordlicht Home", "eu")
    assert [market.country for market in first.marketplaces] == ["DE", "FR", "IT", "ES", "NL", "GB"]
    assert (second.name, second.region) == ("Harbor & Pine", "na")
    assert [market.country for market in second.marketplaces] == ["US", "CA", "MX"]
    assert third.region == "fe"
    assert first.refresh_token.startswith("Atzr|")


def test_every_marketplace_of_a_seller_is_in_its_region():
    for seller in World(WorldPlan(sellers=20, orders=1)).sellers:
        assert {market.region for market in seller.marketplaces} == {seller.region}
    assert len(MARKETPLACES) == 23


def test_names_and_keys_of_many_sellers_differ():
    sellers = World(WorldPlan(sellers=200, orders=1)).sellers
    for key in ("name", "selling_partner_id", "refresh_token"):
        assert len({getattr(seller, key) for seller in sellers}) == 200


def test_the_world_holds_every_kind_of_order():
    world = World(PLAN)
    seller = world.sellers[0]
    lives = world.orders_at(seller, EPOCH)
    share_of_amazon = sum(life.by_amazon for life in lives) / len(lives)
    assert 0.55 < share_of_amazon < 0.68
    assert {life.marketplace.country for life in lives} == {"DE", "FR", "IT", "ES", "NL", "GB"}
    assert any(not life.on_amazon for life in lives)
    assert any(life.replaces is not None for life in lives)
    assert any("AMAZON_BUSINESS" in life.programs for life in lives)
    assert any(life.subscribed for life in lives)
    assert any(life.cancel_asked and life.shipped for life in lives)
    assert any(life.undeliverable for life in lives)
    statuses = {status for life in lives for _, status in life.statuses}
    assert statuses == set(Status)
    assert any(len(basket(world, seller, life)) > 1 for life in lives)


def test_lives_are_lived_in_order():
    world = World(PLAN)
    for life in world.orders_at(world.sellers[1], EPOCH):
        moments = [at for at, _ in life.statuses]
        assert moments == sorted(moments)
        assert moments[0] == life.purchased == life.updates[0]
        assert life.ship_by[0] <= life.purchased < life.ship_by[1]
        assert life.ship_by[1] < life.promise[1]
        assert life.promise[0] <= life.promise[1]
        if life.cancel_asked and life.shipped:
            assert life.shipped > life.cancel_asked


def test_a_replacement_repeats_its_original_for_nothing():
    world = World(PLAN)
    seller = world.sellers[0]
    lives = world.orders_at(seller, EPOCH)
    replacements = [life for life in lives if life.replaces is not None]
    for life in replacements:
        original = lives[life.replaces or 0]
        assert original.purchased < life.purchased
        assert original.marketplace == life.marketplace
        [item] = basket(world, seller, life)
        assert item.price == 0
        assert item.listing == basket(world, seller, original)[0].listing


def test_even_the_smallest_world_has_a_hostile_title():
    world = World(WorldPlan(seed=1, orders=4, epoch=EPOCH))
    for seller in world.sellers:
        life = world.orders_at(seller, EPOCH)[3]
        assert "<img src=x onerror=" in basket(world, seller, life)[0].listing.title(
            life.marketplace
        )


def test_titles_are_in_the_marketplaces_language():
    [listing] = [x for x in World(PLAN).sellers[0].catalogue.listings if x.sku == "NH-LAMP-SAGE"]
    assert "Nachttischlampe" in listing.title(MARKETPLACES["DE"])
    assert "Lámpara" in listing.title(MARKETPLACES["ES"])
    assert "Bedside lamp" in listing.title(MARKETPLACES["SE"])
