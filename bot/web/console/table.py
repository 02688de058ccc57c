"""All pages and actions of the console that need somebody signed in."""

from bot.web.console import (
    account,
    catalogue,
    channels,
    conversation,
    drills,
    exports,
    files,
    inbox,
    incidents,
    orders,
    photos,
    settings,
    stream,
    talking,
    team,
    trials,
    webhooks,
)
from bot.web.console.page import Page

PAGES: tuple[Page, ...] = (
    *inbox.PAGES,
    *conversation.PAGES,
    *talking.PAGES,
    *exports.PAGES,
    *files.PAGES,
    *orders.PAGES,
    *channels.PAGES,
    *trials.PAGES,
    *drills.PAGES,
    *incidents.PAGES,
    *catalogue.PAGES,
    *photos.PAGES,
    *settings.PAGES,
    *team.PAGES,
    *webhooks.PAGES,
    *stream.PAGES,
    *account.PAGES,
)
