"""A client that a public generator made from the document works against the running system."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.rest.branch import ORDER, Branch

STORY = """
import sys
from client import AuthenticatedClient
from client.api.orders import get_orders, patch_orders_order_id, post_orders
from client.models import NewOrder, Order, OrderPatch
from client.types import UNSET
import json

base, key, order = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=key)
made = post_orders.sync(client=client, body=NewOrder.from_dict(json.loads(order)), idempotency_key="k")
again = post_orders.sync(client=client, body=NewOrder.from_dict(json.loads(order)), idempotency_key="k")
assert isinstance(made, Order) and made.id == again.id, made
changed = patch_orders_order_id.sync(made.id, client=client, body=OrderPatch.from_dict({"status": "packed"}))
listed = get_orders.sync(client=client, limit=5)
print(json.dumps([made.total_xof, changed.status, [item.number for item in listed.items]]))
"""


@pytest.mark.filterwarnings("ignore")
async def test_a_generated_client_places_and_moves_an_order(branch: Branch, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes((await branch.http.get("/openapi.json")).content)
    (tmp_path / "config.yml").write_text(
        "project_name_override: made\npackage_name_override: client\npost_hooks: []\n"
    )
    generator = str(Path(sys.executable).parent / "openapi-python-client")
    options = (
        "--path",
        "openapi.json",
        "--config",
        "config.yml",
        "--meta",
        "none",
        "--output-path",
        "client",
    )
    said = await _run(tmp_path, generator, "generate", *options)
    assert (tmp_path / "client" / "api" / "orders").is_dir(), said
    base = str(branch.http.base_url).rstrip("/")
    (tmp_path / "story.py").write_text(STORY)
    out = await _run(tmp_path, sys.executable, "story.py", base, branch.own.key, json.dumps(ORDER))
    total, status, numbers = json.loads(out.splitlines()[-1])
    assert (total, status, len(numbers)) == (6500, "packed", 1)


async def _run(folder: Path, *command: str) -> str:
    process: Any = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-4000:]
    return str(out.decode())
