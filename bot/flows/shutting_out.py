"""A shop blocks a shopper who abuses it: what they write is kept, nobody answers, and the shop's own word still leaves."""

from __future__ import annotations

from dataclasses import replace

from bot.core import hearing
from bot.core.conversations import Conversation
from bot.core.messages import Command, Received
from bot.flows.desk import Work

SHUT_OUT, LET_IN = "shut_out", "let_in"


def obey(work: Work, command: Command, now: float) -> None:
    """Block or let in. Blocking ends what is under way: nothing is answered, nobody is waited for, nothing is reminded."""
    conversation = work.conversation
    out = command.name == SHUT_OUT
    if conversation.customer.shut_out is out:
        return
    work.conversation = replace(conversation, customer=replace(conversation.customer, shut_out=out))
    if out:
        if conversation.human:
            work.event("conversation.handed_over", now, command.id, to="bot")
        work.conversation = _quiet(work.conversation)


def hear(work: Work, received: Received) -> bool:
    """Is this from a shopper who was blocked? Then it is in the transcript, and that is all; STOP is obeyed."""
    if not work.conversation.customer.shut_out:
        return False
    work.hear(received, late=False)
    if hearing.is_stop(received):
        customer = work.conversation.customer.opted(received.address, out=True)
        work.conversation = replace(work.conversation, customer=customer)
        work.event("customer.opted_out", received.received_at, received.id, address=str(received.address))
    return True


def _quiet(conversation: Conversation) -> Conversation:
    return replace(
        conversation,
        human=False,
        human_since=None,
        person=None,
        unanswered=(),
        late=None,
        remind_at=None,
    )
