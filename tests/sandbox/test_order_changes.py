import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.life import Status
from sandbox.options import Options
from sandbox.order_changes import BUYER_CHANGE, Change, changes, envelope
from sandbox.personal import MARK
from sandbox.post import Subscription
from tests.sandbox.conftest import NOW, Desk

DATA = Path(__file__).parents[1] / "data"
SCHEMA = json.loads((DATA / "models" / "OrderChangeNotification.json").read_text())
REAL = json.loads((DATA / "samples" / "ORDER_CHANGE-shipped.json").read_text())
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
SUBSCRIPTION = Subscription("s1", 0, "ORDER_CHANGE", "1.0", "d1", 0.0)


@pytest.fixture
def desk() -> Desk:
    """Smaller than the others' desk, which takes longer to make than these tests to run."""
    return Desk(Options(orders=100, seed=7))


def faults(schema: dict[str, Any], value: Any, where: str = "") -> list[str]:
    """What of the value the schema (draft 7) does not allow: types, words, keys missing or new."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None and "null" in kinds:
        return []
    if not any(isinstance(value, TYPES[kind]) for kind in kinds if kind != "null"):
        return [f"{where}: {value!r} is not {kinds}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where}: {value!r} is none of the words")
    if isinstance(value, dict):
        known = schema["properties"]
        found += [f"{where}: lacks {key}" for key in schema["required"] if key not in value]
        found += [f"{where}: unknown {key}" for key in value if key not in known]
        for key in value.keys() & known.keys():
            found += faults(known[key], value[key], f"{where}.{key}")
    if isinstance(value, list):
        found += [fault for one in value for fault in faults(schema["items"], one, f"{where}[]")]
    return found


def everything(desk: Desk) -> list[tuple[Change, dict[str, Any]]]:
    seller, world = desk.seller, desk.amazon.world
    return [
        (change, envelope(world, seller, change, SUBSCRIPTION))
        for change in changes(world, seller, 0, NOW)
    ]


def keys(value: Any) -> Any:
    """The shape of a document: its keys, and null where it is."""
    if isinstance(value, dict):
        return {key: keys(held) for key, held in value.items()}
    if isinstance(value, list):
        return [keys(one) for one in value[:1]]
    return None if value is None else type(value).__name__


def test_amazons_own_messages_fit_the_schema():
    assert faults(SCHEMA, REAL) == []
    assert [faults(SCHEMA, example) for example in SCHEMA["examples"]] == [[]]


def test_every_message_fits_the_schema():
    told = everything(Desk(Options(orders=500, sellers=1)))
    assert len(told) > 1_200
    assert [fault for _, document in told for fault in faults(SCHEMA, document)] == []
    words = {change.life.status_at(change.at) for change, _ in told}
    assert set(Status) - words <= {Status.UNFULFILLABLE}  # the rarest


def test_a_shipped_order_is_told_of_as_barely_as_in_reality(desk):
    shipped = [
        document
        for change, document in everything(desk)
        if change.life.status_at(change.at) is Status.SHIPPED
    ]
    assert shipped
    assert all(keys(document) == keys(REAL) for document in shipped)
    assert MARK not in json.dumps(shipped)


def test_other_messages_are_as_full_as_the_schemas_example():
    told = everything(Desk(Options(orders=1_000, sellers=1)))
    [example] = SCHEMA["examples"]
    wanted = example["Payload"]["OrderChangeNotification"]["Summary"].keys()
    asked = [
        document["Payload"]["OrderChangeNotification"]
        for change, document in told
        if change.kind == BUYER_CHANGE and not change.life.by_amazon
    ]
    assert asked
    for told_of in asked:
        # Only Easy Ship orders have a status of that.
        assert told_of["Summary"].keys() == wanted - {"EasyShipShipmentStatus"}
        assert told_of["Summary"]["DestinationPostalCode"].startswith(MARK.upper())
        assert told_of["OrderChangeTrigger"]["ChangeReason"] == "Buyer Requested Cancel"


def test_no_message_names_an_asin_and_each_has_its_own_id(desk):
    told = [document for _, document in everything(desk)]
    text = json.dumps(told)
    catalogue = desk.seller.catalogue
    assert not any(one.asin in text for one in (*catalogue.listings, catalogue.hostile))
    ids = {document["NotificationMetadata"]["NotificationId"] for document in told}
    assert len(ids) == len(told)
    assert told == [document for _, document in everything(desk)]


def test_changes_are_told_of_shortly_after_they_happen(desk):
    told = changes(desk.amazon.world, desk.seller, 0, NOW)
    assert all(2 <= change.published - change.at <= 60 for change in told)
    assert [change.published for change in told] == sorted(change.published for change in told)
    middle = told[len(told) // 2].published
    halves = [
        changes(desk.amazon.world, desk.seller, 0, middle),
        changes(desk.amazon.world, desk.seller, middle, NOW),
    ]
    assert [*halves[0], *halves[1]] == told
