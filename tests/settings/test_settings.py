"""The environment is read once, strictly, and keeps its secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot import settings
from bot.settings import SettingsError

SECRET = "a-secret-of-more-than-thirty-two-bytes"


def load(tmp_path: Path, simulator: bool = False, **environ: str) -> settings.Settings:
    return settings.load({"RELAIS_DATA": str(tmp_path), "RELAIS_SECRET": SECRET} | environ, simulator=simulator)


def problems(tmp_path: Path, simulator: bool = False, **environ: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, simulator, **environ)
    return caught.value.problems


def test_defaults(tmp_path: Path) -> None:
    """Nothing but a secret is needed."""
    found = load(tmp_path)
    assert (found.port, found.port_was_set, found.public_url) == (8000, False, "http://127.0.0.1:8000")
    assert (found.redis_url, found.rasa_url, found.twilio_api_url, found.telegram_api_url) == (None,) * 4
    assert found.database_url == f"sqlite+aiosqlite:///{tmp_path}/relais.db"
    assert found.shops_dir == settings.ROOT / "shops"


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://:pass@a:26379,b:26379,c/relais/2",
        "redis+cluster://a:7000,b:7001",
        "rediss+cluster://user:pass@a:7000",
        "redis://a:6379/1",
    ],
)
def test_redis_may_be_one_server_sentinel_or_a_cluster(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, REDIS_URL=url).redis_url == url


@pytest.mark.parametrize(
    "url", ["redis+sentinel://:hush@a:26379", "redis+cluster://:hush@a:7000/1", "redis+cluster://:hush@a:x", "redis+other://a"]
)
def test_what_no_client_could_use_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    [problem] = problems(tmp_path, REDIS_URL=url)
    assert problem.startswith("REDIS_URL: ")
    assert "hush" not in problem


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    """One start shows everything that is wrong."""
    found = problems(
        tmp_path,
        PORT="80a",
        PUBLIC_URL="http://shop.example",
        REDIS_URL="localhost",
        DATABASE_URL="mysql://x",
        RELAIS_SHOPS=str(tmp_path / "none"),
        RELAIS_SECRET="short",
        RELAIS_COLOUR="red",
        RASA_URL="http://",
    )
    names = {problem.partition(":")[0] for problem in found}
    assert names == {
        "PORT", "PUBLIC_URL", "REDIS_URL", "DATABASE_URL", "RELAIS_SHOPS", "RELAIS_SECRET", "RELAIS_COLOUR", "RASA_URL",
    }  # fmt: skip


@pytest.mark.parametrize("port", ["0", "65536", "-1", "8000.0", "8 000"])
def test_port_must_be_one(tmp_path: Path, port: str) -> None:
    """A port is a whole number from 1 to 65535."""
    assert problems(tmp_path, PORT=port) == ("PORT: not a whole number from 1 to 65535",)


@pytest.mark.parametrize("url", ["http://localhost:9", "http://127.0.0.1:9", "http://[::1]:9", "https://shop.example"])
def test_public_url_may_be_https_or_loopback(tmp_path: Path, url: str) -> None:
    """Providers sign this address; only this machine may do without TLS."""
    assert load(tmp_path, PUBLIC_URL=url + "/").public_url == url


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://127.0.0.1.evil.example", "ftp://localhost", "https://"])
def test_public_url_may_not_be_plain(tmp_path: Path, url: str) -> None:
    """Plain http to another machine stops `make serve`."""
    assert len(problems(tmp_path, PUBLIC_URL=url)) == 1


def test_serving_needs_a_secret(tmp_path: Path) -> None:
    """Without a secret, or with an empty one, nothing is served."""
    assert problems(tmp_path, RELAIS_SECRET="")[0].startswith("RELAIS_SECRET: missing")
    assert problems(tmp_path, RELAIS_SECRET="x" * 31) == ("RELAIS_SECRET: under 32 bytes",)


def test_the_simulator_makes_a_secret_once(tmp_path: Path) -> None:
    """The demo keeps its signatures over a restart."""
    first = load(tmp_path, simulator=True, RELAIS_SECRET="")
    assert len(first.secret) >= 32
    assert load(tmp_path, simulator=True, RELAIS_SECRET="").secret == first.secret
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_repr_shows_no_secret(tmp_path: Path) -> None:
    """Settings may be printed."""
    shown = repr(load(tmp_path, REDIS_URL="redis://:hush@r/0", DATABASE_URL="postgresql://u:hush@h/d"))
    assert "hush" not in shown and SECRET not in shown and "RELAIS_SECRET" not in shown


def test_database_addresses_get_an_asyncio_driver(tmp_path: Path) -> None:
    """People write the usual short form."""
    assert load(tmp_path, DATABASE_URL="postgresql://u@h/d").database_url == "postgresql+psycopg://u@h/d"
    assert load(tmp_path, DATABASE_URL="sqlite:////tmp/x.db").database_url == "sqlite+aiosqlite:////tmp/x.db"


def test_another_port_moves_only_an_unset_public_url(tmp_path: Path) -> None:
    """The next free port changes our own address, never the one providers were given."""
    assert load(tmp_path).on_port(8003).public_url == "http://127.0.0.1:8003"
    assert load(tmp_path, PUBLIC_URL="https://a.example").on_port(8003).public_url == "https://a.example"


def test_children_read_the_same_settings(tmp_path: Path) -> None:
    """What the supervisor hands on is what it resolved."""
    given = load(tmp_path, simulator=True, REDIS_URL="unix:///tmp/r.sock", PORT="8123", PUBLIC_URL="http://localhost")
    assert settings.of_child(given.environment()) == given


def test_only_the_supervisor_says_simulator(tmp_path: Path) -> None:
    """In a person's environment the flag is an unknown name."""
    assert problems(tmp_path, RELAIS_SIMULATOR="1")[0].startswith("RELAIS_SIMULATOR: unknown")


def test_workers_are_as_many_as_a_small_machine_has_room_for(tmp_path: Path) -> None:
    assert load(tmp_path).workers == min(2, len(os.sched_getaffinity(0)))
    assert load(tmp_path, RELAIS_WORKERS="6").workers == 6


@pytest.mark.parametrize("number", ["0", "65", "two", "-1", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(tmp_path: Path, number: str) -> None:
    assert problems(tmp_path, RELAIS_WORKERS=number) == ("RELAIS_WORKERS: not a whole number from 1 to 64",)


def test_workers_may_show_their_metrics_at_several_addresses(tmp_path: Path) -> None:
    found = load(tmp_path, METRICS_ADDRESS="127.0.0.1:9100, 127.0.0.1:9101")
    assert found.metrics_addresses == ("127.0.0.1:9100", "127.0.0.1:9101")
    assert problems(tmp_path, METRICS_ADDRESS="127.0.0.1:9100,here") == (
        "METRICS_ADDRESS: not host:port, such as 127.0.0.1:9100",
    )
