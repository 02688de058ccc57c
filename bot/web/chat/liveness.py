"""Is somebody looking? A page is a road only while it is open, and messengers that fetch a link for its preview do not count.

Two signs count, both signed and dated: the little frame's second look (a preview fetches the page once and does not
come back for its frame 15 s later), and the cookie of a browser that has posted on this page.
"""

from __future__ import annotations

import hashlib
import hmac

from bot.core.conversations import Conversation
from bot.core.messages import Command
from bot.ports import Unavailable
from bot.web.gateway import Gateway

LOOK_SECONDS = 15
"""How often the frame looks; the second look is at least half of it after the first."""
STALE_SECONDS = 90
COOKIE = "vu"
RENEW_SECONDS = 20.0
"""The lane is told at most this often, unless something waits to be marked as shown."""


def stamp(gateway: Gateway, token: str) -> str:
    """A dated word for the frame's next look."""
    return _signed(gateway, token, int(gateway.clock.now()))


def came_back(gateway: Gateway, token: str, word: str) -> bool:
    """Is this a stamp of ours that was given out a look ago? A stale one (a shared link) is not."""
    at_text, _, _ = word.partition(".")
    if not (at_text.isascii() and at_text.isdigit() and len(at_text) < 12):
        return False
    age = gateway.clock.now() - int(at_text)
    good = word.isascii() and hmac.compare_digest(_signed(gateway, token, int(at_text)), word)
    return good and LOOK_SECONDS / 2 <= age <= STALE_SECONDS


def cookie(gateway: Gateway, token: str) -> str:
    """The word kept by a browser that has posted here."""
    return _mac(gateway, token, "posted")


def has_posted(gateway: Gateway, token: str, word: str | None) -> bool:
    return word is not None and word.isascii() and hmac.compare_digest(cookie(gateway, token), word)


async def seen(gateway: Gateway, conversation: Conversation) -> None:
    """Tell the conversation that its page is open. A store that cannot be reached leaves the page as it was."""
    now = gateway.clock.now()
    page = conversation.page
    owed = any(d.channel == "web" and not d.settled for d in conversation.deliveries)
    if page is None or (page.seen_at is not None and now - page.seen_at < RENEW_SECONDS and not owed):
        return
    # One a second at most: the same second gives the same id, and a repeat is dropped.
    command = Command(f"seen:{conversation.id}:{int(now)}", "page_seen", now)
    try:
        await gateway.put(conversation.id, command)
    except Unavailable:
        return


def _signed(gateway: Gateway, token: str, at: int) -> str:
    return f"{at}.{_mac(gateway, token, str(at))}"


def _mac(gateway: Gateway, token: str, word: str) -> str:
    text = f"page seen\n{token}\n{word}".encode()
    return hmac.new(gateway.secret, text, hashlib.sha256).hexdigest()[:20]
