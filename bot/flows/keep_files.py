"""Fetch what a shopper sent before the provider forgets it: one file a step, when nothing else is due."""

from __future__ import annotations

from dataclasses import replace

from bot.core.conversations import Conversation, WantedFile
from bot.core.messages import MessageId, Received
from bot.flows.desk import Desk, Work
from bot.ports import FileOutcome

KINDS = frozenset({"audio", "image", "video", "document", "contact"})
MOST_WAITING = 20
"""Files of one conversation that wait to be fetched; more than that is a flood."""
BACK_OFF = (10.0, 60.0, 600.0, 3600.0, 4 * 3600.0)
"""Seconds before each further try; Twilio keeps media until it is deleted, Telegram a file's path for an hour."""


def wanted(message_id: MessageId, received: Received) -> tuple[WantedFile, ...]:
    """What of a message is to be fetched; the name says in which transcript item it stands, and where."""
    return tuple(
        WantedFile(f"{message_id}-{index}", received.channel, attachment.url, attachment.content_type)
        for index, attachment in enumerate(received.attachments)
        if attachment.kind in KINDS and attachment.url
    )


def due(conversation: Conversation, now: float) -> WantedFile | None:
    """The first file that may be tried now, or None."""
    return next((file for file in conversation.files if file.not_before <= now), None)


async def keep_file(desk: Desk, work: Work, file: WantedFile) -> None:
    """One try. What cannot be had is given up after the last one, and said in the feed."""
    outcome = await desk.files.keep(work.shop.id, work.lane, file)
    now = desk.clock.now()
    others = tuple(other for other in work.conversation.files if other.name != file.name)
    if outcome is FileOutcome.LATER and file.tries < len(BACK_OFF):
        again = replace(file, tries=file.tries + 1, not_before=now + BACK_OFF[file.tries])
        work.conversation = replace(work.conversation, files=(*others, again))
        return
    work.conversation = replace(work.conversation, files=others)
    kind = "message.file_kept" if outcome is FileOutcome.KEPT else "message.file_lost"
    work.event(kind, now, file.name, file=file.name, message_id=file.name.rpartition("-")[0])
