"""Every switch does what its label says, and stops when it is turned off."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.simulator.faults import FAULTS, Faults, UnknownFault
from tests.simulator.stage import Stage


async def outbound(stage: Stage, channel: str, body: str = "Bonjour") -> tuple[int, Any]:
    to = stage.aya.whatsapp if channel == "whatsapp" else stage.aya.number
    return await stage.twilio("POST", "Messages.json", From=stage.sender(channel).address, To=to, Body=body)


async def settled(stage: Stage) -> None:
    """Let everything that can still happen happen: a later message of another channel came through."""
    sid = (await stage.send("repère", channel="sms", To="+2250799999999"))["sid"]
    await stage.until(lambda: stage.statuses(sid) == ["undelivered"])


def test_every_switch_has_a_label_and_its_own_name() -> None:
    assert len({(f.channel, f.name) for f in FAULTS}) == len(FAULTS) > 30
    assert [f for f in FAULTS if not f.label or not f.hint] == []


def test_unknown_switch_or_option_is_refused() -> None:
    faults = Faults()
    for channel, name, options in (("whatsapp", "nope", {}), ("whatsapp", "reject", {"colour": 1})):
        with pytest.raises(UnknownFault):
            faults.switch(channel, name, True, options)


def test_share_strikes_about_that_share_and_the_same_messages_again() -> None:
    def run() -> list[bool]:
        faults = Faults(seed=3)
        faults.switch("whatsapp", "reject", True, {"share": 0.02})
        return [faults.struck("whatsapp", "reject") is not None for _ in range(5000)]

    assert run() == run()
    assert 60 <= sum(run()) <= 140


def test_a_country_cut_off_in_part_cuts_off_the_same_people_all_the_time() -> None:
    faults = Faults()
    people = [f"p{number}" for number in range(2000)]
    faults.switch("country", "offline", True, {"people": 0.93})
    cut = [person for person in people if faults.is_on("country", "offline", None, person)]
    assert 1800 <= len(cut) <= 1920
    assert cut == [person for person in people if faults.struck("country", "offline", None, person) is not None]
    faults.switch("country", "offline", True)
    assert all(faults.is_on("country", "offline", None, person) for person in people)


def test_a_flapping_fault_is_on_and_off_by_turns() -> None:
    seconds = [0.0]
    faults = Faults(now=lambda: seconds[0])
    faults.switch("whatsapp", "reject", True, {"flaps": 20})
    struck = []
    for seconds[0] in (0, 19, 20, 39, 40, 61):
        struck.append(faults.struck("whatsapp", "reject") is not None)
    assert struck == [True, True, False, False, True, False]


@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_late_callbacks_tell_all_the_same(on_stage: Stage, channel: str) -> None:
    await on_stage.open_window()
    await on_stage.fault(channel, "late_callbacks", seconds=0.3)
    sid = (await on_stage.send("en retard", channel=channel))["sid"]
    await on_stage.shown("en retard", channel)
    assert on_stage.statuses(sid) == []
    await on_stage.until(lambda: "delivered" in on_stage.statuses(sid))


async def test_one_message_may_be_told_failed_and_delivered(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "failed_and_delivered")
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: {"failed", "delivered"} <= set(on_stage.statuses(sid)))


async def test_fault_for_one_shop_leaves_the_others_alone(on_stage: Stage) -> None:
    await on_stage.fault("sms", "reject_now", shop="sac")
    assert (await outbound(on_stage, "sms"))[0] == 201


async def test_switches_are_listed_and_reset(on_stage: Stage) -> None:
    await on_stage.fault("whatsapp", "reject")
    found = await on_stage.get("/sim/faults")
    assert [f["fault"] for f in found["on"]] == ["reject"]
    await on_stage.sim("reset")
    assert (await on_stage.get("/sim/faults"))["on"] == []


@pytest.mark.parametrize(("channel", "code"), [("whatsapp", 63012), ("sms", 30008)])
async def test_reject_is_201_then_failed_by_callback(on_stage: Stage, channel: str, code: int) -> None:
    await on_stage.open_window()
    await on_stage.fault(channel, "reject")
    sid = (await on_stage.send(channel=channel))["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["failed"])
    assert on_stage.door.heard[-1].form["ErrorCode"] == str(code)
    assert [m for m in await on_stage.phone(channel) if m["direction"] == "out"] == []


async def test_reject_takes_any_code(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "reject", code=63038, seconds=0)
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["failed"])
    _, record = await on_stage.twilio("GET", f"Messages/{sid}.json")
    assert (record["error_code"], record["status"]) == (63038, "failed")


@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_reject_now_is_an_error_answer(on_stage: Stage, channel: str) -> None:
    await on_stage.fault(channel, "reject_now")
    status, answer = await outbound(on_stage, channel)
    assert (status, answer["code"]) == (503, 20503)
    await on_stage.fault(channel, "reject_now", status=400, code=63007)
    status, answer = await outbound(on_stage, channel)
    assert (status, answer["code"]) == (400, 63007)


@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_throttle_is_429_with_20429(on_stage: Stage, channel: str) -> None:
    await on_stage.fault(channel, "throttle")
    status, answer = await outbound(on_stage, channel)
    assert (status, answer["code"]) == (429, 20429)


async def test_silent_accepted_stays_queued_for_ever(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "silent_accepted")
    sid = (await on_stage.send())["sid"]
    await on_stage.fault("whatsapp", "silent_accepted", on=False)
    await settled(on_stage)
    assert on_stage.statuses(sid) == []
    assert (await on_stage.twilio("GET", f"Messages/{sid}.json"))[1]["status"] == "queued"


async def test_silent_sent_never_gets_delivered(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "silent_sent")
    sid = (await on_stage.send())["sid"]
    await on_stage.fault("whatsapp", "silent_sent", on=False)
    await settled(on_stage)
    assert on_stage.statuses(sid) == ["sent"]


@pytest.mark.parametrize("fault", ["silent_accepted", "silent_sent"])
async def test_released_silence_ends_with_the_late_delivery(on_stage: Stage, fault: str) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", fault, release=True)
    sid = (await on_stage.send())["sid"]
    await settled(on_stage)
    assert "delivered" not in on_stage.statuses(sid)
    await on_stage.fault("whatsapp", fault, on=False)
    await on_stage.until(lambda: on_stage.statuses(sid) == ["sent", "delivered", "read"])


async def test_slow_still_answers(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "slow", seconds=0.05)
    assert (await outbound(on_stage, "whatsapp"))[0] == 201
    assert await on_stage.shown("Bonjour")


@pytest.mark.parametrize("deliver", [True, False])
async def test_timeout_does_not_answer_and_delivers_or_not(on_stage: Stage, deliver: bool) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "timeout", deliver=deliver)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await outbound(on_stage, "whatsapp", "perdu ?")
    await settled(on_stage)
    texts = [m["text"] for m in await on_stage.phone()]
    assert ("perdu ?" in texts) is deliver


async def test_lost_inbound_is_only_in_the_list(on_stage: Stage) -> None:
    await on_stage.fault("whatsapp", "lost_inbound")
    await on_stage.write("perdu")
    await on_stage.fault("whatsapp", "lost_inbound", on=False)
    await on_stage.write("reçu")
    await on_stage.until(lambda: on_stage.door.at("/webhooks/whatsapp"))
    assert [one.form["Body"] for one in on_stage.door.heard] == ["reçu"]
    _, listed = await on_stage.twilio("GET", "Messages.json")
    assert [m["body"] for m in listed["messages"]] == ["reçu", "perdu"]


async def test_lost_callbacks_leave_the_record_right(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "lost_callbacks")
    sid = (await on_stage.send())["sid"]

    async def read() -> bool:
        return bool((await on_stage.twilio("GET", f"Messages/{sid}.json"))[1]["status"] == "read")

    await on_stage.until(read)
    assert on_stage.statuses(sid) == []


async def test_late_flood_holds_both_ways_until_recovery(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "late_flood")
    sid = (await on_stage.send("retenu"))["sid"]
    for text in ("un", "deux", "oui"):
        await on_stage.write(text)
    await settled(on_stage)
    assert (on_stage.statuses(sid), on_stage.door.at("/webhooks/whatsapp")) == ([], [])
    _, listed = await on_stage.twilio("GET", "Messages.json")
    assert "oui" not in [m["body"] for m in listed["messages"]]
    assert [m["ticks"] for m in await on_stage.phone() if m["text"] == "oui"] == ["clock"]
    await on_stage.fault("whatsapp", "late_flood", on=False)
    await on_stage.until(lambda: len(on_stage.door.at("/webhooks/whatsapp")) == 3)
    assert [one.form["Body"] for one in on_stage.door.at("/webhooks/whatsapp")] == ["un", "deux", "oui"]
    await on_stage.until(lambda: "delivered" in on_stage.statuses(sid))


async def test_held_message_past_its_validity_fails_30036(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "late_flood")
    sid = (await on_stage.send(ValidityPeriod="60"))["sid"]
    await on_stage.sim("clock", advance=61)
    await on_stage.until(lambda: on_stage.statuses(sid) == ["failed"])
    assert on_stage.simulator.world.messages[sid].error_code == 30036


@pytest.mark.parametrize(("fault", "times"), [("twice", 2), ("thrice", 3)])
@pytest.mark.parametrize("channel", ["whatsapp", "sms"])
async def test_every_webhook_comes_again(on_stage: Stage, channel: str, fault: str, times: int) -> None:
    await on_stage.fault(channel, fault)
    await on_stage.write("oui", channel=channel, shop="sac")
    await on_stage.until(lambda: len(on_stage.door.at(f"/webhooks/{channel}")) == times)
    assert len({one.form["MessageSid"] for one in on_stage.door.at(f"/webhooks/{channel}")}) == 1


async def test_closed_window_fails_even_fresh_conversations(on_stage: Stage) -> None:
    await on_stage.open_window()
    await on_stage.fault("whatsapp", "window_closed")
    sid = (await on_stage.send())["sid"]
    await on_stage.until(lambda: on_stage.statuses(sid) == ["failed"])
    assert on_stage.simulator.world.messages[sid].error_code == 63016


async def test_twilio_down_is_503_and_silent_both_ways(on_stage: Stage) -> None:
    await on_stage.open_window()
    sid = (await on_stage.send("parti avant"))["sid"]
    await on_stage.fault("twilio", "down")
    status, page = await outbound(on_stage, "sms")
    assert (status, page[:6]) == (503, "<html>")
    await on_stage.write("bonjour ?")
    before = len(on_stage.door.heard)
    await on_stage.sim("telegram", person="aya", shop="robe", start="")
    await on_stage.until(lambda: on_stage.door.at("/webhooks/telegram"))
    assert len(on_stage.door.heard) == before + 1
    await on_stage.fault("twilio", "down", on=False)
    await on_stage.until(lambda: on_stage.door.at("/webhooks/whatsapp"))
    await on_stage.until(lambda: "delivered" in on_stage.statuses(sid))


async def test_twilio_down_by_dropped_connections(on_stage: Stage) -> None:
    await on_stage.fault("twilio", "down", how="drop")
    with pytest.raises(aiohttp.ClientError):
        await outbound(on_stage, "sms")


async def test_country_offline_leaves_only_sms(on_stage: Stage) -> None:
    chat_id = await on_stage.start_telegram()
    await on_stage.open_window()
    await on_stage.fault("country", "offline")
    whatsapp = (await on_stage.send("par WhatsApp"))["sid"]
    assert (await on_stage.telegram("sendMessage", chat_id=chat_id, text="par Telegram"))[0] == 200
    await on_stage.write("je suis là ?")
    await on_stage.send("par SMS", channel="sms")
    await on_stage.shown("par SMS", "sms")
    await settled(on_stage)
    assert on_stage.statuses(whatsapp) == ["sent"]
    shown = [m["text"] for m in await on_stage.phone("telegram") if m["direction"] == "out"]
    assert (shown, on_stage.door.at("/webhooks/whatsapp")) == ([], [])
    async with on_stage.http.get(f"{on_stage.url}/c/abc") as answer:
        assert "Pas de connexion Internet" in await answer.text()
    await on_stage.fault("country", "offline", on=False)
    await on_stage.shown("par WhatsApp")
    await on_stage.shown("par Telegram", "telegram")
    await on_stage.until(lambda: on_stage.door.at("/webhooks/whatsapp"))
