"""Telegram through a bare ``telegram.Bot``: sending, and what errors mean. Parsing: ``telegram_updates``."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    Message,
    ReplyKeyboardMarkup,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.channels.accounts import TelegramAccount
from bot.channels.pacing import Pace
from bot.channels.telegram_updates import UPDATES, provider_id
from bot.core.addresses import ChannelName
from bot.core.failures import Accepted, Certainty, Failure, Outcome, Refused, Retry, Scope, Unsure
from bot.core.messages import Capabilities, Part, Reported
from bot.ports import Outgoing

TIMEOUT = 5.0
ACKNOWLEDGE_TIMEOUT = 2.0
POOL = 64
CALLBACK_BYTES = 64
WEBHOOKS_AT_ONCE = 40
"""Telegram's own default, said aloud: one bot may hold so many of the gateway's connections."""

# 400s that are about the chat and not about the words.
_CHAT_WORDS = ("chat not found", "user not found", "peer_id_invalid", "user is deactivated")


class Telegram:
    """A shop's bot. Implements ``ports.Channel``. ``api_url`` replaces https://api.telegram.org."""

    name = ChannelName.TELEGRAM
    domains: tuple[str, ...] = ("telegram", "internet")
    capabilities = Capabilities(
        max_text=4096,
        max_buttons=12,
        max_button_title=40,
        images=True,
        pictured_choices=True,
        receipts=False,
        look_up=False,
        own_contact=True,
    )

    def __init__(
        self,
        account: TelegramAccount,
        *,
        api_url: str | None = None,
        timeout: float = TIMEOUT,
        pace: Pace | None = None,
    ) -> None:
        self.account = f"telegram:{account.bot_id}"
        self.timeout = timeout
        self._token = account.token
        self._secret = account.secret
        self._base = (api_url or "https://api.telegram.org").rstrip("/")
        self._pace = pace or Pace(max_wait=timeout * 0.3)
        self._bot: Bot | None = None
        self._request: HTTPXRequest | None = None

    @property
    def bot(self) -> Bot:
        """The library's client, made at first use; it is never initialised, because that would call getMe."""
        if self._bot is None:
            self._request = HTTPXRequest(
                connection_pool_size=POOL,
                # Shorter than the whole, so that a connection never made is told from an answer never got.
                connect_timeout=self.timeout * 0.6,
                read_timeout=self.timeout,
                write_timeout=self.timeout,
                media_write_timeout=self.timeout,
                pool_timeout=self.timeout * 0.6,
            )
            self._bot = Bot(
                self._token,
                base_url=f"{self._base}/bot",
                base_file_url=f"{self._base}/file/bot",
                request=self._request,
                get_updates_request=self._request,
            )
        return self._bot

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Send one message. Telegram reports nothing later, so an accepted one is final."""
        try:
            async with asyncio.timeout(self.timeout):
                wait = await self._pace.wait(outgoing.to)
                if wait > 0:
                    return Refused(_throttled("paced", wait))
                message = await self._post(outgoing.to, outgoing.part)
        except TimeoutError:
            return Unsure("no answer in time")
        except TelegramError as error:
            return outcome_of(error)
        return Accepted(provider_id(outgoing.to, message.message_id), final=True)

    async def _post(self, to: str, part: Part) -> Message:
        keyboard = _keyboard(part)
        if part.image_url is not None:
            return await self.bot.send_photo(
                to, part.image_url, caption=part.text or None, reply_markup=keyboard
            )
        return await self.bot.send_message(to, part.text, reply_markup=keyboard)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        """Telegram keeps no record that a bot may ask."""
        return None

    def classify(self, code: str) -> Failure:
        """A code as ``outcome_of`` gave it; Telegram has no status callbacks."""
        scope = {"403": Scope.RECIPIENT, "401": Scope.SENDER, "409": Scope.SENDER, "429": Scope.THROTTLE}
        return Failure(scope.get(code, Scope.CONTENT), Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, code)

    async def introduce(self, url: str) -> str | None:
        """Tell Telegram where to bring updates; None when it agreed, else why not. Never the token."""
        try:
            async with asyncio.timeout(self.timeout):
                await self.bot.set_webhook(
                    url, secret_token=self._secret, allowed_updates=list(UPDATES), max_connections=WEBHOOKS_AT_ONCE
                )
        except (TelegramError, TimeoutError) as error:
            return type(error).__name__
        return None

    async def acknowledge(self, callback_id: str) -> bool:
        """Stop the shopper's button from spinning. Best effort: False when Telegram did not take it."""
        try:
            async with asyncio.timeout(min(ACKNOWLEDGE_TIMEOUT, self.timeout)):
                return await self.bot.answer_callback_query(callback_id)
        except (TelegramError, TimeoutError):
            return False

    async def probe(self) -> bool:
        """Does Telegram's API answer for this bot?"""
        try:
            async with asyncio.timeout(self.timeout):
                await self.bot.get_me()
        except TimeoutError:
            return False
        except TelegramError as error:
            # A refused token is the account's trouble, not everybody's: the API has answered.
            outcome = outcome_of(error)
            return isinstance(outcome, Refused) and outcome.failure.scope is not Scope.CHANNEL
        return True

    async def close(self) -> None:
        """Close the connections."""
        request, self._request, self._bot = self._request, None, None
        if request is not None:
            await request.shutdown()


def outcome_of(error: TelegramError) -> Refused | Unsure:
    """What an exception of the library means. BadRequest and TimedOut are NetworkErrors: order matters."""
    match error:
        case RetryAfter():
            after = error.retry_after
            seconds = after.total_seconds() if isinstance(after, timedelta) else float(after)
            return Refused(_throttled("429", seconds))
        case Forbidden():
            return _refused(Scope.RECIPIENT, Retry.OTHER_ROAD, "403", error)
        case ChatMigrated():
            return _refused(Scope.RECIPIENT, Retry.OTHER_ROAD, "400", error)
        case InvalidToken():
            return _refused(Scope.SENDER, Retry.NEVER, "401", error)
        case Conflict():
            return _refused(Scope.SENDER, Retry.NEVER, "409", error)
        case BadRequest():
            if any(words in str(error).lower() for words in _CHAT_WORDS):
                return _refused(Scope.RECIPIENT, Retry.OTHER_ROAD, "400", error)
            return _refused(Scope.CONTENT, Retry.CHANGE, "400", error)
        case TimedOut():
            if isinstance(error.__cause__, httpx.ConnectTimeout | httpx.PoolTimeout):
                return _refused(Scope.CHANNEL, Retry.OTHER_ROAD, "unreachable", error)
            return Unsure("no answer in time")
        case NetworkError():
            if isinstance(error.__cause__, httpx.ConnectError):
                return _refused(Scope.CHANNEL, Retry.OTHER_ROAD, "unreachable", error)
            if isinstance(error.__cause__, httpx.HTTPError):
                return Unsure(f"connection broke: {type(error.__cause__).__name__}")
            # An answer of 5xx: it says no, but not whether the message went out first.
            return Refused(
                Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.UNKNOWN, "5xx", error.message)
            )
        case _:
            # A 2xx whose body could not be read.
            return Unsure("unreadable answer")


def _refused(scope: Scope, retry: Retry, code: str, error: TelegramError) -> Refused:
    return Refused(Failure(scope, retry, Certainty.NOT_DELIVERED, code, error.message))


def _throttled(code: str, seconds: float) -> Failure:
    return Failure(
        Scope.THROTTLE, Retry.LATER, Certainty.NOT_DELIVERED, code, "too fast", retry_after=seconds
    )


def _keyboard(part: Part) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | None:
    """One button a line: titles of several words are cut off when they share one."""
    if part.contact_title:
        # Only a key of the keyboard can share a contact. It goes away once it is used.
        key = KeyboardButton(part.contact_title, request_contact=True)
        return ReplyKeyboardMarkup([[key]], resize_keyboard=True, one_time_keyboard=True)
    if not part.buttons:
        return None
    for payload, _ in part.buttons:
        if not 1 <= len(payload.encode()) <= CALLBACK_BYTES:
            raise ValueError("callback_data holds 1 to 64 bytes")
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(title, callback_data=payload)] for payload, title in part.buttons]
    )
