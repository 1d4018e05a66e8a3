"""Checks requests and responses against Discord's published API description.

The description is a file beside the repository, see `default_path`; without it nothing is checked.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

REPOSITORY = Path(__file__).resolve().parents[2]
URN = "urn:discord"


def default_path() -> Path:
    return Path(os.environ.get("DISCORD_OPENAPI") or REPOSITORY / "../shared/discord/openapi.json")


@lru_cache
def load(path: Path) -> Description | None:
    """Read the description once for all tests; None if there is none."""
    return Description(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


class Description:
    """The OpenAPI document. Validators are created when their route is first used."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        # Discord accepts numbers for snowflakes, which its description does not allow, and discord.py sends them.
        self._requests = _registry(document, SnowflakeType={"type": ["string", "integer"], "pattern": r"^\d+$"})
        # The code of a field's error is a word, such as BASE_TYPE_REQUIRED, where the description has a number.
        code = {"properties": {"code": {"type": ["integer", "string"]}}, "required": ["code", "message"]}
        # A message that forwards another refers to it with type 1, which the description leaves out.
        forward = {"type": "integer", "enum": [0, 1]}
        self._answers = _registry(document, Error={"type": "object", **code}, MessageReferenceType=forward)
        self._validators: dict[tuple[str, ...], Draft202012Validator | None] = {}

    def request_error(self, method: str, template: str, body: object) -> str | None:
        """What is wrong with a request's JSON body, or None. (With files, the same JSON is one of the parts.)"""
        operation = ("paths", template, method.lower())
        return self._error(self._requests, (*operation, "requestBody"), body)

    def answer_error(self, method: str, template: str, status: int, body: object) -> str | None:
        """What is wrong with a response, or None."""
        operation = ("paths", template, method.lower())
        described = self._find(operation)
        if described is None:
            return f"{method} {template} is not in the description"
        key = next((k for k in (str(status), f"{status // 100}XX") if k in described["responses"]), None)
        if key is None:
            return f"{method} {template} never answers {status}"
        if reference := described["responses"][key].get("$ref"):
            return self._error(self._answers, tuple(reference.split("/")[1:]), body)
        return self._error(self._answers, (*operation, "responses", key), body)

    def _error(self, registry: Registry[Any], holder: tuple[str, ...], body: object) -> str | None:
        if holder not in self._validators:
            self._validators[holder] = self._validator(registry, holder)
        validator = self._validators[holder]
        if validator is None:
            return None if body is None else f"{'/'.join(holder)} describes no body, but there is one: {body!r:.200}"
        if validator.is_valid(body):
            return None
        error = best_match(validator.iter_errors(body))
        while error.context:
            # Of several alternatives, the one that matched furthest was probably meant.
            error = max(error.context, key=lambda each: len(each.absolute_path))
        return f"{'/'.join(holder[1:])} at {error.json_path}: {error.message:.500}"

    def _validator(self, registry: Registry[Any], holder: tuple[str, ...]) -> Draft202012Validator | None:
        place = (*holder, "content", "application/json", "schema")
        if self._find(place) is None:
            return None
        pointer = "/".join(key.replace("~", "~0").replace("/", "~1") for key in place)
        return Draft202012Validator({"$ref": f"{URN}#/{pointer}"}, registry=registry)

    def _find(self, place: tuple[str, ...]) -> Any:
        found: Any = self._document
        for key in place:
            found = found.get(key)
            if found is None:
                return None
        return found


def _registry(document: dict[str, Any], **corrections: dict[str, Any]) -> Registry[Any]:
    """The document under its own URI, with some schemas replaced."""
    components = document["components"]
    corrected = document | {"components": components | {"schemas": components["schemas"] | corrections}}
    registry: Registry[Any] = Registry().with_resource(URN, DRAFT202012.create_resource(corrected))
    return registry
