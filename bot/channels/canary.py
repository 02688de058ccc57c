"""A message to a number of the vendor's own that is always on: how far does it come?"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.failures import Accepted, Refused, Scope, Unsure
from bot.core.health import Kind
from bot.core.messages import MessageId, MessageStatus, Part
from bot.ports import Channel, Clock, Outgoing

LOOKS = (3.0, 4.0, 6.0, 7.0)
"""Seconds between looks at the provider's record: 20 in all."""
VALID_FOR = 60
TEXT = "Test de la ligne. Rien à faire."


class ChannelCanary:
    """``flows.canaries.Canary`` over a channel whose provider keeps a record.

    ``recipient``: stands for the number in evidence. ``template``: ContentSid, or None for text.
    """

    def __init__(
        self,
        channel: Channel,
        to: str,
        recipient: str,
        template: str | None,
        message_id: MessageId,
        clock: Clock,
    ) -> None:
        self.account = channel.account
        self.domains = channel.domains
        self.recipient = recipient
        self._channel = channel
        self._clock = clock
        self._outgoing = Outgoing(message_id, to, Part(TEXT), validity_seconds=VALID_FOR, template=template)

    async def fly(self, looks: Sequence[float] = LOOKS) -> tuple[Kind, float] | None:
        """How it went, and when it was sent: WORKS, FAULT (refused, or no answer), SILENT (taken, and no more) or
        UNDELIVERED. None: refused for a reason that says nothing of the channel.
        """
        began = self._clock.now()
        outcome = await self._channel.send(self._outgoing)
        match outcome:
            case Refused(failure):
                return (Kind.FAULT, began) if failure.scope is Scope.CHANNEL else None
            case Unsure():
                return Kind.FAULT, began
            case Accepted(provider_id):
                return await self._arrival(provider_id, began, looks)

    async def _arrival(
        self, provider_id: str, began: float, looks: Sequence[float]
    ) -> tuple[Kind, float] | None:
        reached = Kind.SILENT
        for wait in looks:
            await self._clock.sleep(wait)
            record = await self._channel.look_up(provider_id, self._outgoing)
            if record is None:
                continue
            if record.status in (MessageStatus.DELIVERED, MessageStatus.READ):
                return Kind.WORKS, began
            if record.status is MessageStatus.FAILED:
                scope = self._channel.classify(record.error_code or "").scope
                return (Kind.FAULT, began) if scope is Scope.CHANNEL else None
            if record.status is MessageStatus.SENT:
                reached = Kind.UNDELIVERED
        return reached, began
