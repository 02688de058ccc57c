"""The ports of ``bot.storage`` in memory, under one name."""

from bot.storage.losses import MemoryLosses
from bot.storage.memory_backlog import MemoryBacklog
from bot.storage.memory_boards import MemoryHealthBoard, MemoryLeases
from bot.storage.memory_lanes import MemoryJournal, MemoryLanes
from bot.storage.meter import MemoryMeter

__all__ = [
    "MemoryBacklog",
    "MemoryHealthBoard",
    "MemoryJournal",
    "MemoryLanes",
    "MemoryLeases",
    "MemoryLosses",
    "MemoryMeter",
]
