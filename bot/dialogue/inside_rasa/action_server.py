"""The way to the action server: one kept connection, five seconds, and no failure that goes unnoticed.

Rasa opens a new connection for each call, waits up to 300 s, sends the whole domain each time, and swallows some
failures (``ActionExtractSlots``), so each failure is also noted here for the turn that made the call. The domain
goes once: rasa-sdk from 3.8 on remembers it by its digest, and says with status 449 that it has not got it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import aiohttp
from jsonschema import Draft7Validator
from rasa.core.actions.action import RemoteAction
from rasa.core.actions.constants import SELECTIVE_DOMAIN
from rasa.utils.endpoints import ClientResponseError, EndpointConfig

TIMEOUT = 5.0
"""Seconds for one action."""
KEPT = 2.0
"""Seconds an idle connection is kept: less than the 5 s after which rasa-sdk's server closes it."""
_REJECTED = 400
"""Status by which rasa-sdk says that a form declined to run: part of a dialogue, not a failure."""
_UNKNOWN_DOMAIN = 449

_failures: ContextVar[list[str]] = ContextVar("failures")


_ANSWER = Draft7Validator(RemoteAction.action_response_format_spec())


def check_answers_quickly() -> None:
    """Let Rasa check an action's answer with a schema that is itself checked once, not at every action.

    ``RemoteAction._validate_action_result`` calls ``jsonschema.validate``, which first checks the schema: measured,
    45 of the 60 ms of a turn. The answer is held to the same schema as before.
    """

    def check(_: RemoteAction, result: Any) -> bool:
        _ANSWER.validate(result)
        return True

    RemoteAction._validate_action_result = check


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Collect the failed calls of one turn, also those that Rasa swallows."""
    failures: list[str] = []
    token = _failures.set(failures)
    try:
        yield failures
    finally:
        _failures.reset(token)


class ActionServer(EndpointConfig):  # type: ignore[misc]
    """Rasa's endpoint for custom actions. Call ``knows`` with the domain once the model is loaded."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        super().__init__(url, **{SELECTIVE_DOMAIN: True})
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._kept: aiohttp.ClientSession | None = None
        self._domain: dict[str, Any] = {}
        self._digest = ""

    def knows(self, domain: dict[str, Any]) -> None:
        """Set the domain that actions may read."""
        self._domain = domain
        self._digest = hashlib.sha256(json.dumps(domain, sort_keys=True, default=str).encode()).hexdigest()

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        """Run one action. Raises what Rasa's own endpoint raises, and notes it."""
        payload = {**kwargs["json"], "domain_digest": self._digest}
        action = str(payload["next_action"])
        try:
            try:
                return await self._post(payload)
            except ClientResponseError as error:
                if error.status != _UNKNOWN_DOMAIN:
                    raise
                return await self._post({**payload, "domain": self._domain})
        except ClientResponseError as error:
            if error.status != _REJECTED:
                self._note(f"{action}: status {error.status}")
            raise
        except asyncio.TimeoutError:
            self._note(f"{action}: no answer in {self._timeout.total:g} s")
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._note(f"{action}: {type(error).__name__}")
            raise

    async def close(self) -> None:
        """Let the connection go."""
        if self._kept is not None:
            await self._kept.close()

    async def _post(self, payload: dict[str, Any]) -> Any:
        if self._kept is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=KEPT, limit=0)
            self._kept = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        async with self._kept.post(str(self.url), data=body, headers=headers) as response:
            content = await response.read()
            if response.status >= 400:
                raise ClientResponseError(response.status, response.reason or "", content)
            return json.loads(content)

    @staticmethod
    def _note(failure: str) -> None:
        failures = _failures.get(None)
        if failures is not None:
            failures.append(failure)
