"""A fuzzer that knows only the document: no 5xx, no status or shape that is not in it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bot.web.api.operations import STREAM
from bot.web.api.table import OPERATIONS
from tests.rest.branch import Branch
from tests.web.house import SHOP

LARGE = os.environ.get("RELAIS_TEST_SIZE") == "large"
SCOPES = sorted({operation.scope for operation in OPERATIONS})
READS = tuple(scope for scope in SCOPES if scope.endswith(":read"))
KEYS = {"all": (), "reads": READS} | ({scope: (scope,) for scope in SCOPES} if LARGE else {})
PHASES = {"all": "examples,coverage,fuzzing"}
EXAMPLES = 60 if LARGE else 4
LEFT_OUT = (
    # Business refusals of well-formed requests are 412 and 422 by contract.
    "positive_data_acceptance",
)


@pytest.mark.parametrize("key", KEYS)
async def test_the_fuzzer_finds_nothing(branch: Branch, tmp_path: Path, key: str) -> None:
    await branch.stock(branch.own, SHOP, talk=True)
    word = await branch.key(SHOP, *KEYS[key])
    command = [
        *(
            str(Path(sys.executable).parent / "schemathesis"),
            "run",
            f"{str(branch.http.base_url).rstrip('/')}/openapi.json",
        ),
        *("--header", f"Authorization: Bearer {word}"),
        *(
            "--max-examples",
            str(EXAMPLES if key in PHASES else 1),
            "--seed",
            "1",
            "--generation-database",
            "none",
            "--no-color",
        ),
        *("--phases", PHASES.get(key, "examples,fuzzing"), "--exclude-checks", ",".join(LEFT_OUT)),
        # It never ends by itself.
        *("--exclude-path", "/api/v1/events/stream"),
        # It starts processes, which this branch has nobody for.
        *("--exclude-path-regex", "/api/v1/drills"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-6000:]
    tried = [o for o in OPERATIONS if o.media != STREAM and not o.path.startswith("/drills")]
    assert f"Tested: {len(tried)}" in out.decode()
