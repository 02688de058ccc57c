"""One reply's journey: waiting, sending, what the provider said, superseded. Statuses are joined, never assigned."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.core.addresses import ChannelName
from bot.core.messages import UNASKED, MessageId, MessageStatus, Reply

S = MessageStatus

_RANK = {
    S.WAITING: 0,
    S.HELD: 0,
    S.SENDING: 1,
    S.UNKNOWN: 2,
    S.ACCEPTED: 3,
    S.SENT: 4,
    S.FAILED: 5,
    S.DELIVERED: 6,
    S.READ: 7,
}
"""Repeats and disorder change nothing: the higher rank wins, and *delivered* outranks *failed*."""

OPEN = frozenset({S.WAITING, S.HELD, S.SENDING})
"""The provider has not answered yet."""
UNCONFIRMED = frozenset({S.SENDING, S.UNKNOWN, S.ACCEPTED})
"""It may or may not reach the shopper."""
REPEATED_NEVER = UNASKED
"""Not repeated after an unknown outcome; everything else once, by the next road, else the same one."""


def join(old: MessageStatus, new: MessageStatus) -> MessageStatus:
    """The status after hearing ``new``: commutative, associative, idempotent on provider statuses."""
    if old in (S.SUPERSEDED, S.EXPIRED, S.RECEIVED):
        return old
    return new if _RANK.get(new, -1) > _RANK[old] else old


@dataclass(frozen=True, slots=True)
class Delivery:
    """A transcript item going out. One item is one send on one channel; a repeat is a new item."""

    id: MessageId
    reply: Reply
    created_at: float
    status: MessageStatus = S.WAITING
    owed_since: float | None = None
    """When the shopper was first owed it, where this item repeats an older one."""
    not_before: float = 0.0
    """Not tried before this time (seconds)."""
    question: int | None = None
    """Number of the question it puts."""
    patience: float = 0.0
    """Seconds it may stay accepted without ``sent`` before it goes on; 0 on channels without receipts."""
    attempts: int = 0
    channel: ChannelName | None = None
    epoch: int = 0
    text: str | None = None
    """As sent, after rendering."""
    provider_id: str | None = None
    started_at: float | None = None
    accepted_at: float | None = None
    sent_at: float | None = None
    ended_at: float | None = None
    error_code: str | None = None
    reason: str | None = None
    """Why it is held, expired or failed, in words of ours (``no_road``, ``window``)."""
    supersedes: MessageId | None = None
    superseded_by: MessageId | None = None
    looked_up: bool = False
    """The provider was asked about it once."""
    doubted: bool = False
    """It counted as silent: accepted, and not ``sent`` in time."""
    missed: bool = False
    """It was looked at because it was ``sent`` and not delivered in time."""
    avoid: tuple[ChannelName, ...] = ()
    """Roads that failed for this reply already."""
    cost_xof: int = 0
    """What its attempt cost: segments at the shop's price."""
    probe: bool = False
    """Sent on a channel that is down, to see whether it works again."""
    moves_from: ChannelName | None = None
    """The channel this item says good-bye to: the notice of a move, which counts when it has left."""
    carried: tuple[str, ...] = ()
    """What a notice says of all that was owed; said plainly if the move does not happen."""

    @property
    def since(self) -> float:
        """Since when the shopper has waited for it."""
        return self.created_at if self.owed_since is None else self.owed_since

    @property
    def shown(self) -> MessageStatus:
        """Status for the transcript: a repeated item is ``superseded`` unless it did arrive."""
        if self.superseded_by and self.status not in (S.DELIVERED, S.READ):
            return S.SUPERSEDED
        return self.status

    @property
    def settled(self) -> bool:
        """Nothing is left to do for it."""
        if self.superseded_by or self.status in (S.DELIVERED, S.READ, S.SENT, S.EXPIRED):
            return True
        return self.status is S.FAILED

    def reported(self, status: MessageStatus, at: float, error_code: str | None = None) -> Delivery:
        """Join what the provider said. Times are set at the first word of their kind."""
        joined = join(self.status, status)
        reached = joined in (S.SENT, S.DELIVERED, S.READ)
        return replace(
            self,
            status=joined,
            accepted_at=self.accepted_at if self.accepted_at is not None or joined is S.FAILED else at,
            sent_at=self.sent_at if self.sent_at is not None or not reached else at,
            ended_at=at if joined in (S.DELIVERED, S.READ, S.FAILED) and self.ended_at is None else self.ended_at,
            error_code=(error_code or self.error_code) if joined is S.FAILED else None,
        )
