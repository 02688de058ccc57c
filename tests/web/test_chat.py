"""The light page: small, harmless to fetch, and the conversation goes on in it."""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import replace

import pytest

from bot.core.addresses import ChannelName, LaneId, home_lane
from bot.core.basket import Basket
from bot.core.conversations import Conversation, Page
from bot.core.customers import Customer
from bot.core.messages import Purpose, Reply
from bot.core.speaking import say
from bot.storage import codec
from bot.web.chat import liveness
from bot.web.chat.shown import build
from bot.web.ledger_port import HeardWords
from tests.flows.world import PICTURE
from tests.web.house import SHOP, TOKENS, House

LANE = home_lane(SHOP, "whatsapp:+2250700000001")


async def begin(house: House) -> str:
    """A shopper who came in by the public link; returns the page's path."""
    answer = await house.http.post(f"/s/{SHOP}")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def state_of(house: House, path: str) -> Conversation:
    return await house.conversation(await house.lanes.resolve(TOKENS.page_lane(path.removeprefix("/c/"))))


async def serial_and_seen(house: House, path: str) -> tuple[int, float | None, int]:
    record = await state_of(house, path)
    assert record.page is not None
    return record.serial, record.page.seen_at, house.lanes.puts


def payloads(page: str) -> list[str]:
    return re.findall(r'name="choice" value="([^"]+)"', page)


async def test_the_public_link_makes_a_customer_with_a_page_of_their_own(house: House) -> None:
    first, second = await begin(house), await begin(house)
    assert re.fullmatch(r"/c/[A-Za-z0-9_-]{22}", first) and first != second
    page = await house.http.get(first)
    assert page.status_code == 200
    assert "Awa Mode" in page.text and "07 00 00 01 99" in page.text


async def test_an_order_can_be_placed_without_javascript(house: House) -> None:
    path = await begin(house)
    answer = await house.http.post(path, data={"text": "2 pagnes", "form": "f1"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = (await house.http.get(path)).text
    assert "2 x Pagne Uniwax (rouge)" in page and "32 000 F" in page and "on confirme ?" in page
    confirm = payloads(page)[0]
    assert (await house.http.post(path, data={"choice": confirm})).status_code == 303
    assert "Commande AM-1 confirmée" in (await house.http.get(path)).text


async def test_a_double_click_and_back_repeat_nothing(house: House) -> None:
    path = await begin(house)
    await house.http.post(path, data={"text": "2 pagnes", "form": "f1"})
    await house.http.post(path, data={"text": "2 pagnes", "form": "f1"})
    assert (await state_of(house, path)).basket.count == 2
    confirm = payloads((await house.http.get(path)).text)[0]
    answers = await asyncio.gather(*(house.http.post(path, data={"choice": confirm}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert len(house.waiter.orders) == 1


async def test_other_words_in_an_old_form_are_a_new_message(house: House) -> None:
    path = await begin(house)
    for text in ("2 pagnes", "2 pagnes encore"):
        await house.http.post(path, data={"text": text, "form": "f1"})
    assert (await state_of(house, path)).basket.count == 4


async def test_fetching_changes_nothing(house: House) -> None:
    path = await begin(house)
    before = await serial_and_seen(house, path)
    for _ in range(3):
        page = await house.http.get(path, headers={"User-Agent": "WhatsApp/2.23"})
        frame = re.search(r'<iframe src="([^"]+)"', page.text)
        assert frame is not None
        assert (await house.http.get(frame[1].replace("&amp;", "&"))).status_code == 200
        await house.http.get(f"/s/{SHOP}")
    assert await serial_and_seen(house, path) == before


async def test_the_frames_second_look_makes_the_page_live_and_a_stale_one_does_not(house: House) -> None:
    path = await begin(house)
    frame = (await house.http.get(f"{path}/vue?n=0")).text
    link = re.search(r"url=([^\"]+)", frame)
    assert link is not None
    again = link[1].replace("&amp;", "&")
    house.clock.offset = 30.0
    await house.http.get(again)
    await asyncio.sleep(0.1)
    seen = (await state_of(house, path)).page
    assert seen is not None and seen.seen_at is not None and seen.seen_at > house.clock.now() - 5
    house.clock.offset = 300.0
    before = house.lanes.puts
    await house.http.get(again)
    assert house.lanes.puts == before


async def test_a_browser_that_has_posted_marks_what_it_fetches_as_shown(house: House) -> None:
    path = await begin(house)
    cookies = (await house.http.post(path, data={"text": "bonjour"})).cookies
    house.http.cookies.clear()
    await house.http.get(path)
    waiting = [d for d in (await state_of(house, path)).deliveries if d.channel is ChannelName.WEB]
    assert waiting and not any(d.status == "delivered" for d in waiting)
    await house.http.get(path, headers={"Cookie": f"{liveness.COOKIE}={cookies[liveness.COOKIE]}"})
    await asyncio.sleep(0.1)
    assert all(d.status == "delivered" for d in (await state_of(house, path)).deliveries)


async def test_it_is_under_15_kb_with_long_words_and_a_full_basket(house: House) -> None:
    path = await begin(house)
    for number in range(12):
        await house.http.post(path, data={"text": f"2 pagnes {number}", "form": str(number)})
    record = await state_of(house, path)
    house.shelf.words = [HeardWords(str(n), "é" * 900, record.created_at + 1 + n) for n in range(50)]
    for address in (path, f"/s/{SHOP}"):
        page = await house.http.get(address, headers={"Accept-Encoding": "identity"})
        assert page.status_code == 200
        assert len(page.content) < 15_000
        assert len(gzip.compress(page.content)) < 15_000
    assert "Pagne &lt;3&gt;" in page.text and "autres articles" in page.text


async def test_it_carries_no_script_and_loads_nothing_from_elsewhere(house: House) -> None:
    path = await begin(house)
    page = await house.http.get(path)
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_a_picture_is_shown_from_here_and_only_when_it_is_looked_at(house: House) -> None:
    path = await begin(house)
    await house.http.post(path, data={"text": "photo ?", "form": "f1"})
    page = await house.http.get(path)
    [picture] = re.findall(r"<img [^>]+>", page.text)
    assert f'src="{PICTURE}"' in picture
    assert 'loading="lazy"' in picture and 'width="240" height="240"' in picture
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert payloads(page.text)


async def test_a_picture_from_elsewhere_is_not_fetched(house: House) -> None:
    lane = LaneId(LANE)
    record = Conversation(lane, SHOP, Customer("cu-1"), ChannelName.WEB, Basket("b0"), 1.0)
    record = say(record, Reply("Voici", image_url="https://elsewhere.example/p.jpg"), 2.0)
    [words] = build(record, [], TOKENS, "").said
    assert (words.text, words.photo) == ("Voici", "")


@pytest.mark.parametrize("token", ["A" * 22, "..%2f", "x", "A" * 400, "%00"])
async def test_an_unknown_link_is_404_and_names_no_shop(house: House, token: str) -> None:
    for answer in (
        await house.http.get(f"/c/{token}"),
        await house.http.post(f"/c/{token}", data={"text": "a"}),
    ):
        assert answer.status_code == 404
        assert "Awa" not in answer.text and "07 00" not in answer.text


async def test_an_expired_link_is_404(house: House) -> None:
    path = await begin(house)
    house.clock.offset = 73 * 3600.0
    answers = [
        await house.http.get(path),
        await house.http.post(path, data={"text": "a"}),
        await house.http.get(f"{path}/vue"),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert all("Awa" not in answer.text for answer in answers)


async def test_a_forged_choice_is_not_a_command(house: House) -> None:
    path = await begin(house)
    await house.http.post(path, data={"text": "2 pagnes"})
    before = await state_of(house, path)
    for forged in ("1.2.0.AAAAAAAAAAAA", "confirm", "", "/place_order"):
        assert (await house.http.post(path, data={"choice": forged})).status_code == 303
    assert (await state_of(house, path)).basket == before.basket
    assert house.waiter.orders == {}


async def test_nothing_to_say_is_not_a_message(house: House) -> None:
    path = await begin(house)
    before = house.lanes.puts
    for data in ({}, {"text": "   "}, {"other": "x"}):
        assert (await house.http.post(path, data=data)).status_code == 303
    assert house.lanes.puts == before


async def test_what_is_typed_is_shown_as_text(house: House) -> None:
    path = await begin(house)
    record = await state_of(house, path)
    house.shelf.words = [HeardWords("1", "<b>gras</b>", record.created_at + 1)]
    assert "&lt;b&gt;gras&lt;/b&gt;" in (await house.http.get(path)).text


async def test_a_store_that_is_down_is_503_with_retry_after(house: House) -> None:
    path = await begin(house)
    house.lanes.down = True
    answers = [
        await house.http.get(path),
        await house.http.post(path, data={"text": "a"}),
        await house.http.post(f"/s/{SHOP}"),
    ]
    house.lanes.down = False
    assert [answer.status_code for answer in answers] == [503, 503, 503]
    assert all("retry-after" in answer.headers for answer in answers)


async def test_an_unknown_shop_is_404(house: House) -> None:
    assert (await house.http.get("/s/nobody")).status_code == 404
    assert (await house.http.post("/s/nobody")).status_code == 404


async def test_a_moved_conversation_shows_neither_older_words_nor_saved_phone_and_place(house: House) -> None:
    await house.twilio("whatsapp", _whatsapp("2 pagnes"))
    await asyncio.sleep(0.2)
    path = await _give_page(house)
    page = (await house.http.get(path)).text
    assert "2 x Pagne Uniwax" in page
    assert "déjà dit avant" not in page
    assert "Appelons le" in page and "0700000001" not in page.replace(" ", "")
    assert "près du maquis" not in page
    assert page.count("on confirme ?") == 1
    house.shelf.words = [HeardWords("0", "un vieux secret", house.clock.now() - 90_000)]
    assert "vieux secret" not in (await house.http.get(path)).text


def _whatsapp(text: str) -> dict[str, str]:
    from tests.web.test_webhooks import FORM

    return {**FORM, "Body": text}


async def _give_page(house: House) -> str:
    """Commit what an outage would: a page, older words, a saved place, and a message that repeats phone and place."""
    for partition in range(64):
        lease = await house.lanes.take(partition)
        assert lease is None
    await house.lanes.put(LaneId(LANE), "poke", codec.encode_item(_poke(house)))
    lease = None
    while lease is None:
        lease = await house.lanes.take(int(LANE[:2], 16) % 64)
    assert lease.state is not None
    record = codec.decode_conversation(lease.state)
    now = house.clock.now()
    record = say(record, Reply("déjà dit avant"), now - 90_000)
    checkout = replace(record.basket.checkout, phone="+2250700000001", landmark="près du maquis")
    record = replace(
        record,
        basket=replace(record.basket, checkout=checkout),
        page=Page("9", expires_at=now + 72 * 3600 - 1),
    )
    record = say(record, Reply("Appelons le 07 00 00 00 01, près du maquis", Purpose.ANSWER), now)
    from bot.ports import Commit

    await house.lanes.commit(lease, Commit(codec.encode_conversation(record), ("poke",), None))
    token = TOKENS.page_token(LaneId(LANE), "9")
    await house.lanes.forward(TOKENS.page_lane(token), LaneId(LANE))
    return f"/c/{token}"


def _poke(house: House):  # type: ignore[no-untyped-def]
    from bot.core.messages import Command

    return Command("poke", "page_seen", house.clock.now())
