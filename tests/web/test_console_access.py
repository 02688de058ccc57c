"""Nobody gets in: each page and action without a session, with too small a role, from elsewhere, with another shop's ids."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from bot.ledger.users import LastOwner, LedgerUsers, Role
from bot.web.console import known_browser
from bot.web.console.page import Page
from bot.web.console.rights import Right, may
from bot.web.console.table import PAGES
from tests.web.house import OTHER, SHOP
from tests.web.office import LANE, PASSWORD, Office, Person

GETS = [page for page in PAGES if page.method == "GET"]
POSTS = [page for page in PAGES if page.method == "POST"]
assert len(GETS) > 20 and len(POSTS) > 20


def address(page: Page, given: str = "x") -> str:
    return re.sub(r"<[^>]*>", given, page.path)


def name(page: Page) -> str:
    return page.name


async def test_no_page_opens_without_a_session(office: Office) -> None:
    answers = {page.name: await office.http.get(f"/console{address(page)}") for page in GETS}

    assert {name: answer.status_code for name, answer in answers.items()} == {page.name: 303 for page in GETS}
    assert all(answer.headers["location"].startswith("/console/login") for answer in answers.values())


async def test_no_action_is_taken_without_a_session(office: Office) -> None:
    for page in POSTS:
        answer = await office.http.post(f"/console{address(page)}", data={"csrf": "0" * 64})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login"), page.name


async def test_a_script_without_a_session_is_told_so(office: Office) -> None:
    for headers in ({"HX-Request": "true"}, {"Accept": "text/event-stream"}):
        assert (await office.http.get("/console/stream", headers=headers)).status_code == 401


async def test_every_action_needs_the_token_of_its_own_session(office: Office) -> None:
    async with office.signed_in("owner") as owner, office.signed_in("staff") as staff:
        foreign = await staff.token()
        for page in POSTS:
            for token in ({}, {"csrf": ""}, {"csrf": "ab" * 32}, {"csrf": foreign}):
                answer = await owner.client.post(f"/console{address(page)}", data=token)
                assert answer.status_code == 403, (page.name, token)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)  # fmt: skip
async def test_no_action_is_taken_for_another_site(office: Office, headers: dict[str, str]) -> None:
    async with office.signed_in("owner") as owner:
        for page in POSTS:
            assert (await owner.post(address(page), headers)).status_code == 403, page.name
    answer = await office.http.post(
        "/console/login", data={"login": "owner", "password": PASSWORD}, headers=headers
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["reader", "staff"])
async def test_a_role_does_what_its_rights_say_and_no_more(office: Office, role: str) -> None:
    refused = [page for page in PAGES if not may(Role(role), page.right)]
    assert refused
    async with office.signed_in(role) as person:
        for page in refused:
            answer = await (person.get if page.method == "GET" else person.post)(address(page))
            assert answer.status_code == 403, page.name


async def test_who_only_reads_can_open_every_page_of_theirs(office: Office) -> None:
    await office.hear("2 pagnes")
    async with office.signed_in("reader") as reader:
        for page in GETS:
            if may(Role.READER, page.right) and "<" not in page.path and not page.endless:
                answer = await reader.client.get(f"/console{page.path}", follow_redirects=True)
                assert answer.status_code == 200, page.name


async def test_another_shops_things_are_nowhere(office: Office) -> None:
    await office.hostile("bonjour")
    users = await office.console.users.of_shop(SHOP)
    ids = {
        "conversation_id": "f" * 20,
        "user_id": users[0].id,
        "product_id": "pagne-kita",
        "channel": "fax",
    }
    ids["conversation_id"] = LANE
    seen = 0
    async with office.signed_in("stranger") as stranger:
        for page in PAGES:
            found = re.search(r"<(\w+):", page.path)
            if found is None or page.name.endswith("_drop"):
                continue
            seen += 1
            path = re.sub(r"<[^>]*>", ids.get(found[1], "unknown"), page.path)
            fields = {"text": "x", "role": "reader", "name": "x", "category": "x", "price_xof": "1", "status": "packed", "means": "cash", "source": "shop", "state": "down", "reason": "x"}  # fmt: skip
            if "payment" in path:
                fields["status"] = "paid"
            answer = await (stranger.get(path) if page.method == "GET" else stranger.post(path, **fields))
            assert answer.status_code == 404, (page.name, answer.status_code)
    assert seen > 12
    record = await office.house.conversation(LANE)
    assert not record.human and len(await office.console.users.of_shop(SHOP)) == 3


async def test_a_wrong_password_and_an_unknown_login_look_the_same(office: Office) -> None:
    async def answer(login: str) -> tuple[int, str]:
        got = await office.http.post("/console/login", data={"login": login, "password": "pas le bon mot"})
        return got.status_code, got.text.replace(login, "")

    assert await answer("owner") == await answer("nobody")
    assert (await answer("owner"))[0] == 401


async def test_guessing_is_slowed_down_for_known_and_unknown_logins_alike(office: Office) -> None:
    for login in ("owner", "nobody"):
        codes = [
            (
                await office.http.post("/console/login", data={"login": login, "password": f"mot {n}"})
            ).status_code
            for n in range(12)
        ]
        assert codes == [401] * 10 + [429] * 2
    answer = await office.http.post("/console/login", data={"login": "owner", "password": PASSWORD})
    assert answer.status_code == 429


async def test_a_stranger_locks_nobody_out_of_their_own_browser(office: Office) -> None:
    async def sign_in(login: str, password: str, **headers: str) -> httpx.Response:
        return await office.http.post("/console/login", data={"login": login, "password": password}, headers=headers)

    answer = await sign_in("owner", PASSWORD)
    [known] = [cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith(known_browser.COOKIE)]
    office.http.cookies.clear()
    own = {"Cookie": known.partition(";")[0]}
    for n in range(12):
        await sign_in("owner", f"mot {n}", **{"X-Forwarded-For": "203.0.113.7"})
    assert (await sign_in("owner", PASSWORD)).status_code == 429
    assert (await sign_in("owner", PASSWORD, **own)).status_code == 303
    # It opens nothing by itself, counts for one login only, and has its own limit.
    assert (await sign_in("owner", "faux", **own)).status_code == 401
    office.http.cookies.clear()
    changed = {"Cookie": own["Cookie"][:-1] + ("0" if own["Cookie"][-1] != "0" else "1")}
    assert (await sign_in("owner", PASSWORD, **changed)).status_code == 429
    codes = [(await sign_in("owner", f"mot {n}", **own)).status_code for n in range(12)]
    assert codes == [401] * 9 + [429] * 3


async def test_one_address_cannot_try_everybody(office: Office) -> None:
    codes = [
        (await office.http.post("/console/login", data={"login": f"user{n}", "password": "x"})).status_code
        for n in range(42)
    ]
    assert codes == [401] * 40 + [429] * 2


async def test_many_tries_at_once_do_not_slip_through(office: Office) -> None:
    answers = await asyncio.gather(
        *(office.http.post("/console/login", data={"login": "owner", "password": "x"}) for _ in range(20))
    )
    assert sum(answer.status_code == 401 for answer in answers) == 10


async def test_the_cookie_is_hidden_from_scripts_and_other_sites(office: Office) -> None:
    answer = await office.http.post("/console/login", data={"login": "owner", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "secure", "samesite=lax", "path=/console"))


@pytest.mark.parametrize(
    "after",
    [
        "https://evil.example",
        "//evil.example",
        "/console/../..//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ],
)
async def test_signing_in_leads_nowhere_but_into_the_console(office: Office, after: str) -> None:
    answer = await office.http.post(
        "/console/login", data={"login": "owner", "password": PASSWORD, "next": after}
    )
    assert answer.headers["location"] == "/console/conversations"


async def test_signing_out_ends_the_session(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        word = owner.word
        await owner.post("/account/sign-out")
    again = await office.http.get("/console/account", headers={"Cookie": f"relais_console={word}"})
    assert again.status_code == 303


async def test_signing_out_everywhere_spares_only_this_device(office: Office) -> None:
    async with office.signed_in("owner") as here, office.signed_in("owner") as there:
        await here.post("/account/sign-out-everywhere")
        assert (await here.get("/account")).status_code == 200
        assert (await there.get("/account")).status_code == 303


async def test_a_new_role_or_a_removal_ends_sessions(office: Office) -> None:
    async with (
        office.signed_in("owner") as owner,
        office.signed_in("staff") as staff,
        office.signed_in("reader") as reader,
    ):
        people = {user.login: user.id for user in await office.console.users.of_shop(SHOP)}
        await owner.post(f"/team/{people['staff']}/role", role="reader")
        await owner.post(f"/team/{people['reader']}/remove")
        assert (await staff.get("/account")).status_code == 303
        assert (await reader.get("/account")).status_code == 303
    answer = await office.http.post("/console/login", data={"login": "reader", "password": PASSWORD})
    assert answer.status_code == 401


async def test_a_shop_keeps_an_owner(office: Office) -> None:
    owner = next(user for user in await office.console.users.of_shop(SHOP) if user.role is Role.OWNER)
    with pytest.raises(LastOwner):
        await office.console.users.disable(SHOP, owner.id)


async def test_a_password_link_serves_once(office: Office) -> None:
    users = office.console.users
    made = await users.create(SHOP, "nouvelle", "Nouvelle", Role.STAFF)
    token = await users.password_link(made.id)
    async with httpx.AsyncClient(base_url=office.http.base_url) as client:
        weak = await client.post(f"/console/password/{token}", data={"password": "nouvelle"})
        used = await client.post(f"/console/password/{token}", data={"password": "cinq petits mots faciles"})
        person = Person(client)
        person.keep(used)
        page = await person.get("/conversations")
    again = await office.http.post(f"/console/password/{token}", data={"password": "encore cinq petits mots"})
    assert (weak.status_code, used.status_code, page.status_code, again.status_code) == (422, 303, 200, 404)


async def test_a_password_link_of_before_ends_with_the_next(office: Office) -> None:
    users: LedgerUsers = office.console.users
    made = await users.create(OTHER, "bis", "Bis", Role.STAFF)
    first, second = await users.password_link(made.id), await users.password_link(made.id)
    assert await users.of_link(first) is None
    assert await users.of_link(second) is not None


def test_every_right_opens_something() -> None:
    assert {page.right for page in PAGES} == set(Right)
