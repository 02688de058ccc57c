"""A shop as a folder: shop.yml, products.csv, zones.csv, and photos if there are any. Reads and checks; writes nothing.

Secrets go from the environment into accounts in memory, never into the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bot.channels.accounts import Account, SimAccount, TelegramAccount, TwilioAccount
from bot.core.addresses import ChannelName, ShopId
from bot.core.catalogue import Product, Zone
from bot.ledger.csv_files import read_products, read_zones
from bot.ledger.problems import Problem, ShopFilesError
from bot.ledger.shop_yaml import ShopForm
from bot.ledger.yaml_file import YamlFile, filled
from bot.payments.accounts import WaveAccount

Accounts = dict[ShopId, dict[ChannelName, Account]]

FILES = ("shop.yml", "products.csv", "zones.csv")
PHOTOS = "photos"
"""Folder of pictures, each named after its product: ``photos/<product_id>.jpg``."""
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """One folder, read. ``digest`` changes with any byte of it."""

    form: ShopForm = field(repr=False)
    products: tuple[Product, ...]
    zones: tuple[Zone, ...]
    digest: str
    photos: tuple[tuple[str, Path], ...] = ()
    """(product, file)"""

    @property
    def id(self) -> ShopId:
        return ShopId(self.form.id)


def read_shops(
    folder: Path, environ: Mapping[str, str] | None = None, *, serve: bool = False
) -> list[ShopFiles]:
    """Read all shops of a folder. Raises ShopFilesError with everything that is wrong in all of them.

    ``environ``: values for ``${NAME}``; without it names are left empty. ``serve``: an empty secret is an error.
    """
    problems: list[Problem] = []
    found: list[ShopFiles] = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        shop = _read_shop(place, environ or {}, serve, problems)
        if shop is not None:
            found.append(shop)
    if not found and not problems:
        problems.append(
            Problem(str(folder), 1, 1, "no shop: each is a folder with shop.yml, products.csv, zones.csv")
        )
    if problems:
        raise ShopFilesError(problems)
    return found


def load_accounts(folder: Path, environ: Mapping[str, str], *, serve: bool = True) -> Accounts:
    """The shops' provider accounts, secrets included. Raises ShopFilesError.

    Not ``serve``: a channel whose secrets are not set is left out.
    """
    return {shop.id: channel_accounts(shop) for shop in read_shops(folder, environ, serve=serve)}


def load_payment_accounts(
    folder: Path, environ: Mapping[str, str], *, serve: bool = True
) -> dict[ShopId, dict[str, WaveAccount]]:
    """The shops' accounts at payment providers, by method. Raises ShopFilesError. A shop without a key has none."""
    found: dict[ShopId, dict[str, WaveAccount]] = {}
    for shop in read_shops(folder, environ, serve=serve):
        wave = shop.form.payments.wave
        if wave is not None and wave.api_key and (secrets := _tokens(wave.webhook_secret or "")):
            found[shop.id] = {"wave": WaveAccount(wave.api_key, secrets)}
    return found


def channel_accounts(shop: ShopFiles) -> dict[ChannelName, Account]:
    """Accounts of a shop's channels; those with an empty secret are left out. The light page needs none."""
    channels = shop.form.channels
    found: dict[ChannelName, Account] = {}
    if (
        (whatsapp := channels.whatsapp) is not None
        and whatsapp.account_sid
        and (tokens := _tokens(whatsapp.auth_token))
    ):
        found[ChannelName.WHATSAPP] = TwilioAccount(
            whatsapp.account_sid,
            tokens,
            whatsapp.address,
            canaries=whatsapp.canaries(),
            canary_template=whatsapp.templates.order_update or whatsapp.templates.resume,
        )
    if (sms := channels.sms) is not None and sms.account_sid and (tokens := _tokens(sms.auth_token)):
        found[ChannelName.SMS] = (
            SimAccount(sms.account_sid, tokens, sms.address, sms.price_xof)
            if sms.provider == "android"
            else TwilioAccount(
                sms.account_sid, tokens, sms.address, two_way=sms.two_way, price_xof=sms.price_xof
            )
        )
    if (telegram := channels.telegram) is not None and telegram.token and telegram.secret:
        found[ChannelName.TELEGRAM] = TelegramAccount(telegram.token, telegram.secret, telegram.bot_username)
    return found


def _tokens(value: str | list[str]) -> tuple[str, ...]:
    return tuple(token for token in ([value] if isinstance(value, str) else value) if token)


def _read_shop(
    place: Path, environ: Mapping[str, str], serve: bool, problems: list[Problem]
) -> ShopFiles | None:
    texts: dict[str, str] = {}
    digest = hashlib.sha256()
    for name in FILES:
        try:
            content = (place / name).read_bytes()
            texts[name] = content.decode("utf-8-sig")
            digest.update(len(content).to_bytes(8, "big") + content)
        except FileNotFoundError:
            problems.append(Problem(f"{place.name}/{name}", 1, 1, "missing"))
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            problems.append(Problem(f"{place.name}/{name}", line, 1, "not UTF-8"))
    form = _form(place.name, texts["shop.yml"], environ, serve, problems) if "shop.yml" in texts else None
    products: list[Product] = []
    zones: list[Zone] = []
    if "products.csv" in texts:
        products = read_products(f"{place.name}/products.csv", texts["products.csv"], problems)
    if "zones.csv" in texts:
        zones = read_zones(f"{place.name}/zones.csv", texts["zones.csv"], problems)
    photos = _photos(place, {product.id for product in products}, problems)
    for _, file in photos:
        digest.update(file.name.encode() + file.read_bytes())
    if form is None:
        return None
    return ShopFiles(form, tuple(products), tuple(zones), digest.hexdigest(), photos)


def _photos(place: Path, products: set[str], problems: list[Problem]) -> tuple[tuple[str, Path], ...]:
    folder = place / PHOTOS
    found: list[tuple[str, Path]] = []
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        wrong = (
            "must be a JPEG, PNG or WebP"
            if file.suffix.lower() not in _PICTURES
            else "no product of this name in products.csv"
            if file.stem not in products
            else "its product has another picture"
            if file.stem in dict(found)
            else ""
        )
        if wrong:
            problems.append(Problem(f"{place.name}/{PHOTOS}/{file.name}", 1, 1, wrong))
        else:
            found.append((file.stem, file))
    return tuple(found)


def _form(
    folder: str, text: str, environ: Mapping[str, str], serve: bool, problems: list[Problem]
) -> ShopForm | None:
    file = YamlFile(f"{folder}/shop.yml", text)
    problems += file.problems
    if file.data is None or file.problems:
        if not file.problems:
            problems.append(file.at((), "empty"))
        return None
    wrong: list[Problem] = []
    if serve:
        for path, names in file.names().items():
            wrong += [file.at(path, f"{name} is not set") for name in names if not environ.get(name)]
    try:
        form = ShopForm.model_validate(filled(file.data, environ))
    except ValidationError as error:
        problems += [
            *wrong,
            *(_problem(file, detail) for detail in error.errors(include_input=False, include_url=False)),
        ]
        return None
    if form.id != folder:
        wrong.append(file.at(("id",), f"must be the folder's name, {folder}"))
    sms = form.channels.sms
    if sms is not None and sms.two_way and not sms.address.startswith("+"):
        wrong.append(
            file.at(("channels", "sms", "two_way"), "a sender name cannot be answered: two_way must be false")
        )
    if sms is not None and sms.provider == "android" and not (sms.two_way and sms.address.startswith("+")):
        wrong.append(
            file.at(("channels", "sms", "address"), "a SIM has a number and is answered: two_way must be true")
        )
    if serve:
        wrong += _empty_secrets(file, form, set(file.names()))
    problems += wrong
    return None if wrong else form


def _empty_secrets(file: YamlFile, form: ShopForm, named: set[tuple[int | str, ...]]) -> list[Problem]:
    """Secrets that stand empty in the file itself; an unset ``${NAME}`` is told with its name already."""
    found = []
    for channel in ("whatsapp", "sms", "telegram"):
        settings = getattr(form.channels, channel)
        for name in ("account_sid", "auth_token", "token", "secret"):
            value: Any = getattr(settings, name, None)
            path = ("channels", channel, name)
            if value in ("", []) and path not in named:
                found.append(file.at(path, f"{channel}: {name} is empty"))
    for name in ("api_key", "webhook_secret"):
        path = ("payments", "wave", name)
        if getattr(form.payments.wave, name, None) in ("", []) and path not in named:
            found.append(file.at(path, f"wave: {name} is empty"))
    return found


def _problem(file: YamlFile, detail: ErrorDetails) -> Problem:
    # A union adds its branch ("str", "list[...]") to the path; the file knows only what stands in it.
    path = tuple(
        step for step in detail["loc"] if not (isinstance(step, str) and ("[" in step or step == "str"))
    )
    name = ".".join(str(step) for step in path)
    if detail["type"] == "extra_forbidden":
        return file.at(path, f"{name}: unknown key", key=True)
    message = detail["msg"].removeprefix("Value error, ")
    return file.at(path, f"{name}: {message[:1].lower()}{message[1:]}")
