"""Container files name only what the repository has, and keep to the rules of a small image. No container engine needed."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OURS = ("gateway", "prepare", "worker", "actions")
INSTRUCTIONS = {"FROM", "WORKDIR", "ENV", "RUN", "COPY", "USER", "VOLUME", "EXPOSE", "CMD"}
TOOLS = re.compile(r"\b(apt-get|apk|pip|uv|gcc|make|curl)\b")


def instructions(path: Path) -> list[tuple[str, str]]:
    """(instruction, rest), continued lines joined, comments left out."""
    lines = (line for line in path.read_text().splitlines() if line.strip() and not line.lstrip().startswith("#"))
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in text.splitlines()]


def stages(path: Path) -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for name, rest in instructions(path):
        if name == "FROM":
            found.append([])
        found[-1].append((name, rest))
    return found


DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_both_environments_have_their_image() -> None:
    assert [path.name for path in DOCKERFILES] == ["dialogue.Dockerfile", "gateway.Dockerfile"]
    built = {one["build"]["dockerfile"] for one in SERVICES.values() if "build" in one}
    assert built == {f"deploy/{path.name}" for path in DOCKERFILES}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_last_stage_runs_without_root_and_without_tools(path: Path) -> None:
    built = stages(path)
    assert len(built) > 1
    assert {name for name, _ in instructions(path)} <= INSTRUCTIONS
    last = built[-1]
    [user] = [rest for name, rest in last if name == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not [rest for name, rest in last if name == "RUN" and TOOLS.search(rest)]
    assert all(re.fullmatch(r"python:3\.\d+-slim-bookworm( AS \w+)?|build( AS \w+)?", s[0][1]) for s in built)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_is_copied_is_there_and_not_ignored(path: Path) -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [rest.split()[:-1] for name, rest in instructions(path) if name == "COPY" and "--from" not in rest]
    assert copied
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists()
        assert any(source == word or source.startswith(f"{word}/") for word in let_in)
    stages_named = {s[0][1].partition(" AS ")[2] for s in stages(path)}
    assert set(re.findall(r"--from=(\w+)", path.read_text())) <= stages_named


def commands() -> Iterator[tuple[str, list[str]]]:
    for name, one in SERVICES.items():
        if name in (*OURS, "rasa"):
            yield name, [str(word) for word in one["command"]]
    for path in DOCKERFILES:
        for name, rest in instructions(path):
            if name == "CMD":
                yield path.name, yaml.safe_load(rest)
            elif name == "RUN" and " -m bot" in rest:
                yield path.name, shlex.split(rest)


@pytest.mark.parametrize(("where", "words"), list(commands()))
def test_every_module_and_option_that_is_started_exists(where: str, words: list[str]) -> None:
    module = words[words.index("-m") + 1]
    assert importlib.util.find_spec(module) is not None
    rest = words[words.index("-m") + 2 :]
    options = {word.partition("=")[0] for word in rest if word.startswith("--")}
    # What runs inside Rasa has its own interpreter; where it is installed, it is asked.
    python = ROOT / ".venv-rasa" / "bin" / "python" if "inside_rasa" in module else Path(sys.executable)
    if module == "bot.worker":
        assert rest == []
        return
    asked = subprocess.run(
        [str(python), "-m", module, *[word for word in rest if not word.startswith("-") and word == "prepare"], "--help"],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=True,
    )
    assert options <= set(re.findall(r"--[a-z-]+", asked.stdout))


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] and service["cpus"] and service["pids_limit"]
    assert "healthcheck" in service or name == "prepare"
    assert service["restart"] in ("unless-stopped", "on-failure")
    for other, condition in service.get("depends_on", {}).items():
        watched = "healthcheck" in SERVICES[other]
        assert watched if condition["condition"] == "service_healthy" else other == "prepare"


def test_the_gateway_waits_for_nobody_and_only_the_door_is_open() -> None:
    assert "depends_on" not in SERVICES["gateway"]
    public = {name for name, one in SERVICES.items() if any(not p.startswith("127.") for p in one.get("ports", ()))}
    assert public == {"caddy"}
    alone = {name for name, one in SERVICES.items() if one["networks"] == ["inside"]}
    assert {"rasa", "actions", "redis", "postgres"} <= alone
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_volumes_files_and_hosts_that_are_named_exist() -> None:
    for one in SERVICES.values():
        for volume in one.get("volumes", ()):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    urls = re.findall(r"(?:redis|http|postgresql)://(?:[^@/\s]*@)?([a-z]+):", (DEPLOY / "compose.yaml").read_text())
    assert set(urls) <= set(SERVICES)
    assert re.findall(r"reverse_proxy (\w+):8000", (DEPLOY / "Caddyfile").read_text()) == ["gateway"]
    jobs = yaml.safe_load((DEPLOY / "monitoring" / "prometheus.yml").read_text())["scrape_configs"]
    assert {job["job_name"] for job in jobs} == {"relais-gateway", "relais-worker"}


@pytest.mark.parametrize("name", OURS)
def test_the_environment_that_is_given_can_be_read(name: str, tmp_path: Path) -> None:
    words = {"PUBLIC_URL": "https://shop.example.ci", "RELAIS_SECRET": "s" * 32, "POSTGRES_PASSWORD": "secret"}
    given = {
        key: re.sub(r"\$\{(\w+):\?\}", lambda found: words[found[1]], str(value))
        for key, value in SERVICES[name]["environment"].items()
    }
    found = settings.of_child({**given, "RELAIS_DATA": str(tmp_path), "RELAIS_SHOPS": str(ROOT / "shops")})
    assert (found.gateway_url, found.rasa_url, found.simulator) == ("http://gateway:8000", "http://rasa:5005", False)
    assert found.database_url.startswith("postgresql+psycopg://relais:secret@postgres")


def test_redis_loses_and_forgets_nothing() -> None:
    words = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in words and "--appendfsync always" in words and "--maxmemory-policy noeviction" in words
