"""Fetch what a shopper sent (voice notes, pictures) from the provider and keep it in a folder of ours.

Twilio's media needs the account's credentials, which go to Twilio's own host only, never along a redirect; Telegram's
file ids are turned into a path first. Addresses come from signed webhooks, and still only the providers' hosts are
asked. https://www.twilio.com/docs/messaging/guides/accept-media-whatsapp, https://core.telegram.org/bots/api#getfile
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx

from bot.channels.accounts import Account, TelegramAccount, TwilioAccount
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.conversations import WantedFile
from bot.ports import FileOutcome
from bot.storage.kept_files import KeptFiles

PATIENCE = 5.0
"""Seconds for one file, redirects and all: it happens within a lane's lease."""
MOST_BYTES = 16 * 1024 * 1024
"""What WhatsApp carries."""
MOST_REDIRECTS = 3
TYPES = re.compile(r"image/(?:jpeg|png|webp|gif)|audio/[\w.+-]+|video/(?:mp4|3gpp|webm)|application/(?:pdf|ogg)|text/(?:x-)?vcard")
_TELEGRAM = "telegram-file:"
_CARRIERS = (".twiliocdn.com", ".twilio.com", ".amazonaws.com")
"""Hosts to which Twilio redirects."""


class _Gone(Exception):
    """It can never be had."""


class MediaFolder:
    """``ports.Files``."""

    def __init__(
        self,
        kept: KeptFiles,
        accounts: Mapping[ShopId, Mapping[ChannelName, Account]],
        *,
        twilio_api_url: str | None = None,
        telegram_api_url: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._kept = kept
        self._accounts = accounts
        self._twilio = (twilio_api_url or "https://api.twilio.com").rstrip("/")
        self._telegram = (telegram_api_url or "https://api.telegram.org").rstrip("/")
        self._patience = patience
        self._client = httpx.AsyncClient(timeout=patience, trust_env=False, follow_redirects=False)

    async def keep(self, shop: ShopId, lane: LaneId, wanted: WantedFile) -> FileOutcome:
        """Fetch and store one file. ``LATER`` for what may pass, ``GONE`` for what will not."""
        account = self._accounts.get(shop, {}).get(wanted.channel)
        try:
            async with asyncio.timeout(self._patience):
                content_type, body = await self._fetch(account, wanted)
        except _Gone:
            return FileOutcome.GONE
        except (TimeoutError, httpx.HTTPError, ValueError):
            return FileOutcome.LATER
        await asyncio.to_thread(self._kept.write, lane, wanted.name, content_type, body)
        return FileOutcome.KEPT

    async def forget(self, lane: LaneId) -> None:
        """Remove all that was kept of a conversation."""
        await asyncio.to_thread(self._kept.forget, lane)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _fetch(self, account: Account | None, wanted: WantedFile) -> tuple[str, bytes]:
        match account:
            case TwilioAccount() if _host(wanted.url) in {_host(self._twilio), "api.twilio.com"}:
                auth = httpx.BasicAuth(account.account_sid, account.auth_tokens[0])
                return await self._get(wanted.url, wanted.content_type, auth)
            case TelegramAccount() if wanted.url.startswith(_TELEGRAM):
                path = await self._telegram_path(account, wanted.url.removeprefix(_TELEGRAM))
                url = f"{self._telegram}/file/bot{account.token}/{path}"
                return await self._get(url, wanted.content_type, None)
            case _:
                raise _Gone

    async def _telegram_path(self, account: TelegramAccount, file_id: str) -> str:
        url = f"{self._telegram}/bot{account.token}/getFile"
        response = await self._client.post(url, json={"file_id": file_id})
        if response.status_code in (400, 404):
            raise _Gone
        response.raise_for_status()
        path = str(json.loads(response.content)["result"].get("file_path", ""))
        if not re.fullmatch(r"[\w./-]{1,200}", path) or ".." in path:
            raise _Gone
        return path

    async def _get(self, url: str, said_type: str | None, auth: httpx.Auth | None) -> tuple[str, bytes]:
        """The body of an address, at most ``MOST_BYTES``, whatever its headers promise."""
        for _ in range(MOST_REDIRECTS + 1):
            async with self._client.stream("GET", url, auth=auth) as response:
                if response.is_redirect:
                    url, auth = _next(url, response.headers.get("location", "")), None
                    continue
                if response.status_code in (400, 401, 403, 404, 410):
                    raise _Gone
                response.raise_for_status()
                content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if content_type in ("", "application/octet-stream"):
                    content_type = (said_type or "").partition(";")[0].lower()
                if TYPES.fullmatch(content_type) is None:
                    raise _Gone
                body = bytearray()
                async for piece in response.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        raise _Gone
                return content_type, bytes(body)
        raise _Gone


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _next(url: str, location: str) -> str:
    """Where a redirect leads: https at Twilio's carriers, or the same host. Raises _Gone."""
    target = urljoin(url, location)
    parts = urlsplit(target)
    carried = parts.scheme == "https" and f".{parts.hostname or ''}".endswith(_CARRIERS)
    if not carried and _host(target) != _host(url):
        raise _Gone
    return target
