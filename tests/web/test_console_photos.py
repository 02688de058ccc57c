"""A product's picture: put there by the vendor, seen by anybody who has its address, gone when it is taken away."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.web.office import ROOT, Office, Person

PICTURE = (ROOT / "bot" / "web" / "static" / "console" / "icon-192.png").read_bytes()
PATH = "/catalogue/products/pagne-kita"
ADDRESS = re.compile(r'src="(/photos/awa-mode/pagne-kita/[0-9a-f]{16})"')


async def upload(owner: Person, body: bytes, claimed: str = "image/png") -> httpx.Response:
    return await owner.client.post(
        f"/console{PATH}/photo", data={"csrf": await owner.token()}, files={"photo": ("x.png", body, claimed)}
    )


async def test_a_picture_is_shown_to_anybody_until_it_is_taken_away(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        await upload(owner, PICTURE)
        page = (await owner.get(PATH)).text
        found = ADDRESS.search(page)
        assert found is not None
        seen = await office.http.get(found[1])
        elsewhere = await office.http.get(found[1].replace("awa-mode", "coton-doux"))
        listed = (await owner.get("/catalogue")).text
        await owner.post(f"{PATH}/photo/drop")
        gone = await office.http.get(found[1])

    assert (seen.status_code, seen.headers["content-type"], seen.content[:2]) == (200, "image/jpeg", b"\xff\xd8")
    assert (
        "immutable" in seen.headers["cache-control"] and "sandbox" in seen.headers["content-security-policy"]
    )
    assert '<span class="tag">photo</span>' in listed
    assert (elsewhere.status_code, gone.status_code) == (404, 404)


@pytest.mark.parametrize(
    "body",
    [b"", b"<svg onload=alert(1)>", b"GIF89a" + bytes(100), PICTURE[:900]],
    ids=["nothing", "svg", "gif", "cut"],
)
async def test_what_is_no_picture_is_refused(office: Office, body: bytes) -> None:
    async with office.signed_in("owner") as owner:
        answer = await upload(owner, body)
        page = (await owner.get(PATH)).text
    assert answer.headers["location"].endswith("bad-photo") and ADDRESS.search(page) is None


async def test_who_has_it_already_is_told_so(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        await upload(owner, PICTURE)
        found = ADDRESS.search((await owner.get(PATH)).text)
        assert found is not None
        first = await office.http.get(found[1])
        again = await office.http.get(found[1], headers={"If-None-Match": first.headers["etag"]})
        other = await office.http.get(found[1], headers={"If-None-Match": '"0000000000000000"'})
        head = await office.http.head(found[1])

    assert first.headers["etag"] == f'"{found[1][-16:]}"'
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (other.status_code, other.content) == (200, first.content)
    assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "image/jpeg")
