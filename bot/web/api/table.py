"""All operations, in the order of the documentation."""

from bot.web.api import (
    channels,
    conversations,
    customers,
    events,
    incidents,
    messages,
    orders,
    products,
    webhooks,
    zones,
)
from bot.web.api.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *orders.OPERATIONS,
    *conversations.OPERATIONS,
    *messages.OPERATIONS,
    *customers.OPERATIONS,
    *products.OPERATIONS,
    *zones.OPERATIONS,
    *channels.OPERATIONS,
    *incidents.OPERATIONS,
    *events.OPERATIONS,
    *webhooks.OPERATIONS,
)
PREFIX = "/api/v1"
