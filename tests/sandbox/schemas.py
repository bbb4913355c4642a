"""Checks a document against a schema of Amazon's models: types, required keys, enums, known keys."""

import json
from pathlib import Path
from typing import Any

_MODELS = Path(__file__).parents[1] / "data" / "models"
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "number": (int, float),
}


class Model:
    """One of Amazon's models."""

    def __init__(self, name: str) -> None:
        self.document = json.loads((_MODELS / name).read_text(encoding="utf-8"))

    def faults(self, definition: str, value: Any) -> list[str]:
        """What is wrong with the value, one line each; empty when it fits the definition."""
        return list(self._faults({"$ref": f"#/definitions/{definition}"}, value, definition))

    def enum(self, path: str, parameter: str) -> list[str]:
        """The words that a query parameter of a GET may have."""
        [found] = [
            entry
            for entry in self.document["paths"][path]["get"]["parameters"]
            if entry["name"] == parameter
        ]
        words: list[str] = found["items"]["enum"]
        return words

    def parameters(self, path: str, method: str = "get") -> set[str]:
        """The names of an operation's query parameters."""
        entries = self.document["paths"][path][method]["parameters"]
        return {entry["name"] for entry in entries if entry["in"] == "query"}

    def _faults(self, schema: dict[str, Any], value: Any, where: str) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            schema = self.document["definitions"][name]
        kind = schema.get("type", "object")
        if not isinstance(value, _TYPES[kind]):
            yield f"{where} is not {kind}: {value!r}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where} is none of the words: {value!r}"
        if kind == "array":
            for place, item in enumerate(value):
                yield from self._faults(schema["items"], item, f"{where}[{place}]")
        if kind == "object":
            known = schema.get("properties", {})
            yield from (
                f"{where} lacks {key}" for key in schema.get("required", ()) if key not in value
            )
            for key, item in value.items():
                if key in known:
                    yield from self._faults(known[key], item, f"{where}.{key}")
                elif "properties" in schema and "additionalProperties" not in schema:
                    yield f"{where} has an unknown key {key}"
