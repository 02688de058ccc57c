"""POST with an Idempotency-Key: the same request twice is done once and answered the same (kept for 24 h)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger import answers
from bot.ledger.answers import Claim, Kept
from bot.ledger.times import utc_now
from bot.web.api.operations import CSV, Call, Effect, Operation, Result, invalid, queried
from bot.web.encoding import dumps
from bot.web.problems import CONTENT_TYPE, Problem, body_of
from bot.web.requests import request_id

REPLAYED = {"Idempotent-Replayed": "true"}
_KEPT_PROBLEMS = (409, 422)
"""Refusals that belong to the request itself; a repeat of the others may have better luck."""


async def once(operation: Operation, call: Call) -> Result:
    """Do a POST, or give back what it was answered before. Raises Problem and Unavailable."""
    word = call.idempotency_key()
    claimed = None if word is None else Claim(call.key.id, word, _fingerprint(operation, call))
    if operation.effect is Effect.INSIDE:
        async with call.gateway.writers:
            return await call.gateway.ledger.write(
                lambda connection: _inside(operation, replace(call, connection=connection), claimed)
            )
    return await operation.handler(call) if claimed is None else await _outside(operation, call, claimed)


async def _inside(operation: Operation, call: Call, claimed: Claim | None) -> Result:
    """Claim, effect and answer in the one transaction of ``call``."""
    if claimed is None:
        return await operation.handler(call)
    kept = await answers.claim(call.transaction, claimed, utc_now())
    if kept is not None:
        return _again(kept, claimed)
    try:
        async with call.transaction.begin_nested():
            result = await operation.handler(call)
    except Problem as problem:
        if problem.kind.status not in _KEPT_PROBLEMS:
            raise
        body = dumps(body_of(problem, request_id(call.request)))
        result = Result(None, problem.kind.status, body, {"Content-Type": CONTENT_TYPE})
    await _keep(call.transaction, call, claimed, result)
    return result


async def _outside(operation: Operation, call: Call, claimed: Claim) -> Result:
    """The effect itself is done once whoever asks; here it is only seen to that the same key means the same request."""
    ledger = call.gateway.ledger
    kept = await ledger.write(lambda connection: answers.claim(connection, claimed, utc_now()))
    if kept is not None and (kept.status is not None or kept.fingerprint != claimed.fingerprint):
        return _again(kept, claimed)
    try:
        result = await operation.handler(call)
    except Problem as problem:
        if problem.kind.status < 500:
            await ledger.write(lambda connection: answers.give_up(connection, claimed))
        raise
    await ledger.write(lambda connection: _keep(connection, call, claimed, result))
    return result


def _again(kept: Kept, claimed: Claim) -> Result:
    if kept.fingerprint != claimed.fingerprint:
        raise invalid("", "idempotency_key_reused", "this Idempotency-Key was used with another request")
    assert kept.status is not None, "a claim inside a transaction is never seen before its answer"
    headers = REPLAYED
    if kept.content_type is None and kept.body is not None:
        return Result(json.loads(kept.body), kept.status, headers=headers)
    if kept.content_type is not None:
        headers = {**headers, "Content-Type": kept.content_type}
    return Result(None, kept.status, kept.body, headers)


async def _keep(connection: AsyncConnection, call: Call, claimed: Claim, result: Result) -> None:
    about = result.body or {}
    conversation = about.get("conversation_id") or call.parameters.get("conversation_id")
    await answers.keep(
        connection,
        claimed,
        result.status,
        result.text if result.body is None else dumps(result.body),
        result.headers.get("Content-Type"),
        customer_id=_text(about.get("customer_id")),
        conversation_id=_text(conversation),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _fingerprint(operation: Operation, call: Call) -> str:
    """Of method, path, query and what the body says: clients write JSON anew when they repeat."""
    request = call.request
    body: Any = None
    if operation.takes == CSV:
        body = hashlib.sha256(request.body or b"").hexdigest()
    elif request.body:
        body = call.json()
    said: Mapping[str, Any] = {
        "method": request.method,
        "path": request.path,
        "query": sorted(queried(request)),
        "body": body,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
