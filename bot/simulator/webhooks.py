"""Requests from the providers to the gateway: signed, with Twilio's connection overrides and retries.

https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

import aiohttp
from yarl import URL

from bot.simulator.signing import sim_signature, twilio_signature, wave_signature

Params = Sequence[tuple[str, str]]

#: Twilio's own numbers for its error log.
RETRIEVAL_FAILURE = 11200
CONNECTION_FAILURE = 11205
ANSWER_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Overrides:
    """Connection overrides of one webhook address; times in seconds."""

    connect: float = 5.0
    read: float = 15.0
    total: float = 15.0
    retries: int = 1
    policy: frozenset[str] = frozenset({"ct"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a webhook ended. `failure` is None, or the policy word that names it: 4xx, 5xx, ct, rt."""

    status: int | None
    failure: str | None
    content_type: str = ""
    body: str = ""
    tries: int = 1


def split_overrides(url: str) -> tuple[str, Overrides]:
    """Separate an address from the overrides in its fragment; what is out of range keeps its default."""
    address, _, fragment = url.partition("#")
    given = {name: values[-1] for name, values in parse_qs(fragment).items()}

    def millis(name: str, low: int, high: int, default: float) -> float:
        text = given.get(name, "")
        return int(text) / 1000 if text.isdigit() and low <= int(text) <= high else default

    retries = given.get("rc", "")
    policy = frozenset(word for word in given.get("rp", "ct").split(",") if word)
    return address, Overrides(
        connect=millis("ct", 100, 10_000, 5.0),
        read=millis("rt", 100, 15_000, 15.0),
        total=millis("tt", 100, 15_000, 15.0),
        retries=int(retries) if retries.isdigit() and int(retries) <= 5 else 1,
        policy=policy & {"4xx", "5xx", "ct", "rt", "all"} or frozenset({"ct"}),
    )


class WebhookSender:
    """Posts to the gateway. One connection pool; `close` it."""

    def __init__(self, retry_pause: float) -> None:
        self._pause = retry_pause
        self._session: aiohttp.ClientSession | None = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The pool; made on first use, inside the running loop."""
        if self._session is None or self._session.closed:
            connector = aiohttp.TCPConnector(limit=200)
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    async def twilio(self, url: str, auth_token: str, params: Params) -> Outcome:
        """POST a signed form as Twilio does and repeat it as the address' overrides say."""
        address, overrides = split_overrides(url)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
            "X-Twilio-Signature": twilio_signature(auth_token, address, params),
        }
        body = urlencode(params).encode()
        token = str(uuid4())
        deadline = time.monotonic() + overrides.total
        outcome = Outcome(None, "ct", tries=0)
        for attempt in range(overrides.retries + 1):
            if attempt:
                headers["I-Twilio-Idempotency-Token"] = token
                await asyncio.sleep(self._pause)
            left = deadline - time.monotonic()
            if left <= 0:
                break
            timeout = aiohttp.ClientTimeout(
                total=left, sock_connect=min(overrides.connect, left), sock_read=min(overrides.read, left)
            )
            outcome = await self._once(address, body, headers, timeout, attempt + 1)
            if outcome.failure is None or not overrides.policy & {outcome.failure, "all"}:
                break
        return outcome

    async def sim(self, url: str, secret: str, body: bytes) -> Outcome:
        """POST one event as SMS Gateway for Android does: 30 s to answer, up to 14 repeats, each wait twice the last."""
        timeout = aiohttp.ClientTimeout(total=30, sock_connect=10)
        outcome, pause = Outcome(None, "ct", tries=0), self._pause
        for attempt in range(15):
            if attempt:
                await asyncio.sleep(pause)
                pause *= 2
            stamp = str(int(time.time()))
            headers = {
                "Content-Type": "application/json",
                "X-Timestamp": stamp,
                "X-Signature": sim_signature(secret, body, stamp),
            }
            outcome = await self._once(url, body, headers, timeout, attempt + 1)
            if outcome.status is not None and outcome.status < 300:
                break
        return outcome

    async def wave(self, url: str, secret: str, body: bytes) -> Outcome:
        """POST one event as Wave does. How often it repeats is not published: five times, each wait twice the last."""
        timeout = aiohttp.ClientTimeout(total=30, sock_connect=10)
        outcome, pause = Outcome(None, "ct", tries=0), self._pause
        for attempt in range(5):
            if attempt:
                await asyncio.sleep(pause)
                pause *= 2
            headers = {
                "Content-Type": "application/json",
                "Wave-Signature": wave_signature(secret, body, str(int(time.time()))),
            }
            outcome = await self._once(url, body, headers, timeout, attempt + 1)
            if outcome.status is not None and outcome.status < 300:
                break
        return outcome

    async def telegram(self, url: str, secret: str, body: bytes) -> Outcome:
        """POST one update as Telegram does; the caller repeats it."""
        headers = {"Content-Type": "application/json"}
        if secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        return await self._once(url, body, headers, aiohttp.ClientTimeout(total=60, sock_connect=10), 1)

    async def _once(
        self, url: str, body: bytes, headers: dict[str, str], timeout: aiohttp.ClientTimeout, tries: int
    ) -> Outcome:
        try:
            async with self.session.post(
                URL(url, encoded=True), data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                text = (await answer.content.read(ANSWER_LIMIT)).decode("utf-8", "replace")
                status = answer.status
                failure = "5xx" if status >= 500 else "4xx" if status >= 400 else None
                return Outcome(status, failure, answer.content_type, text, tries)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Outcome(None, "ct", tries=tries)
        except (TimeoutError, aiohttp.ClientError):
            return Outcome(None, "rt", tries=tries)
