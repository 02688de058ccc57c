"""Dataclasses to JSON-ready data and back, driven by their type hints; one plan a class, built once.

Reading is lenient where the future is: a field that is missing takes its default, one that is unknown is left out.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache, lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from bot.core.addresses import Address, Scheme

Encoder = Callable[[Any, bool], Any]
"""(value, compact): compact leaves out empty fields that equal their default."""
Decoder = Callable[[Any], Any]
Plan = tuple[Encoder | None, Decoder | None]
"""None means: as it is."""

TAG = "is"
"""Name of the class, where a union needs it. No field can have this name."""


class CodecError(ValueError):
    """Stored data that cannot be read."""


@lru_cache(maxsize=4096)
def _address(text: str) -> Address:
    # Checking a number costs far more than finding it: the same few addresses come with every turn.
    scheme, _, value = text.partition(":")
    return Address(Scheme(scheme), value)


@cache
def plan(hint: Any) -> Plan:
    """How to write and read values of a type. Raises TypeError for a type that has no JSON form."""
    hint = getattr(hint, "__supertype__", hint)
    if hint in (Any, str, int, float, bool, type(None)):
        return None, None
    if hint is Address:
        return lambda value, _: str(value), _address
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None and isinstance(hint, type):
        if issubclass(hint, Enum):
            return lambda value, _: value.value, {member.value: member for member in hint}.__getitem__
        if dataclasses.is_dataclass(hint):
            return dataclass_plan(hint)
    if origin is tuple:
        return _sequence(arguments[0]) if arguments[1:] == (...,) else _fixed(arguments)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(*arguments)
    if origin in (Union, types.UnionType):
        return _union(arguments)
    raise TypeError(f"no JSON form for {hint}")


def dataclass_plan(cls: Any) -> tuple[Encoder, Decoder]:
    """Fields by name."""
    hints = get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.init]
    encoders = [(field.name, plan(hints[field.name])[0], _omittable(field)) for field in fields]
    decoders = {field.name: plan(hints[field.name])[1] for field in fields}
    required = [field.name for field in fields if _required(field)]

    def encode(value: Any, compact: bool) -> dict[str, Any]:
        out = {}
        for name, encoder, empty in encoders:
            item = getattr(value, name)
            if compact and item == empty and type(item) is type(empty):
                continue
            out[name] = item if encoder is None or item is None else encoder(item, compact)
        return out

    def decode(data: Any) -> Any:
        if not isinstance(data, dict):
            raise CodecError(f"{cls.__name__}: not an object")
        for name in required:
            if name not in data:
                raise CodecError(f"{cls.__name__}: {name} is missing")
        values = {}
        for name, item in data.items():
            if name in decoders:
                decoder = decoders[name]
                values[name] = item if decoder is None or item is None else decoder(item)
        return cls(**values)

    return encode, decode


_NEVER = object()


def _omittable(field: dataclasses.Field[Any]) -> Any:
    """The value that compact writing leaves out: an empty default. Other defaults may change with a version."""
    if field.default_factory is dict:
        return {}
    if field.default is None or field.default is False or field.default == () or field.default == "":
        return field.default
    return _NEVER


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _sequence(hint: Any) -> Plan:
    encoder, decoder = plan(hint)
    if encoder is None or decoder is None:
        return lambda value, _: list(value), tuple
    return (
        lambda value, compact: [encoder(item, compact) for item in value],
        lambda data: tuple([decoder(item) for item in data]),
    )


def _fixed(hints: tuple[Any, ...]) -> Plan:
    plans = [plan(hint) for hint in hints]
    if all(encoder is None for encoder, _ in plans):
        return lambda value, _: list(value), tuple
    encoders, decoders = zip(*plans, strict=True)

    def apply(functions: tuple[Any, ...], value: Any, *more: Any) -> list[Any]:
        pairs = zip(functions, value, strict=True)
        return [item if function is None else function(item, *more) for function, item in pairs]

    return lambda value, compact: apply(encoders, value, compact), lambda data: tuple(apply(decoders, data))


def _mapping(key: Any, value: Any) -> Plan:
    key_plan, (encoder, decoder) = plan(key), plan(value)
    key_decoder = key_plan[1] or str

    def encode(mapping: Any, compact: bool) -> dict[str, Any]:
        return {
            str(k.value if isinstance(k, Enum) else k): v if encoder is None else encoder(v, compact)
            for k, v in mapping.items()
        }

    def decode(data: Any) -> dict[Any, Any]:
        return {key_decoder(k): v if decoder is None else decoder(v) for k, v in data.items()}

    return encode, decode


def _union(members: tuple[Any, ...]) -> Plan:
    present = [member for member in members if member is not type(None)]
    if len(present) == 1:
        return _or_none(plan(present[0]))
    if all(plan(member) == (None, None) for member in present):
        return None, None
    return tagged({member.__name__: member for member in present})


def _or_none(inner: Plan) -> Plan:
    encoder, decoder = inner

    def encode(value: Any, compact: bool) -> Any:
        return value if value is None or encoder is None else encoder(value, compact)

    def decode(data: Any) -> Any:
        return data if data is None or decoder is None else decoder(data)

    return (encoder and encode), (decoder and decode)


def tagged(members: Mapping[str, Any]) -> tuple[Encoder, Decoder]:
    """One of several dataclasses, told apart by ``TAG``."""
    plans = {name: dataclass_plan(member) for name, member in members.items()}

    def encode(value: Any, compact: bool) -> dict[str, Any]:
        name = type(value).__name__
        if name not in plans:
            raise TypeError(f"{name} is none of {', '.join(plans)}")
        return {TAG: name, **plans[name][0](value, compact)}

    def decode(data: Any) -> Any:
        name = data.get(TAG) if isinstance(data, dict) else None
        if name not in plans:
            raise CodecError(f"unknown kind {name!r}")
        return plans[name][1](data)

    return encode, decode
