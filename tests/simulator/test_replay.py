"""A recorded day turns its switches, lets people write, and is judged by what their phones showed."""

from __future__ import annotations

from bot.simulator.days import DAYS
from bot.simulator.faults import FAULTS
from bot.simulator.phones import TwilioMessage
from tests.simulator.stage import Stage


def test_every_scene_turns_a_switch_that_exists_and_off_again() -> None:
    known = {(fault.channel, fault.name): fault for fault in FAULTS}
    scenes = [scene for day in DAYS.values() for scene in day.scenes]
    assert len(scenes) >= 8
    for scene in scenes:
        assert set(scene.options) <= set(known[scene.channel, scene.fault].options)
    for day in DAYS.values():
        last = {(s.channel, s.fault): s.on for s in sorted(day.scenes, key=lambda s: s.minute)}
        assert set(last.values()) == {False}
        assert max(s.minute for s in day.scenes) < day.minutes


async def test_day_turns_switches_and_people_write(on_stage: Stage) -> None:
    await on_stage.sim("replay", day="2021-10-04", shop="robe", speed=3600, people=4)

    async def broken() -> bool:
        on = {(f["channel"], f["fault"]) for f in (await on_stage.get("/sim/faults"))["on"]}
        return on >= {("whatsapp", "reject"), ("whatsapp", "late_flood")}

    await on_stage.until(broken)
    await on_stage.until(lambda: on_stage.simulator.replay.report()["written"] > 0)  # type: ignore[index]
    report = (await on_stage.get("/sim/replay"))["run"]
    assert (report["state"], report["people"], report["day"]) == ("running", 4, "2021-10-04")
    stopped = await on_stage.sim("replay", stop=True)
    assert stopped["run"]["state"] == "stopped"
    assert (await on_stage.get("/sim/faults"))["on"] == []


async def test_two_days_at_once_or_an_unknown_day_are_refused(on_stage: Stage) -> None:
    await on_stage.sim("replay", day="2024-03-14", shop="robe", speed=3600, people=1)
    for body in ({"day": "2024-03-14", "shop": "robe"}, {"day": "1999-12-31", "shop": "robe"}):
        async with on_stage.http.post(f"{on_stage.url}/sim/replay", json=body) as answer:
            assert answer.status == 400


async def test_judge_counts_the_wait_until_the_phone_showed_something(on_stage: Stage) -> None:
    await on_stage.sim("replay", day="2024-03-14", shop="robe", speed=1, people=1)
    simulator, run = on_stage.simulator, on_stage.simulator.replay.run
    assert run is not None
    person, sender = run.people[0], on_stage.sender()
    began = run.began
    for offset, direction in ((1.0, "inbound"), (3.5, "outbound-api"), (9.0, "inbound")):
        message = TwilioMessage(
            sid=f"SM{offset}", account_sid=sender.account_sid, shop_id="robe", channel="whatsapp",
            direction=direction, sender=sender.address, to=person.whatsapp, body="x", status="received",
            created=began + offset, person_id=person.id, shown=began + offset)
        simulator.world.store(message)
    report = simulator.replay.report()
    assert report is not None
    assert (report["written"], report["answered"], report["unanswered"]) == (2, 1, 1)
    assert (report["wait_median_s"], report["answered_on"]) == (2.5, {"whatsapp": 1})
