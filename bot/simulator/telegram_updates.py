"""Updates to the bots' webhooks: one queue a bot, in order, repeated until the gateway answers 2xx.

https://core.telegram.org/bots/api#setwebhook
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.accounts import TelegramBot
from bot.simulator.faults import Faults
from bot.simulator.journeys import webhook_copies
from bot.simulator.phones import World
from bot.simulator.webhooks import WebhookSender

QUEUE_LIMIT = 10_000
GIVE_UP = 86_400.0
LONGEST_PAUSE = 60.0


@dataclass(slots=True)
class Webhook:
    """One bot's webhook and what waits for it."""

    url: str
    secret: str
    max_connections: int = 40
    allowed: list[str] | None = None
    last_error: str = ""
    last_error_at: float | None = None
    waiting: deque[tuple[float, str | None, dict[str, Any]]] = field(
        default_factory=lambda: deque(maxlen=QUEUE_LIMIT)
    )
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


class Updates:
    """Delivers updates; `run` is one endless task a bot."""

    def __init__(
        self, world: World, faults: Faults, sender: WebhookSender, public_url: str, retry: float
    ) -> None:
        self.world = world
        self.faults = faults
        self.sender = sender
        self.retry = retry
        self.webhooks = {
            shop.id: Webhook(f"{public_url}/webhooks/telegram/{shop.id}", shop.bot.secret)
            for shop in world.shops.values() if shop.bot is not None
        }

    def push(self, bot: TelegramBot, person_id: str | None, kind: str, content: dict[str, Any]) -> int:
        """Queue one update and return its id."""
        update_id = self.world.ids.update_id()
        webhook = self.webhooks[bot.shop_id]
        lost = self.faults.struck("telegram", "lost_inbound", bot.shop_id, person_id) is not None
        if not lost and (webhook.allowed is None or kind in webhook.allowed):
            webhook.waiting.append(
                (self.world.clock.now(), person_id, {"update_id": update_id, kind: content})
            )
            webhook.arrived.set()
        return update_id

    async def run(self, shop_id: str) -> None:
        """Deliver one bot's updates for ever."""
        webhook = self.webhooks[shop_id]
        while True:
            webhook.arrived.clear()
            if not webhook.waiting or not webhook.url:
                await webhook.arrived.wait()
                continue
            await self._deliver(shop_id, webhook)

    async def _deliver(self, shop_id: str, webhook: Webhook) -> None:
        queued, person_id, update = webhook.waiting[0]
        await self.world.switches.until(
            lambda: not self.faults.is_on("telegram", "late_flood", shop_id, person_id)
        )
        body = json.dumps(update, ensure_ascii=False, separators=(",", ":")).encode()
        copies = webhook_copies(self.faults, "telegram", shop_id, person_id)
        pause = self.retry
        while webhook.url and webhook.waiting and webhook.waiting[0][2] is update:
            outcome = await self.sender.telegram(webhook.url, webhook.secret, body)
            if outcome.status is not None and 200 <= outcome.status < 300:
                copies -= 1
                if copies <= 0:
                    break
                continue
            webhook.last_error_at = self.world.clock.now()
            webhook.last_error = (
                f"Wrong response from the webhook: {outcome.status}" if outcome.status is not None
                else "Connection refused" if outcome.failure == "ct" else "Read timeout expired"
            )
            self.world.alarm(outcome.status or 0, webhook.url, webhook.last_error)
            if self.world.clock.now() - queued > GIVE_UP:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        if webhook.waiting and webhook.waiting[0][2] is update:
            webhook.waiting.popleft()
