"""What a person has read is theirs alone, and a shopper who is blocked is read and not answered."""

from __future__ import annotations

import asyncio

from tests.web.office import LANE, Office, Person

UNREAD = f'{LANE}" class="row unread"'


async def listed(person: Person, query: str = "dossier=all") -> str:
    page = (await person.get(f"/list?{query}")).text
    return page.replace("?dossier=all", "").replace("?dossier=all&amp;nonlus=1", "")


async def test_what_one_person_has_read_another_has_not(office: Office) -> None:
    async with office.signed_in("staff") as staff, office.signed_in("reader") as reader:
        await office.hear("2 pagnes")
        new = [UNREAD in await listed(person) for person in (staff, reader)]
        await staff.get(f"/conversations/{LANE}")
        read = [UNREAD in await listed(person) for person in (staff, reader)]
        only = [f"row-{LANE}" in await listed(person, "dossier=all&nonlus=1") for person in (staff, reader)]
        await office.hear("et un foulard")
        again = UNREAD in await listed(staff)

    assert (new, read, only, again) == ([True, True], [False, True], [False, True], True)


async def test_one_marks_a_conversation_unread_or_everything_read(office: Office) -> None:
    async with office.signed_in("reader") as reader:
        await office.hear("2 pagnes")
        await reader.post("/read")
        caught_up = UNREAD in await listed(reader)
        await reader.post(f"/conversations/{LANE}/unread")
        marked = UNREAD in await listed(reader)
        await reader.get(f"/conversations/{LANE}")
        seen = UNREAD in await listed(reader)

    assert (caught_up, marked, seen) == (False, True, False)


async def until(busy: Office, path: str, words: str, who: Person) -> str:
    """The page once it has the words: a worker steps lanes beside us."""
    async with asyncio.timeout(10):
        while words not in (page := (await who.get(path)).text):
            await asyncio.sleep(0.05)
            await busy.settle()
    return page


async def test_a_blocked_shopper_is_read_and_not_answered(busy: Office) -> None:
    dialogue, path = busy.house.waiter, f"/conversations/{LANE}"
    await busy.hear("2 pagnes")
    async with busy.signed_in("staff") as staff:
        await staff.post(f"{path}/take-over")
        await staff.post(f"{path}/block")
        await busy.hear("Répondez !!!")
        page = await until(busy, path, "Répondez !!!", staff)
        blocked = await busy.house.conversation(LANE)
        await staff.post(f"{path}/unblock")
        await busy.hear("Bonsoir")
        async with asyncio.timeout(10):
            while len(dialogue.turns) < 2:
                await asyncio.sleep(0.02)

    assert "Ce client est bloqué" in page
    assert not blocked.human and blocked.person is None and not blocked.customer.takes_unasked
    assert [turn.text for turn in dialogue.turns] == ["2 pagnes", "Bonsoir"]


async def test_stop_is_obeyed_also_from_who_is_blocked(busy: Office) -> None:
    await busy.hear("2 pagnes")
    async with busy.signed_in("staff") as staff:
        await staff.post(f"/conversations/{LANE}/block")
        await busy.hear("STOP")
        await until(busy, f"/conversations/{LANE}", '<span class="tag bad">STOP</span>', staff)
