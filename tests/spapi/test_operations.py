"""The table of operations says what Amazon's models say."""

import json
import re
from pathlib import Path

import pytest

from spapi import OPERATIONS

MODELS = Path(__file__).parent.parent / "data" / "models"
FILES = {
    "solicitations": "solicitations.json",
    "messaging": "messaging.json",
    "orders": "orders_2026-01-01.json",
    "orders v0": "ordersV0.json",
    "notifications": "notifications.json",
    "sellers": "sellers.json",
    "tokens": "tokens_2021-03-01.json",
    "reports": "reports_2021-06-30.json",
    "uploads": "uploads_2020-11-01.json",
    "replenishment": "replenishment-2022-11-07.json",
}
BEFORE = "messaging-before-2025-08-04.json"
WITHDRAWN = {"createNegativeFeedbackRemoval", "CreateAmazonMotors"}
UNPUBLISHED = {"sendInvoice"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_is_as_in_its_model(name: str) -> None:
    operation = OPERATIONS[name]
    file = FILES.get(f"{operation.api} {operation.version}") or FILES[operation.api]
    model = json.loads((MODELS / (BEFORE if name in WITHDRAWN else file)).read_text())
    paths = {re.sub(r"\{.*?\}", "{}", path): ops for path, ops in model["paths"].items()}
    described = paths[re.sub(r"\{.*?\}", "{}", operation.path)][operation.method.lower()]
    assert described["operationId"] == operation.name.removesuffix("V0")
    assert ("grantless" in described["description"]) is bool(operation.scope)
    assert model["info"]["version"] == operation.version
    assert str(operation.success) in described["responses"]
    plan = re.search(r"\| *([\d.]+) *\| *(\d+) *\|", described["description"])
    assert (plan is None) is (name in UNPUBLISHED)
    published = (float(plan[1]), int(plan[2])) if plan else (1.0, 5)  # all others of Messaging
    assert published == (operation.rate, operation.burst)
    assert operation.source.endswith(file)
    assert ("/main/" in operation.source) is (name not in WITHDRAWN)


def test_withdrawn_operations_are_in_no_newer_model() -> None:
    newer = (MODELS / "messaging.json").read_text()
    for name in WITHDRAWN:
        assert name not in newer
        assert OPERATIONS[name].path.rpartition("/")[2] in newer, "its list still has them"


def test_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        OPERATIONS["x"] = next(iter(OPERATIONS.values()))
