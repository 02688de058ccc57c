"""A conversation goes to a person: the shopper waits for them, and the bot is silent until they give it back."""

from __future__ import annotations

from dataclasses import replace

from bot.core import handover
from bot.flows.desk import Work


def hand_over(work: Work, now: float, cause: str) -> None:
    """Unless a person has it already. ``cause``: id of what asked for it."""
    if work.conversation.human:
        return
    work.conversation = replace(
        work.conversation, human=True, human_since=now, person=handover.awaited(work.shop, now), unanswered=()
    )
    work.event("conversation.handed_over", now, cause, to="human")
