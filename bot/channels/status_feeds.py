"""What Twilio's and Meta's status pages admit: a hint that comes late (25 to 78 minutes in outages on record).

Off unless an address is configured. Both are JSON behind a public page, Meta's unofficial; an answer that is not
understood is no opinion.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

TIMEOUT = 3.0
MOST_BYTES = 256 * 1024
WHATSAPP = "whatsapp-business-api"
_TWILIO_TROUBLE = frozenset({"major", "critical"})
_META_TROUBLE = frozenset({"medium disruptions", "high disruptions"})


class StatusFeed:
    """``flows.probe.Feed`` over one address; the caller asks no more than once a minute."""

    def __init__(self, domain: str, url: str, read: Callable[[Any], str | None]) -> None:
        self.domain = domain
        self._url = url
        self._read = read
        self._http: httpx.AsyncClient | None = None
        self._tag: str | None = None
        self._said: str | None = None

    async def trouble(self) -> str | None:
        """In the page's own words; None for no trouble, no answer, or an answer that is not understood."""
        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)
        headers = {} if self._tag is None else {"If-None-Match": self._tag}
        try:
            async with self._http.stream("GET", self._url, headers=headers) as answer:
                if answer.status_code == httpx.codes.NOT_MODIFIED:
                    return self._said
                if answer.status_code != httpx.codes.OK:
                    return None
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        return None
            self._tag = answer.headers.get("ETag")
            self._said = self._read(json.loads(body))
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):
            return None
        return self._said

    async def close(self) -> None:
        """Close the connection."""
        if self._http is not None:
            await self._http.aclose()


def twilio(data: Any) -> str | None:
    """``https://status.twilio.com/api/v2/status.json``: ``status.indicator`` none, minor, major or critical."""
    status = data["status"]
    if status["indicator"] not in _TWILIO_TROUBLE:
        return None
    return f"Twilio: {str(status.get('description') or status['indicator'])[:100]}"


def meta(data: Any) -> str | None:
    """``https://metastatus.com/data/orgs.json``: the services of WhatsApp's business API, each with a status text."""
    for org in data:
        if org.get("id") != WHATSAPP:
            continue
        for service in org["services"]:
            if str(service["status"]).strip().lower() in _META_TROUBLE:
                return f"Meta: {str(service['name'])[:60]}: {str(service['status'])[:40]}"
    return None
