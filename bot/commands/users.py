"""``relais users``: make people for the console, give them a link to choose a password, sign them out, remove them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from bot import settings
from bot.core.addresses import ShopId
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.passwords import LEAST, Passwords, weakness
from bot.ledger.schema import upgrade
from bot.ledger.shops import LedgerShops
from bot.ledger.users import LINK_HOURS, KnownUser, LastOwner, LedgerUsers, LoginTaken, Role
from bot.ports import Unavailable
from bot.settings import Settings


def register(commands: Any) -> None:
    """Add ``users`` and what it can do."""
    parts = commands.add_parser("users", help="people of the console").add_subparsers(
        dest="part", required=True
    )
    create = parts.add_parser("create", help="make a person; prints a link to choose a password")
    create.add_argument("--shop", required=True, help="id of the shop")
    create.add_argument("--login", required=True, help="what they sign in with")
    create.add_argument("--name", default="", help="as colleagues see it")
    create.add_argument("--role", choices=[role.value for role in Role], default=Role.OWNER.value)
    create.add_argument("--language", choices=["fr", "en"], default="fr")
    create.add_argument("--password-stdin", action="store_true", help="read the password instead of a link")
    _add(create, _create)
    reset = parts.add_parser("reset", help="print a new link to choose a password")
    reset.add_argument("login")
    _add(reset, _reset)
    out = parts.add_parser("sign-out", help="end all sessions of a person")
    out.add_argument("login")
    _add(out, _sign_out)
    remove = parts.add_parser("remove", help="let a person enter no more")
    remove.add_argument("login", nargs="?")
    remove.add_argument("--demo", action="store_true", help="all demo people instead")
    _add(remove, _remove)
    listed = parts.add_parser("list", help="who may enter")
    listed.add_argument("--shop", required=True)
    _add(listed, _list)


Work = Callable[[Settings, Ledger, argparse.Namespace], Awaitable[str]]


def _add(parser: Any, work: Work) -> None:
    parser.set_defaults(run=lambda arguments: _run(work, arguments))


def _run(work: Work, arguments: argparse.Namespace) -> int:
    """Exit status 2 for what was asked wrongly, 1 when the ledger cannot be reached."""
    found = settings.load(os.environ, simulator=True)

    async def within() -> str:
        ledger = open_ledger(found.database_url)
        try:
            await upgrade(ledger)
            return await work(found, ledger, arguments)
        finally:
            await ledger.close()

    try:
        print(asyncio.run(within()))
    except (LoginTaken, LastOwner, LookupError, ValueError) as error:
        print(f"relais: {error.args[0]}", file=sys.stderr)
        return 2
    except Unavailable as error:
        print(f"relais: {error}", file=sys.stderr)
        return 1
    return 0


async def _create(found: Settings, ledger: Ledger, arguments: argparse.Namespace) -> str:
    shops = await LedgerShops(ledger, {}).ids()
    if ShopId(arguments.shop) not in shops:
        raise LookupError(f"no shop {arguments.shop}; there are {', '.join(shops) or 'none'}")
    digest = None
    if arguments.password_stdin:
        password = sys.stdin.readline().rstrip("\n")
        if weakness(password, arguments.login) is not None:
            raise ValueError(
                f"that password is too easy: {LEAST} characters at least, none of the common ones"
            )
        digest = await Passwords().hash(password)
    users = LedgerUsers(ledger)
    made = await users.create(
        arguments.shop,
        arguments.login,
        arguments.name or arguments.login,
        Role(arguments.role),
        password_hash=digest,
        language=arguments.language,
    )
    return f"{made.login}: may enter" if digest else await _link(found, users, made)


async def _reset(found: Settings, ledger: Ledger, arguments: argparse.Namespace) -> str:
    users = LedgerUsers(ledger)
    return await _link(found, users, await _known(users, arguments.login))


async def _sign_out(_: Settings, ledger: Ledger, arguments: argparse.Namespace) -> str:
    users = LedgerUsers(ledger)
    await users.sign_out_everywhere((await _known(users, arguments.login)).id)
    return f"{arguments.login}: signed out everywhere"


async def _remove(_: Settings, ledger: Ledger, arguments: argparse.Namespace) -> str:
    users = LedgerUsers(ledger)
    if arguments.demo:
        gone = await users.demos()
        await users.remove_demos()
        return f"removed {', '.join(gone) or 'nobody'}"
    user = await _known(users, arguments.login or "")
    await users.disable(user.shop_id, user.id)
    return f"{user.login}: removed"


async def _list(_: Settings, ledger: Ledger, arguments: argparse.Namespace) -> str:
    people = await LedgerUsers(ledger).of_shop(arguments.shop)
    return "\n".join(
        f"{user.login}\t{user.role}\t{user.name}" + ("" if user.has_password else "\t(no password yet)")
        for user in people
    )


async def _known(users: LedgerUsers, login: str) -> KnownUser:
    found = await users.by_login(login)
    if found is None:
        raise LookupError(f"nobody signs in as {login}")
    return found[0]


async def _link(found: Settings, users: LedgerUsers, user: KnownUser) -> str:
    """The link alone on the last line."""
    token = await users.password_link(user.id)
    return f"{user.login}: choose a password within {LINK_HOURS} h\n{_public_url(found)}/console/password/{token}"


def _public_url(found: Settings) -> str:
    """Where the running system is, when nothing else was said."""
    written = found.data_dir / "addresses.json"
    if found.public_url_was_set or not written.exists():
        return found.public_url
    address: str = json.loads(written.read_text()).get("gateway", found.public_url)
    return address
