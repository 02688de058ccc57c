"""SMS through a SIM in the vendor's own phone, by SMS Gateway for Android (https://sms-gate.app).

The two-way SMS a small vendor in Côte d'Ivoire can really have. A message carries our own id, so that sending it twice
is sending it once, and a lost answer can be asked about. Parsing: ``sim_webhooks``.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import httpx

from bot.channels.accounts import SimAccount
from bot.channels.sim_webhooks import EVENTS, classify, code_of
from bot.channels.sms import MAX_UNITS, recipient
from bot.core.addresses import ChannelName
from bot.core.failures import Accepted, Certainty, Failure, Outcome, Refused, Retry, Scope, Unsure
from bot.core.messages import Capabilities, MessageStatus, Reported
from bot.ports import Outgoing

API_URL = "https://api.sms-gate.app/3rdparty/v1"
TIMEOUT = 5.0
STATES = {
    "Pending": MessageStatus.ACCEPTED,
    "Processed": MessageStatus.ACCEPTED,
    "Sent": MessageStatus.SENT,
    "Delivered": MessageStatus.DELIVERED,
    "Failed": MessageStatus.FAILED,
}


class Sim:
    """A vendor's SIM. Implements ``ports.Channel``. ``api_url``: the relay's, or a stand-in's."""

    name = ChannelName.SMS
    domains: tuple[str, ...] = ("internet",)
    capabilities = Capabilities(max_text=MAX_UNITS, gsm7=True, two_way=True, validity_period=True)

    def __init__(self, account: SimAccount, *, api_url: str | None = None, timeout: float = TIMEOUT) -> None:
        self.account = f"sms:{account.username}:{account.address}"
        self.price_xof = account.price_xof
        self._timeout = timeout
        self._http = httpx.AsyncClient(
            base_url=(api_url or API_URL).rstrip("/"),
            auth=(account.username, account.secrets[0]),
            timeout=httpx.Timeout(timeout, connect=timeout * 0.6),
            trust_env=False,
            follow_redirects=False,
        )

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Give one text to the phone's queue. A second call with the same message changes nothing."""
        body: dict[str, Any] = {
            "id": name_of(outgoing),
            "textMessage": {"text": outgoing.part.text},
            "phoneNumbers": [recipient(outgoing.to)],
            "withDeliveryReport": True,
        }
        if outgoing.validity_seconds is not None:
            body["ttl"] = outgoing.validity_seconds
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.post("/messages", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Refused(classify("connection"))
        except (httpx.TimeoutException, TimeoutError):
            return Unsure("no answer in time")
        except httpx.HTTPError:
            return Unsure("the connection broke")
        if answer.is_success or answer.status_code == httpx.codes.CONFLICT:  # it has this id already
            return Accepted(body["id"])
        if answer.status_code >= 500:
            return Refused(_broken(answer.status_code))
        return Refused(classify(str(answer.status_code)))

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        """The relay's record of one message, by its id; None when it has none or does not answer."""
        name = name_of(outgoing)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.get(f"/messages/{name}")
                found = answer.json() if answer.is_success else None
        except (httpx.HTTPError, TimeoutError, ValueError):
            return None
        if not isinstance(found, dict) or (state := STATES.get(str(found.get("state")))) is None:
            return None
        return Reported(
            id=f"sim:{name}:{state}",
            message_id=outgoing.message_id,
            provider_id=name,
            status=state,
            at=0.0,
            error_code=code_of(_reason(found)) if state is MessageStatus.FAILED else None,
            raw_status=str(found["state"]),
        )

    def classify(self, code: str) -> Failure:
        """What the code of a failed message means."""
        return classify(code)

    async def introduce(self, url: str) -> str | None:
        """Tell the relay where the events go; None when it agreed, else why not. Done again it changes nothing."""
        try:
            async with asyncio.timeout(2 * self._timeout):
                for event in ("sms:received", *EVENTS):
                    name = f"relais-{event.replace(':', '-')}"
                    answer = await self._http.post("/webhooks", json={"id": name, "url": url, "event": event})
                    if not answer.is_success:
                        return f"HTTP {answer.status_code}"
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__
        return None

    async def probe(self) -> bool:
        """Does the relay answer?"""
        try:
            async with asyncio.timeout(self._timeout):
                return (await self._http.get("/health")).is_success
        except (httpx.HTTPError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def name_of(outgoing: Outgoing) -> str:
    """The relay's id of one part of a message: the same for the same words, at most 36 characters."""
    digest = hashlib.blake2b(outgoing.part.text.encode(), digest_size=4).hexdigest()
    return f"{outgoing.message_id}.{digest}"


def _reason(found: dict[str, Any]) -> str:
    recipients = found.get("recipients")
    if isinstance(recipients, list) and recipients and isinstance(recipients[0], dict):
        return str(recipients[0].get("error") or "")
    return ""


def _broken(status: int) -> Failure:
    # 503: nothing stood behind the front end. With the others the message may have been taken first.
    certainty = Certainty.NOT_DELIVERED if status == 503 else Certainty.UNKNOWN
    return Failure(Scope.CHANNEL, Retry.OTHER_ROAD, certainty, str(status), f"HTTP {status}")
