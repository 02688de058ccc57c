"""The shapes of webhooks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.web.api.models import Body, Shape, Time


class Webhook(Shape):
    """``seq``: the last event that was taken. ``types`` empty: all."""

    id: str
    url: str
    types: list[str]
    description: str
    status: Literal["enabled", "disabled"]
    disabled_reason: Literal["by_hand", "failing", "gone"] | None
    seq: int
    secret_version: int
    failing_since: Time | None
    next_attempt_at: Time | None
    created_at: Time
    updated_at: Time


class WebhookWithSecret(Webhook):
    """``secret``: ``whsec_`` and base64, for any Standard Webhooks library. It is not shown again."""

    secret: str


class NewWebhook(Body):
    """Where to send what. Private addresses, this server's own and redirects are not called."""

    url: str = Field(min_length=9, max_length=500, examples=["https://example.com/relais"])
    types: list[str] = Field(default_factory=list, max_length=50)
    description: str = Field(default="", max_length=200, pattern=r"^[^\x00]*$")


class WebhookPatch(Body):
    """What is to change. ``resume``: an enabled webhook goes on from its place, or from now."""

    url: str | None = Field(default=None, min_length=9, max_length=500)
    types: list[str] | None = Field(default=None, max_length=50)
    description: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00]*$")
    status: Literal["enabled", "disabled"] | None = None
    resume: Literal["place", "now"] = "place"


class NewReplay(Body):
    """Events whose seq is above ``after`` and not above ``until``."""

    after: int = Field(ge=0, le=2**62)
    until: int = Field(ge=1, le=2**62)


class Replay(Shape):
    """Taken in; it is sent in order, beside what is new."""

    id: str
    webhook_id: str
    seq: int
    until_seq: int
    created_at: Time


class Delivery(Shape):
    """One attempt. ``status``: of their answer, null when there was none; ``error`` says why in one word."""

    id: str
    event_id: str
    event_seq: int
    event_type: str
    attempt: int
    replayed: bool
    status: int | None
    error: str | None
    milliseconds: int
    at: Time
