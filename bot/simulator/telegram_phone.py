"""What a person does in Telegram: opens a bot, types, presses a button, shares a number, blocks.

Each act becomes an update, once the phone has a connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.simulator import telegram_objects as objects
from bot.simulator.accounts import TelegramBot
from bot.simulator.faults import Faults
from bot.simulator.inbound import CannotWrite
from bot.simulator.journeys import Tasks
from bot.simulator.phones import Chat, Person, TelegramMessage, World
from bot.simulator.telegram_updates import Updates


class TelegramPhone:
    """The Telegram app of every person."""

    def __init__(self, world: World, faults: Faults, updates: Updates, tasks: Tasks) -> None:
        self.world = world
        self.faults = faults
        self.updates = updates
        self.tasks = tasks
        #: Open callback queries: id -> (bot token, chat).
        self.queries: dict[str, tuple[str, Chat]] = {}

    def act(self, person: Person, shop_id: str, what: Mapping[str, Any]) -> dict[str, Any]:
        """Do what the person does; raises CannotWrite when the app would not let them."""
        shop = self.world.shops.get(shop_id)
        if shop is None or shop.bot is None:
            raise CannotWrite("Cette boutique n'a pas de bot Telegram.")
        if not person.has_telegram:
            raise CannotWrite(f"{person.name} n'a pas Telegram.")
        bot, chat = shop.bot, self.world.chat(shop_id, person.id)
        if "start" in what:
            return self._start(bot, person, chat, str(what["start"] or ""))
        if what.get("block") is not None:
            return self._block(bot, person, chat, bool(what["block"]))
        if not chat.started or chat.blocked:
            raise CannotWrite("Appuyez d'abord sur Démarrer.")
        if (pressed := what.get("callback")) is not None:
            return self._press(bot, person, chat, pressed)
        if (edited := what.get("edit")) is not None:
            return self._edit(bot, person, chat, edited)
        return self._send(bot, person, chat, what)

    def _start(self, bot: TelegramBot, person: Person, chat: Chat, token: str) -> dict[str, Any]:
        if chat.blocked:
            self._block(bot, person, chat, False)
        chat.started = True
        text = f"/start {token}" if token else "/start"
        return self._send(bot, person, chat, {"text": text})

    def _block(self, bot: TelegramBot, person: Person, chat: Chat, blocked: bool) -> dict[str, Any]:
        if chat.blocked != blocked:
            chat.blocked = blocked
            states = [{"user": objects.bot_user(bot), "status": "member"},
                      {"user": objects.bot_user(bot), "status": "kicked", "until_date": 0}]
            old, new = states if blocked else reversed(states)
            self._push(bot, person, "my_chat_member", {
                "chat": objects.chat(person), "from": objects.user(person),
                "date": int(self.world.clock.now()), "old_chat_member": old, "new_chat_member": new,
            })
            self.world.changed(person.id, bot.shop_id, "telegram")
        return {"blocked": chat.blocked}

    def _send(self, bot: TelegramBot, person: Person, chat: Chat, what: Mapping[str, Any]) -> dict[str, Any]:
        message = TelegramMessage(
            message_id=chat.next_id, shop_id=bot.shop_id, person_id=person.id, from_bot=False,
            date=float(what.get("sent_at") or self.world.clock.now()), text=str(what.get("text") or ""),
            reply_to=what.get("reply_to"),
        )
        if what.get("contact"):
            own = what["contact"] is True or what["contact"] == person.id
            whose = person if own else self.world.people.get(str(what["contact"]))
            if whose is None:
                raise CannotWrite("Contact inconnu.")
            # A card forwarded from the address book of somebody without Telegram has no user_id.
            known = {"user_id": whose.telegram_id} if whose.has_telegram else {}
            message.contact = {"phone_number": whose.number.lstrip("+"), "first_name": whose.name, **known}
        elif what.get("location"):
            message.location = {name: float(what["location"][name]) for name in ("latitude", "longitude")}
        elif what.get("photo"):
            message.photo, message.photo_id = "photo", "AgAC" + self.world.ids.opaque(40)
            message.caption = str(what.get("caption") or "")
        elif not message.text:
            raise CannotWrite("Un message vide ne part pas.")
        chat.next_id += 1
        chat.messages.append(message)
        if message.contact is not None:
            chat.keyboard = None
        quoted = chat.find(message.reply_to) if message.reply_to is not None else None
        self._push(bot, person, "message", objects.message(bot, person, message, quoted), message)
        self.world.changed(person.id, bot.shop_id, "telegram")
        return {"message_id": message.message_id}

    def _press(
        self, bot: TelegramBot, person: Person, chat: Chat, pressed: Mapping[str, Any]
    ) -> dict[str, Any]:
        message = chat.find(int(pressed["message_id"]))
        data = str(pressed["data"])
        rows = message.inline if message is not None and message.shown is not None else None
        if message is None or not any(b.get("callback_data") == data for row in rows or [] for b in row):
            raise CannotWrite("Ce bouton n'est plus sur ce téléphone.")
        query_id = str(self.world.ids.number(10**17, 10**18))
        self.queries[query_id] = (bot.token, chat)
        while len(self.queries) > 5_000:
            del self.queries[next(iter(self.queries))]
        self._push(bot, person, "callback_query", {
            "id": query_id, "from": objects.user(person), "message": objects.message(bot, person, message),
            "chat_instance": str(-person.telegram_id * 1000 - bot.id % 1000), "data": data,
        })
        return {"callback_query_id": query_id}

    def _edit(
        self, bot: TelegramBot, person: Person, chat: Chat, edited: Mapping[str, Any]
    ) -> dict[str, Any]:
        message = chat.find(int(edited["message_id"]))
        if message is None or message.from_bot:
            raise CannotWrite("On ne peut corriger que ses propres messages.")
        message.text, message.edited = str(edited["text"]), self.world.clock.now()
        self._push(bot, person, "edited_message", objects.message(bot, person, message))
        self.world.changed(person.id, bot.shop_id, "telegram")
        return {"message_id": message.message_id}

    def _push(
        self, bot: TelegramBot, person: Person, kind: str, content: dict[str, Any],
        message: TelegramMessage | None = None,
    ) -> None:
        """Hand an act to Telegram at once, or when the phone is online again."""
        def online() -> bool:
            return person.power == "on" and not self.faults.is_on("country", "offline", None, person.id)

        def leave() -> None:
            self.updates.push(bot, person.id, kind, content)
            if message is not None:
                message.shown = self.world.clock.now()
                self.world.changed(person.id, bot.shop_id, "telegram")

        async def later() -> None:
            await self.world.switches.until(online)
            leave()

        if online():
            leave()
        else:
            self.tasks.start(later())
