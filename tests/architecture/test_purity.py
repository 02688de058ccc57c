"""What import-linter cannot see: the core touches no clock, chance or file; what runs inside Rasa stands alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "bot" / "core").rglob("*.py"))
INSIDE_RASA = sorted((ROOT / "bot" / "dialogue" / "inside_rasa").rglob("*.py"))
OURS = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "actions").rglob("*.py")])

SHARED = "bot.redis_url"
"""The one module of ours that both interpreters read."""

PURE_LIBRARIES = {"rapidfuzz", "phonenumbers"}
IMPURE_STANDARD = {
    "asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil",
    "signal", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
CLOCK_CALLS = {"now", "utcnow", "today"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Full names of all modules a file imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""


def impure(name: str) -> bool:
    return any(name == module or name.startswith(module + ".") for module in IMPURE_STANDARD)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_is_something_to_look_at() -> None:
    """A rule over no files proves nothing."""
    assert len(CORE) > 5 and len(INSIDE_RASA) > 1 and len(OURS) > 40


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_imports_only_what_computes(path: Path) -> None:
    """Standard library without I/O, two pure libraries, and itself."""
    for name in imported(ast.parse(path.read_text())):
        top = name.partition(".")[0]
        assert top in sys.stdlib_module_names | PURE_LIBRARIES or name.startswith("bot.core"), name
        assert not impure(name), name


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_reads_no_clock_and_opens_nothing(path: Path) -> None:
    """What needs the time takes `now`; vendor tables are read elsewhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Attribute(attr=attr):
                    assert attr not in CLOCK_CALLS, f"line {node.lineno}"
                case ast.Name(id=name):
                    assert name not in {"open", "print", "input", "eval", "exec"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", INSIDE_RASA, ids=name_of)
def test_what_runs_inside_rasa_imports_nothing_else_of_ours(path: Path) -> None:
    """It lives in the other interpreter, with libraries of another time."""
    for name in imported(ast.parse(path.read_text())):
        assert not name.startswith("bot.") or name.startswith(("bot.dialogue.inside_rasa", SHARED)), name


def test_what_both_interpreters_read_needs_nothing() -> None:
    shared = ROOT / f"{SHARED.replace('.', '/')}.py"
    assert all(name.partition(".")[0] in sys.stdlib_module_names for name in imported(ast.parse(shared.read_text())))


def test_log_events_are_named_area_dot_event() -> None:
    """A fixed name and fields, so that a log can be searched; nothing is formatted into the name."""
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    found = 0
    for path in OURS:
        if "inside_rasa" in path.parts or "simulator" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in levels
            ):
                continue
            if not (
                isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"log", "_log", "LOG", "logger"}
            ):
                continue
            found += 1
            where = f"{name_of(path)}:{node.lineno}"
            first = node.args[0] if node.args else None
            assert isinstance(first, ast.Constant) and isinstance(first.value, str), where
            assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", first.value), f"{where} {first.value}"
    assert found > 5


def test_no_error_is_swallowed_silently() -> None:
    """`except: pass` hides a bug; `contextlib.suppress` with a type says what is expected."""
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                assert not all(isinstance(line, ast.Pass) for line in node.body), (
                    f"{name_of(path)}:{node.lineno}"
                )
                assert node.type is not None, f"{name_of(path)}:{node.lineno} bare except"
