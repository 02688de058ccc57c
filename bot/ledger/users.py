"""Who may enter the console of which shop, and the links with which people choose their password."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bot.ledger.console_models import PasswordLink, User
from bot.ledger.engine import Ledger
from bot.ledger.times import utc_now

LINK_HOURS = 72
SEEN_EVERY = timedelta(minutes=5)
MOST_LOGIN = 80


class Role(StrEnum):
    """What a person may do; the console's table of rights says which pages that opens."""

    OWNER = "owner"
    STAFF = "staff"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class KnownUser:
    """A person of one shop, without the password."""

    id: str
    shop_id: str
    login: str
    name: str
    role: Role
    language: str
    epoch: int
    demo: bool
    created_at: datetime
    seen_at: datetime | None
    has_password: bool
    caught_up_at: datetime
    """What was said before is read."""


class LoginTaken(ValueError):
    """Another person, maybe of another shop, has this login."""


class LastOwner(ValueError):
    """A shop keeps at least one owner who can enter."""


def as_login(typed: str) -> str:
    """A login as it is kept: small letters, no blanks around."""
    return typed.strip().lower()[:MOST_LOGIN]


class LedgerUsers:
    """People of all shops. Every method may raise Unavailable."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] = utc_now) -> None:
        self._ledger = ledger
        self._now = now

    async def create(
        self, shop_id: str, login: str, name: str, role: Role, *, password_hash: str | None = None,
        language: str = "fr", demo: bool = False,
    ) -> KnownUser:  # fmt: skip
        """Make a person. Raises LoginTaken, ValueError for an empty login."""
        if not as_login(login):
            raise ValueError("a login is needed")
        row = {
            "id": f"usr_{secrets.token_hex(8)}",
            "shop_id": shop_id,
            "login": as_login(login),
            "name": name.strip()[:80] or as_login(login),
            "role": role.value,
            "language": language,
            "password_hash": password_hash,
            "epoch": 1,
            "demo": demo,
            "created_at": self._now(),
        }
        try:
            async with self._ledger.writing() as connection:
                await connection.execute(insert(User).values(row))
        except IntegrityError as error:
            raise LoginTaken(f"{as_login(login)} is taken") from error
        found = await self.get(str(row["id"]))
        assert found is not None
        return found

    async def get(self, user_id: str) -> KnownUser | None:
        """A person who may enter; None when there is none, or no longer."""
        return await self._one(User.id == user_id)

    async def by_login(self, login: str) -> tuple[KnownUser, str | None] | None:
        """The person and the kept password digest."""
        query = select(User.__table__).where(User.login == as_login(login), User.disabled_at.is_(None))
        async with self._ledger.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else (_known(row), row.password_hash)

    async def of_shop(self, shop_id: str) -> Sequence[KnownUser]:
        query = (
            select(User.__table__)
            .where(User.shop_id == shop_id, User.disabled_at.is_(None))
            .order_by(User.created_at, User.id)
        )
        async with self._ledger.reading() as connection:
            return [_known(row) for row in await connection.execute(query)]

    async def demos(self) -> Sequence[str]:
        """Logins of demo people."""
        query = select(User.login).where(User.demo.is_(True), User.disabled_at.is_(None)).order_by(User.login)
        async with self._ledger.reading() as connection:
            return list(await connection.scalars(query))

    async def remove_demos(self) -> None:
        """Let no demo person enter any more."""
        async with self._ledger.writing() as connection:
            await connection.execute(
                update(User)
                .where(User.demo.is_(True), User.disabled_at.is_(None))
                .values(
                    disabled_at=self._now(), login=User.id + "@gone", password_hash=None, epoch=User.epoch + 1
                )
            )

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """A new password ends all sessions and links."""
        async with self._ledger.writing() as connection:
            await connection.execute(
                update(User)
                .where(User.id == user_id)
                .values(password_hash=password_hash, epoch=User.epoch + 1)
            )
            await connection.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))

    async def rehashed(self, user_id: str, password_hash: str) -> None:
        """The same password in today's settings: nobody is signed out."""
        async with self._ledger.writing() as connection:
            await connection.execute(
                update(User).where(User.id == user_id).values(password_hash=password_hash)
            )

    async def set_language(self, user_id: str, language: str) -> None:
        async with self._ledger.writing() as connection:
            await connection.execute(update(User).where(User.id == user_id).values(language=language))

    async def set_role(self, shop_id: str, user_id: str, role: Role) -> bool:
        """Change what a person may do and end their sessions; False when the shop has no such person. Raises LastOwner."""
        return await self._change(shop_id, user_id, {"role": role.value}, keeps_owner=role is Role.OWNER)

    async def disable(self, shop_id: str, user_id: str) -> bool:
        """Let a person enter no more; the login is free again. False when the shop has none. Raises LastOwner."""
        now = self._now()
        gone = {"disabled_at": now, "login": f"{user_id}@gone", "password_hash": None}
        return await self._change(shop_id, user_id, gone, keeps_owner=False)

    async def sign_out_everywhere(self, user_id: str) -> None:
        async with self._ledger.writing() as connection:
            await connection.execute(update(User).where(User.id == user_id).values(epoch=User.epoch + 1))

    async def seen(self, user: KnownUser) -> None:
        """Note that the person is here, at most every five minutes."""
        now = self._now()
        if user.seen_at is None or now - user.seen_at >= SEEN_EVERY:
            async with self._ledger.writing() as connection:
                await connection.execute(update(User).where(User.id == user.id).values(seen_at=now))

    async def password_link(self, user_id: str) -> str:
        """A token with which the person chooses a password once, within 72 h. Older ones end."""
        token = secrets.token_urlsafe(24)
        async with self._ledger.writing() as connection:
            await connection.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))
            expires_at = self._now() + timedelta(hours=LINK_HOURS)
            await connection.execute(
                insert(PasswordLink).values(digest=_digest(token), user_id=user_id, expires_at=expires_at)
            )
        return token

    async def of_link(self, token: str) -> KnownUser | None:
        """Whose link it is, while it is good."""
        linked = (
            select(PasswordLink.user_id)
            .where(PasswordLink.digest == _digest(token), PasswordLink.expires_at > self._now())
            .scalar_subquery()
        )
        return await self._one(User.id == linked)

    async def use_link(self, token: str, password_hash: str) -> KnownUser | None:
        """Set the password and end the link, in one step; None when the link is no good (any more)."""
        async with self._ledger.writing() as connection:
            taken = await connection.execute(
                delete(PasswordLink)
                .where(PasswordLink.digest == _digest(token), PasswordLink.expires_at > self._now())
                .returning(PasswordLink.user_id)
            )
            user_id = taken.scalar_one_or_none()
            if user_id is None:
                return None
            await connection.execute(
                update(User)
                .where(User.id == user_id)
                .values(password_hash=password_hash, epoch=User.epoch + 1)
            )
        return await self.get(user_id)

    async def _one(self, condition: Any) -> KnownUser | None:
        query = select(User.__table__).where(condition, User.disabled_at.is_(None))
        async with self._ledger.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _known(row)

    async def _change(self, shop_id: str, user_id: str, values: dict[str, Any], *, keeps_owner: bool) -> bool:
        async with self._ledger.writing() as connection:
            same = (User.id == user_id, User.shop_id == shop_id, User.disabled_at.is_(None))
            role = await connection.scalar(select(User.role).where(*same).with_for_update())
            if role is None:
                return False
            if role == Role.OWNER and not keeps_owner:
                owners = await connection.scalar(
                    select(func.count())
                    .select_from(User)
                    .where(User.shop_id == shop_id, User.role == Role.OWNER, User.disabled_at.is_(None))
                )
                if owners == 1:
                    raise LastOwner("a shop keeps one owner")
            await connection.execute(update(User).where(*same).values(**values, epoch=User.epoch + 1))
            if "disabled_at" in values:
                await connection.execute(delete(PasswordLink).where(PasswordLink.user_id == user_id))
        return True


def _digest(token: str) -> str:
    # 144 random bits: a fast digest is enough.
    return hashlib.sha256(token.encode()).hexdigest()


def _known(row: Any) -> KnownUser:
    return KnownUser(
        id=row.id,
        shop_id=row.shop_id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        language=row.language,
        epoch=row.epoch,
        demo=row.demo,
        created_at=row.created_at,
        seen_at=row.seen_at,
        has_password=row.password_hash is not None,
        caught_up_at=row.caught_up_at or row.created_at,
    )
