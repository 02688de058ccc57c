"""Checks of answers against what the vendors publish: Twilio's OpenAPI, Telegram's Bot API."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft7Validator

from tests.simulator.stage import SPECS


@cache
def _spec(name: str) -> Any:
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def _strict(node: Any) -> Any:
    """Translate OpenAPI 3.0 to JSON Schema: `nullable`, and no property beyond those named."""
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    built = {key: _strict(value) for key, value in node.items() if key not in {"example", "examples"}}
    if built.get("type") == "object" and "properties" in built:
        built.setdefault("additionalProperties", False)
    if built.pop("nullable", False):
        return {"anyOf": [built, {"type": "null"}]}
    return built


@cache
def _translated(name: str) -> Any:
    return _strict(_spec(name))


def twilio_answer(spec: str, path: str, method: str, status: int, answer: Any) -> None:
    """Assert that an answer is what the OpenAPI says for that operation; every property must be there."""
    document = _translated(spec)
    schema = document["paths"][path][method]["responses"][str(status)]["content"]["application/json"]["schema"]
    errors = list(Draft7Validator({**schema, "components": document["components"]}).iter_errors(answer))
    assert errors == []
    reference = schema.get("$ref", "")
    if reference:
        named = _spec(spec)["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
        assert set(answer) == set(named)


def telegram(kind: str, value: Any, where: str = "") -> None:
    """Assert that a value is of a type of the Bot API: required fields there, none unknown, types right."""
    problems = _problems(kind, value, where or kind)
    assert problems == []


def telegram_result(method: str, result: Any) -> None:
    """Assert that a result is one of the types which the method returns."""
    returns = _spec("telegram_bot_api_shapes.json")["methods"][method]["returns"]
    found = [_problems(kind, result, method) for kind in returns]
    assert [] in found, found


def _problems(kind: str, value: Any, where: str) -> list[str]:
    simple = {"Integer": int, "String": str, "Boolean": bool, "Float": (int, float), "True": bool}
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where}: not a list"]
        return [p for i, item in enumerate(value) for p in _problems(kind[9:], item, f"{where}[{i}]")]
    if kind in simple:
        good = isinstance(value, simple[kind]) and isinstance(value, bool) == (kind in {"Boolean", "True"})
        return [] if good else [f"{where}: {value!r} is no {kind}"]
    described = _spec("telegram_bot_api_shapes.json")["types"][kind]
    if "subtypes" in described:
        tries = [_problems(sub, value, where) for sub in described["subtypes"]]
        return [] if [] in tries else min(tries, key=len)
    if not isinstance(value, dict):
        return [f"{where}: no {kind}"]
    fields = {f["name"]: f for f in described.get("fields", [])}
    problems = [f"{where}.{name} is unknown" for name in value if name not in fields]
    problems += [f"{where}.{name} is missing" for name, f in fields.items() if f["required"] and name not in value]
    for name in set(fields) & set(value):
        tries = [_problems(one, value[name], f"{where}.{name}") for one in fields[name]["types"]]
        if [] not in tries:
            problems += min(tries, key=len)
    return problems
