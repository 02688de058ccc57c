"""What an operator types beside a running system: it is found by its data folder; Redis and ledger are real."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main
from bot.core.addresses import ChannelName, home_lane, partition_of
from bot.ledger.engine import Ledger, open_ledger
from bot.ledger.importing import import_shops
from bot.ledger.schema import upgrade
from bot.ports import Commit, Parked, ParkedKind
from bot.settings import ROOT
from bot.storage import codec
from bot.storage.redis import RedisHealthBoard, RedisLanes, connect
from bot.storage.surprises import KEPT, RedisSurprises
from tests.ledger.samples import SHOP, conversation, write_shop
from tests.storage.servers import running

ADDRESS = "whatsapp:+2250700000001"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def system(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data folder as `up` leaves it while it runs; the address of its Redis."""
    for name in ("DATABASE_URL", "REDIS_URL", "PORT", "PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RELAIS_SHOPS", str(tmp_path / "shops"))
    monkeypatch.setenv("RELAIS_DATA", str(tmp_path / "var"))
    for name in ("TEST_SID", "TEST_TOKEN", "TEST_TELEGRAM"):
        monkeypatch.setenv(name, "12345:value")
    folder = write_shop(tmp_path / "shops")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "addresses.json").write_text(json.dumps({"redis_url": store}))

    async def prepare(ledger: Ledger) -> None:
        await upgrade(ledger)
        await import_shops(ledger, folder)

    in_ledger(tmp_path, prepare)
    asyncio.run(_empty(store))
    return store


async def _empty(url: str) -> None:
    client = connect(url)
    await client.flushall()
    await client.aclose()


def in_ledger(tmp_path: Path, work: Callable[[Ledger], Coroutine[Any, Any, None]]) -> None:
    async def go() -> None:
        ledger = open_ledger(f"sqlite+aiosqlite:///{tmp_path}/var/relais.db")
        await work(ledger)
        await ledger.close()

    asyncio.run(go())


def test_channels_shows_every_channel_of_the_shop(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channels"]) == 0
    lines = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["SHOP", "CHANNEL", "STATE"]
    assert sorted(lines[1:]) == [[SHOP, name, "up"] for name in ("sms", "telegram", "web", "whatsapp")]


def test_a_forced_channel_is_shown_with_its_reason_until_auto(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["force", SHOP, "whatsapp", "down", "--reason", "panne annoncée"]) == 0
    assert main(["channels", "--shop", SHOP]) == 0
    out = capsys.readouterr().out
    [row] = [line for line in out.splitlines() if " whatsapp " in line and line.startswith(SHOP)]
    assert "down: panne annoncée" in row

    assert main(["force", SHOP, "whatsapp", "auto", "--reason", "finie"]) == 0
    known = asyncio.run(_forced(system))
    assert known is None


def test_a_forced_domain_takes_its_channels_along_and_says_who_and_until_when(
    system: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["force", "meta", "down", "--reason", "panne annoncée", "--for", "2h", "--by", "awa"]) == 0
    assert main(["channels", "--shop", SHOP]) == 0
    rows = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith(SHOP)}
    assert re.search(r" down .* down: meta : panne annoncée \(awa, until \d\d-\d\d \d\d:", rows["whatsapp"])
    assert {name: line.split()[2] for name, line in rows.items()} == {
        "whatsapp": "down", "telegram": "up", "sms": "up", "web": "up",
    }  # fmt: skip
    assert main(["force", "meta", "auto", "--reason", "finie"]) == 0
    assert main(["channels", "--shop", SHOP]) == 0
    assert " down " not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["ingress", "down"], ["meta", "off"], ["meta"], ["a", "b", "c", "down"]])
def test_a_force_nobody_knows_changes_nothing(system: str, words: list[str]) -> None:
    assert main(["force", *words, "--reason", "x"]) == 2


async def _forced(url: str) -> str | None:
    board = RedisHealthBoard(url)
    key = f"{SHOP}/{ChannelName.WHATSAPP}"
    found = (await board.read([key]))[key].forced
    await board.close()
    return found


def test_forcing_what_is_not_there_says_what_is(
    system: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEST_TELEGRAM")
    assert main(["force", "nobody", "whatsapp", "down", "--reason", "x"]) == 2
    assert main(["force", SHOP, "telegram", "down", "--reason", "x"]) == 2
    err = capsys.readouterr().err
    assert f"there are {SHOP}" in err
    assert f"{SHOP} has no telegram here; it has whatsapp" in err


async def _keep(url: str) -> str:
    lanes = RedisLanes(url)
    lane = home_lane(SHOP, ADDRESS)
    await lanes.put(lane, "m1", b"{}")
    lease = None
    for partition in range(64):
        lease = await lanes.take(partition) or lease
    assert lease is not None
    record = conversation(lane=lane)
    await lanes.commit(lease, Commit(codec.encode_conversation(record), ("m1",), None))
    await lanes.close()
    return lane


def test_a_conversation_is_shown_by_id_and_by_address(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    lane = asyncio.run(_keep(system))
    for asked in (lane, ADDRESS):
        assert main(["show", asked]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["lane"], shown["from"], shown["conversation"]["id"]) == (lane, "redis", lane)


async def _park(url: str) -> str:
    lanes = RedisLanes(url)
    lane = home_lane(SHOP, ADDRESS)
    await lanes.put(lane, "m1", b'{"v":1}')
    lease = await lanes.take(partition_of(lane))
    assert lease is not None
    parked = Parked(lane, "m1", b'{"v":1}', ParkedKind.ITEM, "item 0a: KeyError at intake.py:9", 5, 1_800_000_000.0)
    await lanes.commit(lease, Commit(b"", ("m1",), None, parked=(parked,)))
    await lanes.close()
    return parked.id


def test_what_is_parked_is_listed_shown_put_back_and_dropped(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> str:
        assert main(list(words)) == 0
        return capsys.readouterr().out

    assert said("park", "list") == "nothing is parked\n"
    name = asyncio.run(_park(system))
    assert f"{name}  2027-01-15T08:00:00+00:00  item  5         item 0a: KeyError at intake.py:9" in said("park", "list")
    assert said("park", "show", name).splitlines()[-1] == '{"v":1}'
    assert said("lanes") == "due now: 0, overdue by up to 0.0 s; failing: 0; parked: 1\n"

    assert said("park", "replay", name) == "put back: 1\n"
    head, heads, row = said("lanes").splitlines()
    assert head.startswith("due now: 1,") and head.endswith("parked: 0")
    assert heads.split()[:4] == ["LANE", "WAITING", "OLDEST", "DUE"]
    assert row.split()[:2] == [home_lane(SHOP, ADDRESS), "1"]

    asyncio.run(_empty(system))
    asyncio.run(_park(system))
    assert said("park", "drop", "--all") == "dropped: 1\n"
    assert main(["park", "drop", name]) == 2
    assert name in capsys.readouterr().err


def test_an_unknown_conversation_is_an_error(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "telegram:99"]) == 2
    assert main(["show", "what?"]) == 2
    assert "neither" in capsys.readouterr().err


def test_export_writes_a_shop_in_the_form_of_the_api(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--shop", SHOP, "--out", str(tmp_path / "out")]) == 0
    assert "products: 3" in capsys.readouterr().out
    lines = (tmp_path / "out" / "products.jsonl").read_text().splitlines()
    assert {json.loads(line)["product_id"] for line in lines} == {"foulard", "robe", "sac"}
    assert (tmp_path / "out" / "orders.jsonl").stat().st_mode & 0o077 == 0


def test_surprises_are_shown_newest_first_and_bounded(system: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def keep() -> int:
        client = connect(system)
        surprises = RedisSurprises(client)
        await asyncio.gather(*(surprises.keep(SHOP, "sms", "odd", b"x" * 20_000) for _ in range(KEPT)))
        await surprises.keep(SHOP, "telegram", "chat_join_request", b'{"update_id":1}')
        kept: int = await client.xlen("relais:{surprises}")
        await client.aclose()
        return kept

    assert asyncio.run(keep()) == KEPT
    assert main(["surprises", "--count", "2"]) == 0
    first, body, second, *_ = capsys.readouterr().out.splitlines()
    assert first.endswith("chat_join_request (15 bytes)")
    assert body == '  {"update_id":1}'
    assert second.endswith("odd (20000 bytes)")


def test_without_a_running_system_it_says_where_it_looked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("RELAIS_DATA", str(tmp_path))
    assert main(["channels"]) == 2
    assert f"nothing runs in {tmp_path}" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(system: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "bot.cli", "channels"]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_link_tells_the_public_link_and_writes_its_code(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://relais.example")
    place = tmp_path / "code.svg"
    assert main(["link", SHOP, "--qr", str(place)]) == 0
    assert capsys.readouterr().out == f"https://relais.example/s/{SHOP}\n"
    assert place.read_text().startswith("<svg ")
