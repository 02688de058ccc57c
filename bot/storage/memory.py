"""The ports of ``bot.storage`` in memory, under one name."""

from bot.storage.memory_boards import MemoryHealthBoard, MemoryLeases
from bot.storage.memory_lanes import MemoryJournal, MemoryLanes

__all__ = ["MemoryHealthBoard", "MemoryJournal", "MemoryLanes", "MemoryLeases"]
