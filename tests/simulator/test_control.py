"""The page and its control API: people, links, live news, and what the gateway says about itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.simulator.control import STATIC
from tests.simulator.stage import Stage, stage


async def test_page_is_local_and_free_of_inline_code(on_stage: Stage) -> None:
    async with on_stage.http.get(f"{on_stage.url}/phones") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*src=)|style=|\son\w+=", page)
    assets = re.findall(r'(?:src|href)="(/sim/static/[^"#]+)"', page)
    assert len(assets) >= 3
    for path in assets:
        async with on_stage.http.get(on_stage.url + path) as answer:
            assert answer.status == 200


def test_nothing_is_loaded_from_elsewhere() -> None:
    files = [path for path in STATIC.iterdir() if path.suffix in {".js", ".css", ".html"}]
    assert len(files) > 5
    for path in files:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"""(?:src|href|import|from|url)\s*[=(]?\s*["'(]?https?://""", text), path
        assert "innerHTML" not in text


async def test_new_person_can_write_at_once(on_stage: Stage) -> None:
    made = await on_stage.sim("people", name="Fatou Bamba", hide_number=True)
    await on_stage.sim("whatsapp", person=made["id"], shop="robe", text="bonjour")
    await on_stage.until(lambda: on_stage.door.at("/webhooks/whatsapp"))
    assert on_stage.door.heard[0].form["From"] == f"whatsapp:{made['external_id']}"


async def test_bad_orders_are_refused_with_a_reason(on_stage: Stage) -> None:
    for path, body in (("people", {"colour": "red"}), ("people", {"number": "abc"}), ("whatsapp", {"person": "?"}),
                       ("person", {"person": "aya", "power": "half"}), ("faults", {"channel": "x", "fault": "y"}),
                       ("people", {"number": "+2250700000001"}), ("clock", {"advance": -1})):
        async with on_stage.http.post(f"{on_stage.url}/sim/{path}", json=body) as answer:
            assert (path, answer.status) == (path, 400)
            assert (await answer.json())["error"]


async def test_news_is_streamed(on_stage: Stage) -> None:
    async with on_stage.http.get(f"{on_stage.url}/sim/events") as stream:
        assert stream.content_type == "text/event-stream"
        await stream.content.readuntil(b"\n\n")
        await on_stage.write("bonjour")
        line = await stream.content.readuntil(b"\n\n")
    assert json.loads(line.removeprefix(b"data: "))["person"] == "aya"


async def test_reset_empties_the_phones(on_stage: Stage) -> None:
    await on_stage.sim("people", name="Fatou")
    await on_stage.write("bonjour")
    await on_stage.sim("reset", people=True)
    assert [p["id"] for p in (await on_stage.get("/sim/state"))["people"]] == ["aya", "mariam", "yao"]
    assert await on_stage.phone() == []


async def test_web_page_is_seen_through_the_phone(on_stage: Stage) -> None:
    seen: list[tuple[str, str | None]] = []

    async def page(request: web.Request) -> web.Response:
        seen.append((request.method, request.headers.get("Cookie")))
        if request.method == "POST":
            raise web.HTTPSeeOther(f"{on_stage.door.url}/c/abc")
        return web.Response(text='<a target="_top">x</a>', content_type="text/html",
                            headers={"X-Frame-Options": "DENY", "Cache-Control": "no-store"})

    on_stage.door.pages["/c/abc"] = page
    async with on_stage.http.get(f"{on_stage.url}/c/abc?x=1", headers={"Cookie": "phone=aya"}) as answer:
        assert "X-Frame-Options" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.text() == '<a target="phone-web">x</a>'
    async with on_stage.http.post(f"{on_stage.url}/c/abc", data={"text": "oui"},
                                  allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/c/abc")
    assert seen == [("GET", None), ("POST", None)]


async def test_phone_without_data_has_no_web_page(on_stage: Stage) -> None:
    on_stage.door.pages["/c/abc"] = {"shown": True}
    await on_stage.sim("person", person="aya", power="no_data")
    for person, status in (("aya", 503), ("mariam", 200)):
        async with aiohttp.ClientSession(headers={"Cookie": f"phone={person}"}) as http, \
                http.get(f"{on_stage.url}/c/abc") as answer:
            assert answer.status == status


async def test_report_joins_channels_conversation_and_orders(tmp_path: Path) -> None:
    keys = tmp_path / "demo-keys.json"
    async with stage(tmp_path / "shops", keys) as running:
        report = await running.get("/sim/relais", shop="robe", person="aya")
        assert (report["reachable"], report["key"], report["channels"]) == (True, False, [])
        keys.write_text(json.dumps({"robe": "relais_test_x"}))
        asked: list[str] = []

        async def conversations(request: web.Request) -> web.Response:
            asked.append(f"{request.headers['Authorization']} {request.query['address']}")
            found = [{"id": "c1", "channel": "whatsapp"}] if request.query["address"][:4] == "what" else []
            return web.json_response({"items": found, "next_cursor": None})

        running.door.pages |= {
            "/readyz": {"ready": True}, "/api/v1/channels": {"items": [{"channel": "sms", "state": "up"}]},
            "/api/v1/conversations": conversations,
            "/api/v1/orders": {"items": [{"number": 1, "conversation_id": "c1"}, {"conversation_id": "c2"}]},
            "/api/v1/conversations/c1/messages": {"items": [{"text": "bonjour"}], "next_cursor": None},
        }
        report = await running.get("/sim/relais", shop="robe", person="aya")
    assert report["conversation"]["id"] == "c1"
    assert report["orders"] == [{"number": 1, "conversation_id": "c1"}]
    assert report["trail"] == [{"text": "bonjour"}]
    assert report["channels"] == [{"channel": "sms", "state": "up"}]
    assert "Bearer relais_test_x whatsapp:+2250700000001" in asked
