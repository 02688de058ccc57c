"""Payment providers, one file each: they open a checkout, look at it, and read its signed callback."""

from __future__ import annotations

from bot.channels.webhooks import Forbidden, Ignored, Malformed, WebhookRequest
from bot.core.payments import Session
from bot.payments import wave_webhooks
from bot.payments.accounts import WaveAccount
from bot.payments.wave import Wave

PaymentAccount = WaveAccount
Reading = Session | Forbidden | Malformed | Ignored


def build(account: PaymentAccount, *, public_url: str, shop: str, wave_api_url: str | None) -> Wave:
    """The client of a shop's account."""
    return Wave(
        account, success_url=outcome_url(public_url, shop, "merci"), error_url=outcome_url(public_url, shop, "echec"),
        api_url=wave_api_url,
    )


def read(account: PaymentAccount, request: WebhookRequest) -> Reading:
    """Verify and parse a callback. Pure."""
    return wave_webhooks.read(account, request)


def outcome_url(public_url: str, shop: str, outcome: str) -> str:
    """Where the provider's page leads afterwards. What stands there proves nothing: only the callback does."""
    return f"{public_url}/pay/{shop}/{outcome}"
