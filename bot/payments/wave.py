"""Wave's checkout API (https://docs.wave.com/checkout). Amounts are strings of whole francs.

The idempotency key makes a repeat after a lost answer give the same session.
"""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from bot.core.payments import CURRENCY, Checkout, NoSession, Session, SessionState
from bot.payments.accounts import WaveAccount

API_URL = "https://api.wave.com"
TIMEOUT = 5.0
_REFUSED_FOR_NOW = frozenset({408, 409, 425, 429})
_STATES = {"complete": SessionState.PAID, "expired": SessionState.EXPIRED, "open": SessionState.OPEN}


class Wave:
    """A shop's Wave account. Implements ``ports.CheckoutProvider``. ``api_url``: Wave's, or a stand-in's."""

    def __init__(
        self,
        account: WaveAccount,
        *,
        success_url: str,
        error_url: str,
        api_url: str | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._success_url, self._error_url, self._timeout = success_url, error_url, timeout
        self._http = httpx.AsyncClient(
            base_url=(api_url or API_URL).rstrip("/"),
            headers={"Authorization": f"Bearer {account.api_key}"},
            timeout=httpx.Timeout(timeout, connect=timeout * 0.6),
            trust_env=False,
            follow_redirects=False,
        )

    async def open(self, checkout: Checkout) -> Session | NoSession:
        """Open a session within 5 s. Asked again for the same checkout it is the same session."""
        body = {
            "amount": str(checkout.amount_xof),
            "currency": CURRENCY,
            "client_reference": checkout.id,
            "success_url": self._success_url,
            "error_url": self._error_url,
        }
        found = await self._ask("POST", "/v1/checkout/sessions", body, {"Idempotency-Key": checkout.id})
        if isinstance(found, Session) and found.link is None:
            return NoSession("no link in the answer", again=False)
        return found

    async def look(self, session_id: str) -> Session | NoSession:
        """What Wave's own record says, within 5 s."""
        return await self._ask("GET", f"/v1/checkout/sessions/{quote(session_id, safe='')}")

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Session | NoSession:
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._http.request(method, path, json=body, headers=headers)
        except (httpx.TimeoutException, TimeoutError):
            return NoSession("no answer in time", again=True)
        except httpx.HTTPError:
            return NoSession("no connection", again=True)
        status = answer.status_code
        if not answer.is_success:
            return NoSession(f"status {status}", again=status >= 500 or status in _REFUSED_FOR_NOW)
        try:
            found = session(answer.json())
        except ValueError:
            found = None
        return found or NoSession("an answer that is no session", again=True)


def session(data: Any) -> Session | None:
    """A checkout session of Wave's; None when it is none. Paid is ``complete`` and ``succeeded``, never one alone."""
    if not isinstance(data, dict) or not isinstance(data.get("id"), str) or not data["id"]:
        return None
    state = _STATES.get(str(data.get("checkout_status")), SessionState.OPEN)
    paid = data.get("payment_status") == "succeeded"
    if state is SessionState.PAID and not paid:
        state = SessionState.FAILED
    link = data.get("wave_launch_url")
    return Session(
        id=data["id"],
        reference=str(data.get("client_reference") or ""),
        amount_xof=amount(data.get("amount")),
        currency=str(data.get("currency")),
        state=state,
        link=link if isinstance(link, str) and re.match(r"https?://", link) else None,
        expires_at=_moment(data.get("when_expires")),
    )


def amount(value: Any) -> int | None:
    """``"5000"`` or ``5000``; anything else, also ``"5000.5"``, is no amount in francs."""
    return int(value) if re.fullmatch(r"[0-9]{1,12}", str(value), re.ASCII) and not isinstance(value, bool) else None


def _moment(value: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None
