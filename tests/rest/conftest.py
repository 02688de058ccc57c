from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ledger.conftest import postgres, postgres_tables, sqlite_tables, tables_url
from tests.rest.branch import Branch, open_branch

__all__ = ["postgres", "postgres_tables", "sqlite_tables", "tables_url"]


@pytest.fixture
async def branch(tmp_path: Path) -> AsyncIterator[Branch]:
    async with open_branch(tmp_path) as found:
        yield found
