"""Files seed a shop: what the ledger changed itself wins, and is said. One transaction a shop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.catalogue import Product as FileProduct
from bot.core.catalogue import Zone as FileZone
from bot.ledger.engine import Ledger
from bot.ledger.models import FieldChange, OrderCounter, Product, Shop, StockMovement, Zone
from bot.ledger.orders import FIRST_NUMBER
from bot.ledger.pictures import made_fit
from bot.ledger.problems import Problem, ShopFilesError
from bot.ledger.product_photos import FIELD, keep
from bot.ledger.shopfiles import PHOTOS, ShopFiles, read_shops
from bot.ledger.statements import insert_if_new
from bot.ledger.times import utc_now

WHOLE = "*"
"""Instead of a field's name: the ledger made this product or zone, all of it is the ledger's."""

Changes = set[tuple[str, str, str]]
"""(kind, item, field)"""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of one shop. ``kept``: fields of the files that the ledger's own changes outrank."""

    shop_id: str
    changed: bool
    """False: these very files were imported before."""
    kept: tuple[str, ...] = ()


async def import_shops(
    ledger: Ledger, folder: Path, replace: bool = False, now: Callable[[], datetime] = utc_now
) -> list[Imported]:
    """Import every shop whose files have changed. ``replace`` overwrites the ledger's own changes too, never stock.

    Raises ShopFilesError before anything is written, and Unavailable.
    """
    return [await import_shop(ledger, shop, replace, now()) for shop in read_shops(folder)]


async def import_shop(ledger: Ledger, files: ShopFiles, replace: bool, now: datetime) -> Imported:
    """Import one shop. Raises ShopFilesError for a picture that cannot be read, and Unavailable."""
    if not replace and await _same(ledger, files):
        return Imported(files.id, changed=False)
    pictures = await _pictures(files)
    return await ledger.write(lambda connection: _Import(connection, files, pictures, replace, now).run())


async def _same(ledger: Ledger, files: ShopFiles) -> bool:
    async with ledger.reading() as connection:
        known = await connection.scalar(select(Shop.files_hash).where(Shop.id == files.id))
    return bool(known == files.digest)


async def _pictures(files: ShopFiles) -> dict[str, bytes]:
    """Made fit before the transaction begins: that takes a while."""
    found, problems = {}, []
    for product_id, file in files.photos:
        fit = await made_fit(file.read_bytes())
        if fit is None:
            problems.append(Problem(f"{files.id}/{PHOTOS}/{file.name}", 1, 1, "not a picture that can be read"))
        else:
            found[product_id] = fit
    if problems:
        raise ShopFilesError(problems)
    return found


class _Import:
    """One shop in one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        files: ShopFiles,
        pictures: Mapping[str, bytes],
        replace: bool,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._files = files
        self._pictures = pictures
        self._shop = files.form.id
        self._replace = replace
        self._now = now
        self._changes: Changes = set()
        self._kept: list[str] = []

    async def run(self) -> Imported:
        connection = self._connection
        known = (await connection.execute(select(Shop.__table__).where(Shop.id == self._shop))).first()
        if known is not None and known.files_hash == self._files.digest and not self._replace:
            return Imported(self._shop, changed=False)
        if self._replace:
            await connection.execute(delete(FieldChange).where(FieldChange.shop_id == self._shop))
        else:
            self._changes = await changes_of(connection, self._shop)
        await self._import_shop(known.settings if known is not None else None)
        await self._import_products()
        await self._import_photos()
        await self._import_zones()
        return Imported(self._shop, changed=True, kept=tuple(self._kept))

    async def _import_shop(self, old: Mapping[str, Any] | None) -> None:
        settings = self._merged("shop", "", old or {}, self._files.form.settings())
        if old is None:
            values = {"settings": settings, "files_hash": self._files.digest, "updated_at": self._now}
            await self._connection.execute(insert(Shop).values(id=self._shop, created_at=self._now, **values))
            await self._connection.execute(
                insert_if_new(self._connection, OrderCounter, "shop_id").values(
                    shop_id=self._shop, last=FIRST_NUMBER - 1
                )
            )
        else:
            await self._connection.execute(
                update(Shop)
                .where(Shop.id == self._shop)
                .values(settings=settings, files_hash=self._files.digest, updated_at=self._now)
            )

    async def _import_products(self) -> None:
        found = await self._connection.execute(select(Product.__table__).where(Product.shop_id == self._shop))
        old = {row.id: row._mapping for row in found}
        fresh, movements = [], []
        for position, product in enumerate(self._files.products):
            row = {**product_fields(product), "position": position, "active": True}
            if product.id in old:
                await self._update(Product, "product", Product.id, product.id, old[product.id], row)
                continue
            made = {"version": 1, "created_at": self._now, "updated_at": self._now, "stock": product.stock}
            fresh.append({"shop_id": self._shop, "id": product.id, **row, **made})
            if product.stock is not None:
                movements.append(set_stock(self._shop, product.id, product.stock, self._now))
        if fresh:
            await self._connection.execute(insert(Product), fresh)
        if movements:
            await self._connection.execute(insert(StockMovement), movements)
        await self._withdraw(Product, "product", Product.id, old, {p.id for p in self._files.products})

    async def _import_photos(self) -> None:
        """What a vendor put there, or took away, stays so."""
        for product_id, body in self._pictures.items():
            if {("product", product_id, name) for name in (FIELD, WHOLE)} & self._changes:
                self._kept.append(f"product {product_id} {FIELD}")
            else:
                await keep(self._connection, self._shop, product_id, body, self._now)

    async def _import_zones(self) -> None:
        found = await self._connection.execute(select(Zone.__table__).where(Zone.shop_id == self._shop))
        old = {row.commune: row._mapping for row in found}
        fresh = []
        for position, zone in enumerate(self._files.zones):
            row = {**zone_fields(zone), "position": position, "active": True}
            if zone.commune in old:
                await self._update(Zone, "zone", Zone.commune, zone.commune, old[zone.commune], row)
            else:
                fresh.append({"shop_id": self._shop, "commune": zone.commune, **row, "version": 1})
        if fresh:
            await self._connection.execute(insert(Zone), fresh)
        await self._withdraw(Zone, "zone", Zone.commune, old, {z.commune for z in self._files.zones})

    async def _update(
        self, table: Any, kind: str, key: Any, item: str, old: Mapping[Any, Any], new: Mapping[str, Any]
    ) -> None:
        merged = self._merged(kind, item, old, new)
        if any(old[name] != value for name, value in merged.items()):
            more = {"updated_at": self._now} if "updated_at" in old else {}
            await self._connection.execute(
                update(table)
                .where(table.shop_id == self._shop, key == item)
                .values(**merged, **more, version=old["version"] + 1)
            )

    async def _withdraw(
        self, table: Any, kind: str, key: Any, old: Mapping[str, Mapping[Any, Any]], listed: Iterable[str]
    ) -> None:
        """What the files no longer list is no longer sold; what the ledger itself made stays."""
        for item in sorted(set(old) - set(listed)):
            if (kind, item, WHOLE) not in self._changes and old[item]["active"]:
                await self._connection.execute(
                    update(table)
                    .where(table.shop_id == self._shop, key == item)
                    .values(active=False, version=old[item]["version"] + 1)
                )

    def _merged(self, kind: str, item: str, old: Mapping[Any, Any], new: Mapping[str, Any]) -> dict[str, Any]:
        """The file's fields, but those that the ledger changed as they are."""
        merged = dict(new)
        for name, value in new.items():
            ours = {(kind, item, name), (kind, item, WHOLE)} & self._changes
            if ours and name in old:
                merged[name] = old[name]
                if old[name] != value:
                    self._kept.append(" ".join(part for part in (kind, item, name) if part))
        return merged


async def changes_of(connection: AsyncConnection, shop_id: str) -> Changes:
    """What console and REST changed in a shop."""
    found = await connection.execute(
        select(FieldChange.kind, FieldChange.item, FieldChange.field).where(FieldChange.shop_id == shop_id)
    )
    return {(row.kind, row.item, row.field) for row in found}


def product_fields(product: FileProduct) -> dict[str, Any]:
    """A product's columns but its id and stock."""
    return {
        "name": product.name,
        "category": product.category,
        "description": product.description,
        "aliases": list(product.aliases),
        "price_xof": product.price_xof,
        "options": [[name, list(values)] for name, values in product.options],
    }


def zone_fields(zone: FileZone) -> dict[str, Any]:
    """A zone's columns but its commune."""
    return {"aliases": list(zone.aliases), "fee_xof": zone.fee_xof, "eta_text": zone.eta_text}


def set_stock(shop_id: str, product_id: str, change: int, at: datetime) -> dict[str, Any]:
    """A stock movement that a person made."""
    return {
        "shop_id": shop_id,
        "product_id": product_id,
        "order_id": None,
        "change": change,
        "reason": "set",
        "at": at,
    }
