"""Telegram's Bot API on the wire: `/bot<token>/<method>`, by form, JSON or query.

https://core.telegram.org/bots/api#making-requests . Of the formatting only plain text is known: a
`parse_mode` is refused, so that nobody relies on it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sanic import Blueprint, Request
from sanic.response import HTTPResponse, json

from bot.simulator import telegram_objects as objects
from bot.simulator.accounts import TelegramBot
from bot.simulator.faults import Faults
from bot.simulator.journeys import Tasks
from bot.simulator.phones import Chat, Person, TelegramMessage, World
from bot.simulator.telegram_markup import Refused, checked_markup, checked_text
from bot.simulator.telegram_params import Bucket, integer, params_of, plain, true
from bot.simulator.telegram_phone import TelegramPhone
from bot.simulator.telegram_updates import Updates

Params = dict[str, Any]

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
#: Messages a second of one bot over all chats; short bursts are let through.
RATE, BURST = 30.0, 60.0
#: Messages a second in one chat, with its own burst.
CHAT_RATE, CHAT_BURST = 1.0, 20.0
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")


class TelegramApi:
    """The handlers of the Bot API."""

    def __init__(
        self, world: World, faults: Faults, updates: Updates, phone: TelegramPhone, tasks: Tasks
    ) -> None:
        self.world = world
        self.faults = faults
        self.updates = updates
        self.phone = phone
        self.tasks = tasks
        self._buckets: dict[tuple[str, int | None], Bucket] = {}
        self._methods: dict[str, Callable[[TelegramBot, Params], Any]] = {
            "getMe": self._get_me, "setWebhook": self._set_webhook, "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info, "sendMessage": self._send_message,
            "sendPhoto": self._send_photo, "sendChatAction": self._chat_action,
            "editMessageText": self._edit_text, "editMessageReplyMarkup": self._edit_markup,
            "deleteMessage": self._delete_message, "answerCallbackQuery": self._answer_callback,
            "getChat": self._get_chat,
        }

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("telegram")
        routes.add_route(self.call, "/<bot_token:bot[^/]+>/<method:str>", methods=["GET", "POST"],
                         name="call", unquote=True)
        return routes

    async def call(self, request: Request, bot_token: str, method: str) -> HTTPResponse:
        """Run one method and answer `{ok, result}` or `{ok, error_code, description}`."""
        bot = self.world.bot(bot_token.removeprefix("bot"))
        handler = {name.lower(): call for name, call in self._methods.items()}.get(method.lower())
        try:
            if bot is None:
                raise Refused(401, "Unauthorized")
            if handler is None:
                raise Refused(404, "Not Found")
            params = params_of(request)
            sends = method.lower() in {"sendmessage", "sendphoto"}
            person = self.world.person_of_chat(integer(params.get("chat_id"))) if sends else None
            if (answer := await self._faults(bot, person, handler, params, sends)) is not None:
                return answer
            return json({"ok": True, "result": handler(bot, params)})
        except Refused as refused:
            body: Params = {"ok": False, "error_code": refused.code, "description": refused.description}
            if refused.retry_after is not None:
                body["parameters"] = {"retry_after": refused.retry_after}
            return json(body, status=refused.code)

    async def _faults(
        self, bot: TelegramBot, person: Person | None, handler: Callable[[TelegramBot, Params], Any],
        params: Params, sends: bool,
    ) -> HTTPResponse | None:
        where = ("telegram", bot.shop_id, person.id if person is not None else None)
        if (error := self.faults.struck(where[0], "reject", *where[1:])) is not None:
            raise Refused(int(error["status"]), "Bad Gateway" if error["status"] == 502 else "Server Error")
        if (busy := self.faults.struck(where[0], "throttle", *where[1:])) is not None and sends:
            seconds = int(busy["retry_after"])
            raise Refused(429, f"Too Many Requests: retry after {seconds}", seconds)
        if (hangs := self.faults.struck(where[0], "timeout", *where[1:])) is not None:
            result = handler(bot, params) if hangs["deliver"] else None
            await self.world.switches.until(lambda: not self.faults.is_on(where[0], "timeout", *where[1:]))
            if not hangs["deliver"]:
                raise Refused(502, "Bad Gateway")
            return json({"ok": True, "result": result})
        if (slow := self.faults.struck(where[0], "slow", *where[1:])) is not None:
            await asyncio.sleep(float(slow["seconds"]))
        return None

    # --- the bot and its webhook ------------------------------------------------------------------

    def _get_me(self, bot: TelegramBot, params: Params) -> Params:
        return objects.bot_user(bot) | {
            "can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False,
            "can_connect_to_business": False, "has_main_web_app": False,
        }

    def _set_webhook(self, bot: TelegramBot, params: Params) -> bool:
        webhook, url = self.updates.webhooks[bot.shop_id], str(params.get("url") or "")
        parts = urlsplit(url)
        # The real one wants HTTPS; a local gateway has no certificate, so loopback may be plain.
        if url and parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        secret = str(params.get("secret_token") or "")
        if secret and not _SECRET.fullmatch(secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        webhook.url, webhook.secret = url, secret
        webhook.max_connections = integer(params.get("max_connections")) or 40
        webhook.allowed = params.get("allowed_updates") or None
        if true(params.get("drop_pending_updates")):
            webhook.waiting.clear()
        webhook.arrived.set()
        return True

    def _delete_webhook(self, bot: TelegramBot, params: Params) -> bool:
        return self._set_webhook(bot, {"drop_pending_updates": params.get("drop_pending_updates")})

    def _webhook_info(self, bot: TelegramBot, params: Params) -> Params:
        webhook = self.updates.webhooks[bot.shop_id]
        info: Params = {"url": webhook.url, "has_custom_certificate": False,
                        "pending_update_count": len(webhook.waiting),
                        "max_connections": webhook.max_connections}
        if webhook.last_error_at is not None:
            info |= {"last_error_date": int(webhook.last_error_at), "last_error_message": webhook.last_error}
        if webhook.allowed is not None:
            info["allowed_updates"] = webhook.allowed
        return info

    # --- messages ---------------------------------------------------------------------------------

    def _send_message(self, bot: TelegramBot, params: Params) -> Params:
        person, chat = self._writable(bot, params)
        inline, keyboard = checked_markup(params.get("reply_markup"))
        text = checked_text(params.get("text"), 4096, "message text is empty", "message is too long")
        plain(params)
        return self._put(bot, person, chat, keyboard, self._new(bot, person, chat, text=text, inline=inline))

    def _send_photo(self, bot: TelegramBot, params: Params) -> Params:
        person, chat = self._writable(bot, params)
        inline, keyboard = checked_markup(params.get("reply_markup"))
        photo = params.get("photo")
        if not photo:
            raise Refused(400, "Bad Request: there is no photo in the request")
        plain(params)
        caption = str(params.get("caption") or "")
        if len(caption) > 1024:
            raise Refused(400, "Bad Request: message caption is too long")
        message = self._new(bot, person, chat, inline=inline)
        message.photo, message.caption = str(photo), caption
        message.photo_id = "AgAC" + self.world.ids.opaque(40)
        return self._put(bot, person, chat, keyboard, message)

    def _new(
        self, bot: TelegramBot, person: Person, chat: Chat, text: str = "",
        inline: list[list[dict[str, Any]]] | None = None,
    ) -> TelegramMessage:
        chat.next_id += 1
        return TelegramMessage(message_id=chat.next_id - 1, shop_id=bot.shop_id, person_id=person.id,
                               from_bot=True, date=self.world.clock.now(), text=text, inline=inline)

    def _put(
        self, bot: TelegramBot, person: Person, chat: Chat, keyboard: Params | None, message: TelegramMessage
    ) -> Params:
        chat.messages.append(message)
        if keyboard is not None:
            chat.keyboard = keyboard["rows"]
            chat.keyboard_placeholder = keyboard["placeholder"]
        self.tasks.start(self._show(bot, person, chat, message))
        return objects.message(bot, person, message)

    async def _show(self, bot: TelegramBot, person: Person, chat: Chat, message: TelegramMessage) -> None:
        """Bring a message to the phone when nothing holds it back; Telegram gives no receipt."""
        silent = self.faults.struck("telegram", "silent_accepted", bot.shop_id, person.id)
        if silent is not None:
            if not silent["release"]:
                return
            await self.world.switches.until(
                lambda: not self.faults.is_on("telegram", "silent_accepted", bot.shop_id, person.id))
        await self.world.switches.until(
            lambda: person.power == "on" and not self.faults.is_on("country", "offline", None, person.id)
            and not self.faults.is_on("telegram", "late_flood", bot.shop_id, person.id))
        message.shown = self.world.clock.now()
        chat.typing_until = 0.0
        self.world.changed(person.id, bot.shop_id, "telegram")

    def _edit_text(self, bot: TelegramBot, params: Params) -> Params:
        person, message = self._own_message(bot, params, "edit")
        text = checked_text(params.get("text"), 4096, "message text is empty", "message is too long")
        inline, _ = checked_markup(params.get("reply_markup"))
        plain(params)
        return self._edited(bot, person, message, text, inline)

    def _edit_markup(self, bot: TelegramBot, params: Params) -> Params:
        person, message = self._own_message(bot, params, "edit")
        inline, _ = checked_markup(params.get("reply_markup"))
        return self._edited(bot, person, message, message.text, inline)

    def _edited(
        self, bot: TelegramBot, person: Person, message: TelegramMessage, text: str,
        inline: list[list[dict[str, Any]]] | None,
    ) -> Params:
        if text == message.text and (inline or None) == (message.inline or None):
            raise Refused(400, "Bad Request: message is not modified: specified new message content and "
                               "reply markup are exactly the same as a current content and reply markup "
                               "of the message")
        message.text, message.inline, message.edited = text, inline or None, self.world.clock.now()
        self.world.changed(person.id, bot.shop_id, "telegram")
        return objects.message(bot, person, message)

    def _delete_message(self, bot: TelegramBot, params: Params) -> bool:
        person, message = self._own_message(bot, params, "delete")
        message.deleted = True
        self.world.changed(person.id, bot.shop_id, "telegram")
        return True

    def _chat_action(self, bot: TelegramBot, params: Params) -> bool:
        person, chat = self._writable(bot, params, counted=False)
        if not params.get("action"):
            raise Refused(400, "Bad Request: wrong parameter action in request")
        chat.typing_until = self.world.clock.now() + 5
        self.world.changed(person.id, bot.shop_id, "telegram")
        return True

    def _get_chat(self, bot: TelegramBot, params: Params) -> Params:
        person, _ = self._chat(bot, params)
        return objects.chat(person) | {"accent_color_id": 0, "max_reaction_count": 11,
                                       "accepted_gift_types": objects.NO_GIFTS}

    def _answer_callback(self, bot: TelegramBot, params: Params) -> bool:
        token, chat = self.phone.queries.pop(str(params.get("callback_query_id") or ""), ("", None))
        text = str(params.get("text") or "")
        if token != bot.token or chat is None:
            raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID "
                               "is invalid")
        if len(text) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        chat.notice = text
        self.world.bus.publish(type="notice", shop=bot.shop_id, text=text)
        return True

    # --- looking up -------------------------------------------------------------------------------

    def _chat(self, bot: TelegramBot, params: Params) -> tuple[Person, Chat]:
        if params.get("chat_id") in (None, ""):
            raise Refused(400, "Bad Request: chat_id is empty")
        person = self.world.person_of_chat(integer(params["chat_id"]))
        if person is None:
            raise Refused(400, "Bad Request: chat not found")
        return person, self.world.chat(bot.shop_id, person.id)

    def _writable(self, bot: TelegramBot, params: Params, counted: bool = True) -> tuple[Person, Chat]:
        person, chat = self._chat(bot, params)
        if not chat.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        if chat.blocked or self.faults.struck("telegram", "blocked", bot.shop_id, person.id) is not None:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if counted:
            self._within_rate(bot, person)
        return person, chat

    def _within_rate(self, bot: TelegramBot, person: Person) -> None:
        for key, rate, burst in (((bot.token, person.telegram_id), CHAT_RATE, CHAT_BURST),
                                 ((bot.token, None), RATE, BURST)):
            if (wait := self._buckets.setdefault(key, Bucket(rate, burst)).take()) > 0:
                seconds = int(wait) + 1
                raise Refused(429, f"Too Many Requests: retry after {seconds}", seconds)

    def _own_message(self, bot: TelegramBot, params: Params, verb: str) -> tuple[Person, TelegramMessage]:
        person, chat = self._chat(bot, params)
        message = chat.find(integer(params.get("message_id")))
        if message is None:
            raise Refused(400, f"Bad Request: message to {verb} not found")
        if not message.from_bot:
            raise Refused(400, f"Bad Request: message can't be {'edited' if verb == 'edit' else 'deleted'}")
        return person, message
