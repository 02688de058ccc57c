"""A running Relais without Rasa for the whole session, and a browser window of one's own for each test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.system.running import SHOP, Person, Running, start

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIZES = {"phone": (360, 740), "desk": (1280, 800)}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The whole on free ports, with the scripted dialogue where Rasa would be: it starts in seconds."""
    running = start(tmp_path_factory.mktemp("console") / "var", scripted=True)
    yield running
    running.stop()


@pytest.fixture
def shopper(stage: Running) -> Person:
    """Somebody with a phone, who has said nothing yet."""
    return Person(stage)


@dataclass
class Window:
    """A page of somebody who signed in as the demo's owner."""

    page: Page
    base: str
    size: str

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.base}/console{path}")

    async def sign_in(self, login: str, password: str) -> None:
        await self.open("/login")
        await self.page.fill("[name=login]", login)
        await self.page.fill("[name=password]", password)
        await self.page.click("button.strong")
        await self.page.wait_for_selector("nav.rail")


def demo(stage: Running, shop: str = SHOP) -> dict[str, str]:
    users: dict[str, dict[str, str]] = json.loads((stage.data / "demo-users.json").read_text())
    return users[shop]


@pytest.fixture(params=list(SIZES))
async def window(request: pytest.FixtureRequest, stage: Running) -> AsyncIterator[Window]:
    """A phone's window in the dark scheme, and a desk's in the light one. Anything a page's script throws fails the test."""
    size: str = request.param
    async with opened(stage, size) as found:
        await found.sign_in(**demo(stage))
        yield found


def opened(stage: Running, size: str, **options: Any) -> Any:
    """A window before anybody signed in."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def within() -> AsyncIterator[Window]:
        width, height = SIZES[size]
        errors: list[str] = []
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if size == "phone" else "light",
                locale="fr-FR",
                **options,
            )
            page = await context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on(
                "console", lambda said: errors.append(said.text) if "Content Security" in said.text else None
            )
            yield Window(page, stage.gateway, size)
            await browser.close()
        assert errors == []

    return within()
