"""All operations, in the order of the documentation."""

from bot.web.api import catalogue, channels, conversations, customers, incidents, messages, orders
from bot.web.api.operations import Operation

OPERATIONS: tuple[Operation, ...] = (
    *orders.OPERATIONS,
    *conversations.OPERATIONS,
    *messages.OPERATIONS,
    *customers.OPERATIONS,
    *catalogue.OPERATIONS,
    *channels.OPERATIONS,
    *incidents.OPERATIONS,
)
PREFIX = "/api/v1"
