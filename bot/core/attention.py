"""Who waits for a person, and since when: what the console sorts by."""

from __future__ import annotations

from bot.core.conversations import Conversation


def waiting_since(conversation: Conversation, before: float | None = None) -> float | None:
    """Since when the shopper has waited for a person's words (Unix seconds); None when nobody has to answer.

    ``before`` is what was known of it until now: who writes again while waiting does not start to wait anew.
    """
    if not conversation.human or conversation.human_since is None:
        return None
    said = max((d.created_at for d in conversation.deliveries if d.reply.author == "vendor"), default=None)
    if said is None or said < conversation.human_since:
        return conversation.human_since
    heard = max(conversation.heard_at.values(), default=said)
    if heard <= said:
        return None
    return min(before, heard) if before is not None and before > said else heard
