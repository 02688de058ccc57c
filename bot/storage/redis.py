"""The Redis side of the ports, under one name for ``wiring``."""

from bot.storage.backlog import RedisBacklog
from bot.storage.connection import connect
from bot.storage.durability import Durability, Level, durability
from bot.storage.health import RedisHealthBoard
from bot.storage.journal import RedisJournal, Stored
from bot.storage.lanes import RedisLanes
from bot.storage.leases import RedisLeases
from bot.storage.limits import RedisLimits
from bot.storage.losses import RedisLosses
from bot.storage.meter import RedisMeter

__all__ = [
    "Durability",
    "Level",
    "RedisBacklog",
    "RedisHealthBoard",
    "RedisJournal",
    "RedisLanes",
    "RedisLeases",
    "RedisLimits",
    "RedisLosses",
    "RedisMeter",
    "Stored",
    "connect",
    "durability",
]
