"""A shop's account at a payment provider. Secrets stay out of ``repr``."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class WaveAccount:
    """Wave Business. Any of ``webhook_secrets`` verifies a callback, so that one can be rotated."""

    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.api_key or not self.webhook_secrets or not all(self.webhook_secrets):
            raise ValueError("a Wave account needs an API key and webhook secrets that are not empty")
