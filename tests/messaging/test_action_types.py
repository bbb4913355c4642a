"""What can be asked, compared with Amazon's models and with what the client can do."""

import json
from pathlib import Path

import pytest

from messaging.action_types import ACTION_TYPES, MESSAGES, REVIEW_REQUEST, ActionType
from spapi import OPERATIONS

MODELS = Path(__file__).parents[1] / "data" / "models"


# Where the address of the operation does not end with the name in Amazon's list.
ADDRESSES = {"sendInvoice": "invoice"}
all_types = pytest.mark.parametrize("action_type", ACTION_TYPES.values(), ids=lambda one: one.name)


def operation_of(action_type: ActionType) -> dict:
    """The operation that carries it out, in Amazon's model."""
    name = "messaging-before-2025-08-04" if action_type.withdrawn_on else action_type.api.value
    model = json.loads((MODELS / f"{name}.json").read_text())
    (found,) = [
        {**operation, "definitions": model["definitions"], "path": path}
        for path, methods in model["paths"].items()
        for method, operation in methods.items()
        if method == "post" and operation["operationId"] == action_type.send
    ]
    return found


@all_types
def test_an_action_is_what_its_model_says(action_type: ActionType) -> None:
    operation = operation_of(action_type)
    name = ADDRESSES.get(action_type.name, action_type.name)
    assert operation["path"].endswith(f"/{name}")
    bodies = [one["schema"]["$ref"] for one in operation["parameters"] if one["in"] == "body"]
    if not bodies:
        assert (action_type.text, action_type.files, action_type.coverage) == (None, None, False)
        return
    definition = operation["definitions"][bodies[0].removeprefix("#/definitions/")]
    properties = definition["properties"]
    takes = {"text"} if action_type.text else set()
    takes |= {"attachments"} if action_type.files else set()
    takes |= {"coverageStartDate", "coverageEndDate"} if action_type.coverage else set()
    assert set(properties) == takes
    if action_type.text is not None:
        text = properties["text"]
        limits = (text["minLength"], text["maxLength"])
        assert (action_type.text.least, action_type.text.most) == limits
    if action_type.files is not None:
        # the models say lengths where they mean numbers
        assert action_type.files.most == properties["attachments"].get("maxLength", 5)
    assert action_type.send in action_type.source


def test_a_withdrawn_action_is_not_in_the_model_of_today() -> None:
    today = json.loads((MODELS / "messaging.json").read_text())
    operations = {
        operation["operationId"]
        for methods in today["paths"].values()
        for operation in methods.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    withdrawn = {one.send for one in MESSAGES.values() if one.withdrawn_on}
    assert withdrawn == {"CreateAmazonMotors", "createNegativeFeedbackRemoval"}
    assert {one.send for one in MESSAGES.values()} - operations == withdrawn


@pytest.mark.parametrize("action_type", MESSAGES.values(), ids=lambda one: one.name)
def test_a_message_says_what_it_does_and_what_it_may_be_used_for(action_type: ActionType) -> None:
    assert action_type.help.endswith(".")
    assert action_type.purpose.endswith(".")


@all_types
def test_an_action_is_listed_and_sent_by_operations_of_its_own_api(action_type: ActionType) -> None:
    look, send = OPERATIONS[action_type.look], OPERATIONS[action_type.send]
    assert (look.api, send.api) == (action_type.api.value, action_type.api.value)
    assert (look.method, send.method) == ("GET", "POST")


def test_everything_but_the_review_request_is_a_message() -> None:
    assert set(ACTION_TYPES) == {REVIEW_REQUEST.name, *MESSAGES}
    assert REVIEW_REQUEST.is_solicitation
    assert not any(message.is_solicitation for message in MESSAGES.values())
