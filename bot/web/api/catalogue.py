"""Products and delivery zones, as the files of a shop describe them."""

from __future__ import annotations

from bot.web.api import models
from bot.web.api.operations import Call, Operation, Result, listing, one


async def list_products(call: Call) -> Result:
    return listing(await call.gateway.reads.products(call.shop, call.window()))


async def get_product(call: Call) -> Result:
    return one(await call.gateway.reads.product(call.shop, call.parameters["product_id"]))


async def list_zones(call: Call) -> Result:
    return listing(await call.gateway.reads.zones(call.shop, call.window()))


async def get_zone(call: Call) -> Result:
    return one(await call.gateway.reads.zone(call.shop, call.parameters["commune"]))


OPERATIONS = (
    Operation("GET", "/products", "products:read", "List products", list_products, models.Product, many=True),
    Operation("GET", "/products/{product_id}", "products:read", "Get a product", get_product, models.Product),
    Operation("GET", "/zones", "zones:read", "List delivery zones", list_zones, models.Zone, many=True),
    Operation("GET", "/zones/{commune}", "zones:read", "Get a delivery zone", get_zone, models.Zone),
)
