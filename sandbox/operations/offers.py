"""Lists of actions, as Solicitations and Messaging give them (JSON Hypertext Application Language)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.life import Life
from sandbox.messages import error_answer
from sandbox.operations.routing import Call, RequestError, State
from sandbox.randomness import draw


@dataclass(frozen=True, slots=True)
class Schema:
    """The form in Seller Central for one action; not the body that the operation takes."""

    name: str
    title: str
    description: str
    properties: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    hidden: bool = False


def the_order(state: State, call: Call) -> Life:
    """The order of the path; 404 when there is none, or it is another seller's."""
    life = state.world.find(call.partner, call.order_id, call.now)
    if life is None:
        message = "The requested order was not found."
        raise RequestError(error_answer(404, "NotFound", message))
    return life


def is_left_out(state: State, call: Call) -> bool:
    """Whether this look is one of those at which Amazon's list is empty for no reason.

    By chance, each look anew, with the share `empty_share` (selling-partner-api-models issue 187).
    """
    if not state.empty_share:
        return False
    # Each list has its own chance: looks at one do not change what the other says.
    key = f"{call.operation.name} {call.order_id}"
    look = state.looks[key] = state.looks.get(key, 0) + 1
    chance = draw(state.world.plan.seed, "empty list", key, look)
    return chance.random() < state.empty_share


def hal_list(
    call: Call,
    api: str,
    marketplace: str,
    schemas: Sequence[Schema],
    disabled: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The list as Amazon really sends it: name and title on the action, not under `payload`.

    `disabled` holds the reasons for which actions are disabled, by name; None where the API says
    nothing of it.
    """
    order = f"/{api}/v1/orders/{call.order_id}"
    query = f"?marketplaceIds={marketplace}"
    folder = "messages" if api == "messaging" else api
    links, embedded = [], []
    for schema in schemas:
        action = f"{order}/{folder}/{schema.name}"
        this = {"href": action + query, "name": schema.name}
        links.append(this)
        link = {"href": f"{action}/schema", "name": schema.name}
        embedded.append(_embedded(schema, this, link, disabled))
    return {
        "_links": {"actions": links, "self": {"href": order + query}},
        "_embedded": {"actions": embedded},
    }


def _embedded(
    schema: Schema,
    this: dict[str, str],
    link: dict[str, str],
    disabled: Mapping[str, str] | None,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "_links": {"self": link},
        "type": "object",
        "name": schema.name,
        "title": schema.title,
        "description": schema.description,
        "properties": schema.properties,
        "required": list(schema.required),
        "$schema": "http://json-schema.org/draft-04/schema#",
        "x-ui-hidden": schema.hidden,
    }
    if disabled is not None:
        reason = disabled.get(schema.name) or None
        shown |= {"disabled": reason is not None, "disabledReason": reason}
    return {
        "_links": {"schema": link, "self": this},
        "_embedded": {"schema": shown},
        "name": schema.name,
        "title": schema.title,
    }
