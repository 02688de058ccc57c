"""All pages and actions of the console that need somebody signed in."""

from bot.web.console import account, conversation, exports, inbox, stream, talking
from bot.web.console.page import Page

PAGES: tuple[Page, ...] = (
    *inbox.PAGES,
    *conversation.PAGES,
    *talking.PAGES,
    *exports.PAGES,
    *stream.PAGES,
    *account.PAGES,
)
