"""A rehearsal tries to break out: real tokens, a real Redis, ledger and providers lie around, and none is touched."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.ledger.shopfiles import read_shops
from bot.settings import ROOT
from bot.simulator import days
from bot.supervisor.drill import copy_shop, environment, text
from bot.supervisor.system import free_port
from bot.web.rehearsals import DAYS, AlreadyDrilling, Drills, alone, shape
from tests.storage.servers import running as redis_running

SECRETS = {
    "AWA_MODE_TWILIO_ACCOUNT_SID": "ACREALREALREALREALREALREALREALREAL",
    "AWA_MODE_TWILIO_AUTH_TOKEN": "realtokenrealtokenrealtokenreal1",
    "AWA_MODE_TELEGRAM_TOKEN": "5123456789:REALREALREALREALREALREALREALREALREA",
    "RELAIS_SECRET": "the-real-secret-of-the-real-system-0000",
}
PHONES = ("+2250700000999", "+2250500000999", "+2250100000999", "+2250100000998")


def real_shop(folder: Path) -> Path:
    """A demo shop as a vendor would have it: own numbers, one token written into the file itself."""
    place = folder / "awa-mode"
    place.mkdir(parents=True)
    for file in (ROOT / "shops" / "awa-mode").iterdir():
        if file.is_dir():
            shutil.copytree(file, place / file.name)
            continue
        words = file.read_text(encoding="utf-8")
        for invented, real in zip(
            ("+2250700000199", "tel:+2250700000180", "+2250700000190", "+2250700000161"), PHONES, strict=True
        ):
            words = words.replace(invented, f"tel:{real}" if invented.startswith("tel") else real)
        words = words.replace("${AWA_MODE_TELEGRAM_TOKEN}", SECRETS["AWA_MODE_TELEGRAM_TOKEN"])
        (place / file.name).write_text(words, encoding="utf-8")
    return place


def test_nothing_of_this_environment_comes_along(tmp_path: Path) -> None:
    outside = {
        **SECRETS,
        "PATH": "/usr/bin",
        "REDIS_URL": "redis://real",
        "DATABASE_URL": "postgresql://real",
        "RASA_URL": "http://real",
        "TWILIO_API_URL": "http://real",
        "TELEGRAM_API_URL": "http://real",
        "PUBLIC_URL": "https://real",
        "RELAIS_DATA": "/real",
    }
    inside = environment(outside, tmp_path / "data", tmp_path / "shops", 8123)

    assert set(inside) == {"PATH", "RELAIS_DATA", "RELAIS_SHOPS", "PORT"}
    assert "real" not in json.dumps(inside)


def test_the_copy_of_a_shop_is_the_shop_without_a_way_to_anybody(tmp_path: Path) -> None:
    source = real_shop(tmp_path / "real")
    copy_shop(source, tmp_path / "copy" / "awa-mode")
    words = (tmp_path / "copy" / "awa-mode" / "shop.yml").read_text(encoding="utf-8")
    [copied] = read_shops(tmp_path / "copy")
    [real] = read_shops(tmp_path / "real")

    assert not [known for known in (*PHONES, *SECRETS.values()) if known in words]
    assert (copied.products, copied.zones) == (real.products, real.zones)
    assert [product for product, _ in copied.photos] == [product for product, _ in real.photos] != []
    assert copied.form.failover == real.form.failover
    assert copied.form.channels.whatsapp is not None and real.form.channels.whatsapp is not None
    assert len(copied.form.channels.whatsapp.canaries()) == len(real.form.channels.whatsapp.canaries()) == 3
    assert copied.form.channels.sms is not None and copied.form.channels.sms.price_xof == 35


def test_the_days_that_can_be_rehearsed_are_the_recorded_ones() -> None:
    assert {day: length.total_seconds() / 60 for day, length in DAYS.items()} == {
        day.id: day.minutes for day in days.DAYS.values()
    }


def test_its_size_is_the_shops_own() -> None:
    assert shape({1: 60, 3: 40}) == (100, 40)
    assert (shape({}), shape({3: 5000})) == ((12, 50), (200, 100))


async def test_only_one_runs_at_a_time(tmp_path: Path) -> None:
    drills = Drills(tmp_path, ROOT / "shops", {})
    with alone(tmp_path / "drills"):
        assert await drills.start("awa-mode", "2021-10-04", 60, {}) is None
        with pytest.raises(AlreadyDrilling), alone(tmp_path / "drills"):
            pass


def test_its_report_is_french() -> None:
    plan = {"shop": "awa-mode", "day": "2021-10-04", "people": 12, "speed": 60.0}
    phones = {
        "written": 9,
        "answered": 8,
        "unanswered": 1,
        "wait_median_s": 1.5,
        "wait_p95_s": None,
        "wait_longest_s": 4,
    }
    words = text({"plan": plan, "phones": phones, "incidents": [], "found_after_s": 17.6})

    assert "Répétition du 2021-10-04, 12 clients" in words
    assert "Panne vue 18 s après la coupure" in words
    assert "Panne jamais vue" in text({"plan": plan, "phones": phones, "incidents": [], "found_after_s": None})
    assert "sans réponse 1" in words and "médiane 1.5, 95 % -, plus longue 4" in words


@pytest.fixture
def real_redis(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "real-redis"
    folder.mkdir()
    with redis_running(folder) as url:
        yield url


async def until(look: Callable[[], Any], seconds: float) -> Any:
    """Another process is waited for by looking."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
            found = await found if asyncio.iscoroutine(found) else found
        except (httpx.HTTPError, FileNotFoundError, json.JSONDecodeError):
            found = None
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("not in time")


async def test_a_rehearsal_on_the_way_touches_nothing_real(tmp_path: Path, real_redis: str) -> None:
    """The processes of a rehearsal, with everything real within reach; a message goes all the way to a phone."""
    from bot.storage.redis import connect

    caught: list[str] = []
    trap = await asyncio.start_server(lambda reader, writer: caught.append("a call"), "127.0.0.1", 0)
    outside_url = f"http://127.0.0.1:{trap.sockets[0].getsockname()[1]}"
    ledger = tmp_path / "real.db"
    real = {
        **os.environ,
        **SECRETS,
        "REDIS_URL": real_redis,
        "DATABASE_URL": f"sqlite:///{ledger}",
        "TWILIO_API_URL": outside_url,
        "TELEGRAM_API_URL": outside_url,
        "RELAIS_DATA": str(tmp_path / "real-data"),
    }
    copy_shop(real_shop(tmp_path / "real"), tmp_path / "shops" / "awa-mode")
    data = tmp_path / "data"
    data.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.cli", "up", "--simulator"),
        cwd=ROOT,
        # Without the model: nothing here waits for an answer of the dialogue, and it takes half a minute to load.
        env={**environment(real, data, tmp_path / "shops", free_port()), "RASA_URL": "http://127.0.0.1:9"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        known = await until(lambda: json.loads((data / "addresses.json").read_text()), 60)
        key = (await until(lambda: json.loads((data / "demo-keys.json").read_text()), 60))["awa-mode"]
        async with httpx.AsyncClient(
            timeout=5.0, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        ) as http:
            await until(lambda: http.get(f"{known['gateway']}/healthz"), 60)
            person = {"person": "aya", "shop": "awa-mode"}
            await until(lambda: http.get(f"{known['simulator']}/sim/state"), 60)
            await http.post(f"{known['simulator']}/sim/whatsapp", json={**person, "text": "Bonjour"})

            async def conversation() -> Any:
                answer = await http.get(f"{known['gateway']}/api/v1/conversations")
                return answer.json()["items"]

            [found] = await until(conversation, 60)
            said = await http.post(
                f"{known['gateway']}/api/v1/conversations/{found['id']}/messages", json={"text": "Répétition"}
            )
            assert said.status_code == 201

            async def arrived() -> bool:
                answer = await http.get(f"{known['simulator']}/sim/messages", params=person)
                return any("Répétition" in message["text"] for message in answer.json()["messages"])

            await until(arrived, 30)
        pids = json.loads((data / "pids.json").read_text())
        told = {name: Path(f"/proc/{pid}/environ").read_bytes().decode() for name, pid in pids.items()}
        inside = connect(real_redis)
        keys = await inside.keys("*")
        await inside.aclose()
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
        trap.close()
    leaked = {
        (name, secret)
        for name, words in told.items()
        for secret in (*SECRETS.values(), real_redis, outside_url)
        if secret in words
    }

    assert {"gateway", "worker", "simulator"} <= set(told)
    assert (leaked, keys, caught, ledger.exists(), (tmp_path / "real-data").exists()) == (
        set(),
        [],
        [],
        False,
        False,
    )
