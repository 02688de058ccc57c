"""What a shopper writes over WhatsApp or SMS: from the phone to Twilio, and on to the shop's webhook.

Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from bot.simulator.accounts import Sender
from bot.simulator.faults import Faults
from bot.simulator.journeys import Carrier, Tasks, webhook_copies
from bot.simulator.phones import Person, TwilioMessage, World
from bot.simulator.segments import count_segments
from bot.simulator.sim_events import received_event
from bot.simulator.webhooks import CONNECTION_FAILURE, RETRIEVAL_FAILURE, Outcome, WebhookSender

#: How long a message waits for the one before it from the same phone: real life reorders too, but little.
ORDER_WAIT = 3.0

STOP_WORDS = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
START_WORDS = {"START", "YES", "UNSTOP"}
HELP_WORDS = {"HELP", "INFO"}
KEYWORD_ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more messages from this "
            "number. Reply START to resubscribe.",
    "START": "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
             "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
MEDIA_TYPES = {
    "image": "image/jpeg", "audio": "audio/ogg", "video": "video/mp4", "document": "application/pdf",
    "sticker": "image/webp", "contacts": "text/vcard",
}


class CannotWrite(ValueError):
    """The phone cannot send this; the text is shown to the person, in French."""


class Inbound:
    """Carries what shoppers write to the shops' Twilio webhooks."""

    def __init__(
        self, world: World, faults: Faults, carrier: Carrier, sender: WebhookSender, tasks: Tasks,
        public_url: str, own_url: str,
    ) -> None:
        self.world = world
        self.faults = faults
        self.carrier = carrier
        self.sender = sender
        self.tasks = tasks
        self.public_url = public_url
        self.own_url = own_url
        self.webhooks = {
            (shop.id, s.channel): f"{public_url}/webhooks/{s.channel}/{shop.id}#rc=3&rp=ct,rt,5xx"
            for shop in world.shops.values() for s in shop.senders
        }
        self._before: dict[tuple[str, str], asyncio.Task[None]] = {}

    def write(self, person: Person, channel: str, shop_id: str, what: Mapping[str, Any]) -> TwilioMessage:
        """Take what a person typed, tapped or attached; raises CannotWrite when the app refuses."""
        shop = self.world.shops.get(shop_id)
        sender = shop.sender(channel) if shop is not None else None
        if sender is None:
            raise CannotWrite(f"Cette boutique n'a pas de {channel}.")
        if channel == "sms" and not sender.two_way:
            raise CannotWrite(f"Réponse impossible : {sender.address} est un nom, pas un numéro.")
        if channel == "whatsapp" and not person.has_whatsapp:
            raise CannotWrite(f"{person.name} n'a pas WhatsApp.")
        message = self._compose(person, sender, what)
        self.world.store(message)
        self.world.changed(person.id, shop_id, channel)
        lane = (person.id, sender.address)
        task = self.tasks.start(self._travel(person, sender, message, self._before.get(lane)))
        self._before[lane] = task
        task.add_done_callback(lambda done: self._forget(lane, done))
        return message

    def _forget(self, lane: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._before.get(lane) is task:
            del self._before[lane]

    # --- composing --------------------------------------------------------------------------------

    def _compose(self, person: Person, sender: Sender, what: Mapping[str, Any]) -> TwilioMessage:
        body, media, extra = str(what.get("text") or ""), [], dict[str, str]()
        kind = "text"
        if (button := what.get("button")) is not None:
            body, extra = self._tap(person, button)
            kind = extra.pop("MessageType")
        elif (location := what.get("location")) is not None:
            kind = "location"
            extra = {"Latitude": str(location["latitude"]), "Longitude": str(location["longitude"])}
            extra |= {name: str(location[name.lower()]) for name in ("Address", "Label")
                      if location.get(name.lower())}
        elif (attached := what.get("media")) is not None:
            kind = str(attached if isinstance(attached, str) else attached.get("type", "image"))
            if kind not in MEDIA_TYPES:
                raise CannotWrite(f"Pièce jointe inconnue : {kind}")
            media = [("", MEDIA_TYPES[kind])]
        elif not body:
            raise CannotWrite("Un message vide ne part pas.")
        if quoted := what.get("reply_to"):
            extra |= {"OriginalRepliedMessageSid": str(quoted),
                      "OriginalRepliedMessageSender": sender.address}
        if what.get("forwarded"):
            extra["Forwarded"] = "true"
        sid = self.world.ids.sid("MM" if media else "SM")
        base = f"{self.own_url}/2010-04-01/Accounts/{sender.account_sid}/Messages/{sid}/Media"
        return TwilioMessage(
            sid=sid, account_sid=sender.account_sid, shop_id=sender.shop_id, channel=sender.channel,
            direction="inbound", sender=person.whatsapp if sender.channel == "whatsapp" else person.number,
            to=sender.address, body=body, status="receiving",
            created=float(what.get("sent_at") or self.world.clock.now()), person_id=person.id,
            num_segments=count_segments(body) if sender.channel == "sms" else 1,
            media=[(f"{base}/{self.world.ids.sid('ME')}", content) for _, content in media],
            extra={"MessageType": kind, **extra},
        )

    def _tap(self, person: Person, button: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Turn a tap on a button or a list row of a shown message into its parameters."""
        asked = self.world.messages.get(str(button.get("message_sid")))
        if asked is None or asked.card is None or asked.person_id != person.id or asked.shown is None:
            raise CannotWrite("Ce bouton n'est pas sur ce téléphone.")
        payload = str(button.get("payload"))
        extra = {"OriginalRepliedMessageSid": asked.sid, "OriginalRepliedMessageSender": asked.sender}
        for choice in asked.card.buttons:
            if choice["id"] == payload:
                return choice["title"], extra | {
                    "MessageType": "interactive" if not asked.card.template else "button",
                    "ButtonText": choice["title"], "ButtonPayload": payload,
                }
        for row in asked.card.rows:
            if row["id"] == payload:
                return row["title"], extra | {
                    "MessageType": "interactive", "ListId": payload, "ListTitle": row["title"],
                    "ListDescription": row["description"],
                }
        raise CannotWrite("Ce bouton n'est pas sur ce message.")

    # --- travelling -------------------------------------------------------------------------------

    async def _travel(
        self, person: Person, sender: Sender, message: TwilioMessage, before: asyncio.Task[None] | None
    ) -> None:
        where = (message.channel, message.shop_id, person.id)
        sim = sender.provider == "android"

        def free() -> bool:
            online = person.power != "off" if message.channel == "sms" else (
                person.power == "on" and not self.faults.is_on("country", "offline", None, person.id))
            cut_off = (("country", "offline"), ("sim", "offline")) if sim else (("twilio", "down"),)
            relayed = not any(self.faults.is_on(*fault) for fault in cut_off)
            return online and relayed and not self.faults.is_on(where[0], "late_flood", *where[1:])

        await self.world.switches.until(free)
        if before is not None:
            await asyncio.wait([before], timeout=ORDER_WAIT)
        now = self.world.clock.now()
        message.status, message.sent, message.updated = "received", now, now
        message.history.append(("received", now))
        message.shown = now
        self.world.last_heard[person.id, sender.address] = now
        self.world.changed(person.id, message.shop_id, message.channel)
        opt_out = self._keywords(person, sender, message) if message.channel == "sms" and not sim else None
        if self.faults.struck(where[0], "lost_inbound", *where[1:]) is not None:
            return
        url = self.webhooks[sender.shop_id, sender.channel]
        if sim:
            event = received_event(message, self.world.ids.uuid())
            for _ in range(webhook_copies(self.faults, *where)):
                await self.sender.sim(url.partition("#")[0], sender.auth_token, event)
            return
        params = webhook_params(person, message, opt_out)
        for _ in range(webhook_copies(self.faults, *where)):
            outcome = await self.sender.twilio(url, sender.auth_token, params)
            if outcome.failure is not None:
                code = CONNECTION_FAILURE if outcome.failure in {"ct", "rt"} else RETRIEVAL_FAILURE
                self.world.alarm(code, url.partition("#")[0], outcome.failure)
            else:
                self._answer(person, sender, outcome)

    def _keywords(self, person: Person, sender: Sender, message: TwilioMessage) -> str | None:
        """Obey the words Twilio obeys by default on a number; the message still goes to the webhook."""
        word, key = message.body.strip().upper(), (sender.address, person.number)
        kind = ("STOP" if word in STOP_WORDS else "HELP" if word in HELP_WORDS
                else "START" if word in START_WORDS and key in self.world.opted_out else None)
        if kind is None:
            return None
        self._say(person, sender, KEYWORD_ANSWERS[kind])
        if kind == "STOP":
            self.world.opted_out.add(key)
        elif kind == "START":
            self.world.opted_out.discard(key)
        return kind

    def _answer(self, person: Person, sender: Sender, outcome: Outcome) -> None:
        """Do what the webhook's answer says: TwiML messages, or plain text, go to the shopper."""
        if outcome.content_type == "text/plain" and outcome.body.strip():
            self._say(person, sender, outcome.body)
        elif outcome.content_type in {"text/xml", "application/xml"} and outcome.body.strip():
            try:
                root = ElementTree.fromstring(outcome.body)
            except ElementTree.ParseError:
                url = self.webhooks[sender.shop_id, sender.channel].partition("#")[0]
                self.world.alarm(12100, url, "document parse failure")
                return
            for verb in root.iter("Message"):
                self._say(person, sender, "".join(verb.itertext()).strip())

    def _say(self, person: Person, sender: Sender, text: str) -> None:
        self.carrier.accept(TwilioMessage(
            sid=self.world.ids.sid("SM"), account_sid=sender.account_sid, shop_id=sender.shop_id,
            channel=sender.channel, direction="outbound-reply", sender=sender.address,
            to=person.whatsapp if sender.channel == "whatsapp" else person.number, body=text,
            status="queued", created=self.world.clock.now(), person_id=person.id,
            num_segments=count_segments(text),
        ))


def webhook_params(
    person: Person, message: TwilioMessage, opt_out: str | None = None
) -> list[tuple[str, str]]:
    """Build the form of one inbound webhook, empty `Body` included."""
    params: dict[str, str] = {
        "MessageSid": message.sid, "SmsSid": message.sid, "SmsMessageSid": message.sid,
        "AccountSid": message.account_sid, "From": message.sender, "To": message.to, "Body": message.body,
        "NumMedia": str(len(message.media)), "NumSegments": str(message.num_segments),
        "SmsStatus": "received", "ApiVersion": "2010-04-01",
    }
    for index, (url, kind) in enumerate(message.media):
        params[f"MediaUrl{index}"] = url
        params[f"MediaContentType{index}"] = kind
    if message.channel == "sms":
        params |= {"FromCountry": "CI", "ToCountry": "CI"}
        params |= {f"{end}{part}": "" for end in ("From", "To") for part in ("City", "State", "Zip")}
        if opt_out is not None:
            params["OptOutType"] = opt_out
        return list(params.items())
    context: dict[str, str] = {"ProfileName": person.name}
    params |= {"ProfileName": person.name, "ExternalUserId": f"whatsapp:{person.external_id}",
               "Forwarded": "false", "FrequentlyForwarded": "false", "ReferralNumMedia": "0"}
    if not person.hide_number:
        params["WaId"] = context["WaId"] = message.sender.removeprefix("whatsapp:+")
    params |= message.extra
    if "ButtonText" in message.extra:
        context["ButtonText"] = message.extra["ButtonText"]
    params["ChannelMetadata"] = json.dumps({"type": "whatsapp", "data": {"context": context}})
    return list(params.items())
