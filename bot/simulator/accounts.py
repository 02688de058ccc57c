"""The providers' accounts of the demo shops, read from `shops/<id>/shop.yml` and the environment.

Reads only what a provider would know about a shop: its senders, its bot, their secrets.
"""

from __future__ import annotations

import hashlib
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

TwilioChannel = Literal["whatsapp", "sms"]

_NAMED = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Sender:
    """One sender; `address` is as its provider writes it (`whatsapp:+225…`, `+225…` or `AWA MODE`).

    `provider` is `twilio`, or `android` for a SIM in the vendor's phone: then `account_sid` and `auth_token` are the
    app's user name and password, and the password signs its webhooks.
    """

    shop_id: str
    channel: TwilioChannel
    address: str
    account_sid: str
    auth_token: str
    two_way: bool
    provider: str = "twilio"


@dataclass(frozen=True, slots=True)
class TelegramBot:
    """One Telegram bot as BotFather made it."""

    shop_id: str
    name: str
    username: str
    token: str
    secret: str

    @property
    def id(self) -> int:
        """Telegram's user id of the bot: the digits before the colon of its token."""
        return int(self.token.partition(":")[0])


@dataclass(frozen=True, slots=True)
class WaveBusiness:
    """A Wave Business account: the key of its API, and what signs its webhooks."""

    shop_id: str
    name: str
    api_key: str
    webhook_secret: str


@dataclass(frozen=True, slots=True)
class Shop:
    """What the phones show about a shop, and its accounts."""

    id: str
    name: str
    tagline: str
    phone: str
    senders: tuple[Sender, ...]
    bot: TelegramBot | None
    wave: WaveBusiness | None = None
    staff: tuple[str, ...] = ()
    """Numbers of the vendor's own phones (`canary`), always on."""

    def sender(self, channel: str) -> Sender | None:
        """Return the shop's sender on `channel`, or None."""
        return next((s for s in self.senders if s.channel == channel), None)


def demo_environment(shops_dir: str | Path) -> dict[str, str]:
    """Invent a value for each `${NAME}` in the shops' files; the same name always gets the same value.

    The shapes are the providers' own: `AC` and 32 hex digits, 32 hex digits for an auth token,
    `<digits>:<35 characters>` for a Telegram token.
    """
    names: set[str] = set()
    for path in sorted(Path(shops_dir).glob("*/shop.yml")):
        names.update(_NAMED.findall(path.read_text(encoding="utf-8")))
    return {name: _invented(name) for name in sorted(names)}


def load_shops(shops_dir: str | Path, environment: Mapping[str, str] | None = None) -> tuple[Shop, ...]:
    """Read every shop under `shops_dir`; secrets come from `environment`, else from `demo_environment`."""
    values = demo_environment(shops_dir) | dict(os.environ if environment is None else environment)
    shops = []
    for path in sorted(Path(shops_dir).glob("*/shop.yml")):
        shops.append(_shop(_resolved(yaml.safe_load(path.read_text(encoding="utf-8")), values)))
    if not shops:
        raise ValueError(f"no shop found: {Path(shops_dir)}/*/shop.yml")
    return tuple(shops)


def _resolved(node: Any, values: Mapping[str, str]) -> Any:
    # After parsing, so that a value of digits only stays a string.
    if isinstance(node, str):
        return _NAMED.sub(lambda match: values[match.group(1)], node)
    if isinstance(node, list):
        return [_resolved(item, values) for item in node]
    if isinstance(node, dict):
        return {key: _resolved(value, values) for key, value in node.items()}
    return node


def _shop(raw: Mapping[str, Any]) -> Shop:
    channels: Mapping[str, Any] = raw.get("channels") or {}
    senders = []
    kinds: tuple[TwilioChannel, ...] = ("whatsapp", "sms")
    for channel in kinds:
        settings = channels.get(channel)
        if settings:
            prefix = "whatsapp:" if channel == "whatsapp" else ""
            senders.append(
                Sender(
                    shop_id=str(raw["id"]),
                    channel=channel,
                    address=prefix + str(settings["address"]),
                    account_sid=str(settings["account_sid"]),
                    auth_token=str(settings["auth_token"]),
                    two_way=channel == "whatsapp" or bool(settings.get("two_way")),
                    provider=str(settings.get("provider", "twilio")),
                )
            )
    telegram = channels.get("telegram")
    bot = None
    if telegram:
        bot = TelegramBot(
            shop_id=str(raw["id"]),
            name=str(raw["name"]),
            username=str(telegram["bot_username"]),
            token=str(telegram["token"]),
            secret=str(telegram["secret"]),
        )
    canary = (channels.get("whatsapp") or {}).get("canary") or []
    wave = (raw.get("payments") or {}).get("wave") or {}
    secret = wave.get("webhook_secret")
    return Shop(
        id=str(raw["id"]),
        name=str(raw["name"]),
        tagline=str(raw.get("tagline", "")),
        phone=str(raw.get("phone", "")),
        senders=tuple(senders),
        bot=bot,
        wave=WaveBusiness(
            str(raw["id"]), str(raw["name"]), str(wave["api_key"]), secret[0] if isinstance(secret, list) else str(secret)
        )
        if wave.get("api_key")
        else None,
        staff=tuple(map(str, [canary] if isinstance(canary, str) else canary)),
    )


def _invented(name: str) -> str:
    digest = hashlib.sha256(f"relais simulator {name}".encode()).digest()
    if name.endswith("ACCOUNT_SID"):
        return "AC" + digest.hex()[:32]
    if name.endswith("AUTH_TOKEN"):
        return digest.hex()[:32]
    letters = urlsafe_b64encode(digest).decode().rstrip("=")
    if name.endswith("TELEGRAM_TOKEN"):
        return f"{7_000_000_000 + int.from_bytes(digest[:4], 'big') % 1_000_000_000}:{letters[:35]}"
    return letters
