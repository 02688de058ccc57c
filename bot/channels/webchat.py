"""The light web page as a channel: nothing is sent, the page fetches; ``page_seen`` tells what was shown."""

from __future__ import annotations

from bot.core.addresses import ChannelName
from bot.core.failures import Accepted, Certainty, Failure, Outcome, Retry, Scope
from bot.core.messages import Capabilities, Reported
from bot.ports import Outgoing


class WebChat:
    """The shopper's page. Implements ``ports.Channel``."""

    name = ChannelName.WEB
    account = "web"
    domains: tuple[str, ...] = ("internet",)
    capabilities = Capabilities(
        max_text=20_000, max_buttons=30, max_button_title=120, images=True, look_up=False
    )

    async def send(self, outgoing: Outgoing) -> Outcome:
        """Always accepted: the reply lies in the conversation until the page is opened."""
        return Accepted(outgoing.message_id)

    async def look_up(self, provider_id: str | None, outgoing: Outgoing) -> Reported | None:
        """There is no record but ours."""
        return None

    def classify(self, code: str) -> Failure:
        """The page reports no codes."""
        return Failure(Scope.OURS, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, code)

    async def probe(self) -> bool:
        """Our own process answers."""
        return True

    async def close(self) -> None:
        """Nothing is open."""
