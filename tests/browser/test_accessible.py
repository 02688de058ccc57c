"""axe-core on every page, in both sizes and colour schemes: nothing serious."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Window, opened
from tests.system.running import Person, Running

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PATHS = ("/conversations?dossier=all", "/orders", "/orders/sheet", "/channels", "/drills", "/calls", "/catalogue", "/catalogue/products/pagne-kita", "/settings", "/settings/trail", "/team", "/webhooks", "/account")  # fmt: skip


async def violations(window: Window) -> list[str]:
    """Serious and critical ones, with the first place of each."""
    # Through the debugger, which the page's policy does not concern.
    await window.page.evaluate(AXE.read_text())
    found = await window.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert found["passes"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} {one['nodes'][0]['failureSummary'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


async def test_no_page_shuts_anybody_out(window: Window, shopper: Person) -> None:
    shopper.ask("1 foulard wax")
    conversation = shopper.conversation()["id"]
    found: dict[str, list[str]] = {}
    for path in (*PATHS, f"/conversations/{conversation}"):
        await window.open(path)
        found[path] = await violations(window)
    assert {path: told for path, told in found.items() if told} == {}


@pytest.mark.parametrize("size", ["phone", "desk"])
async def test_the_door_shuts_nobody_out(size: str, stage: Running) -> None:
    async with opened(stage, size) as window:
        await window.open("/login")
        assert await violations(window) == []


async def test_nothing_is_wider_than_the_phone(window: Window) -> None:
    for path in PATHS:
        await window.open(path)
        wide = await window.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 0, path
