"""The OpenAPI document says what the server does: read, and tried by a program that doubts it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from review_app import Json, Served, a_submission, next_tasks, opened_copy, served

from prelabel.review.access import CSRF_HEADER
from prelabel.work.people import Role

EXAMPLES = 3
# 422 is right for what a schema cannot say, such as that a box's left lies left of its right, and
# 413 for lists that are too long in bytes, too.
SETTINGS = """
[auth.openapi.session]
api_key = "{session}"
[auth.openapi.csrf]
api_key = "{csrf}"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429]
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]
"""


@pytest.fixture
def server(birds: Path, tmp_path: Path) -> Iterator[Served]:
    with (
        opened_copy(birds, tmp_path / "birds", review="reviewer: true") as project,
        served(project) as running,
    ):
        yield running


def document(server: Served) -> Json:
    told: Json = server.client().get("/openapi.json").raise_for_status().json()
    return told


def operations(told: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_operation_says_who_may_call_it_and_how_it_fails(server: Served) -> None:
    told = document(server)
    assert set(told["components"]["securitySchemes"]) == {"session", "csrf"}
    for name, operation in operations(told):
        assert operation["summary"], name
        assert operation["description"], name
        if name in ("POST /api/login", "POST /api/link"):
            assert operation["security"] == []
        else:
            unsafe = not name.startswith("GET")
            assert set(operation["security"][0]) == ({"session", "csrf"} if unsafe else {"session"})
        failures = [
            answer["content"]["application/json"]["schema"]["$ref"]
            for status, answer in operation["responses"].items()
            if int(status) >= 400
        ]
        assert set(failures) == {"#/components/schemas/ErrorView"}, name


def test_bounds_stand_in_the_schemas(server: Served) -> None:
    schemas = document(server)["components"]["schemas"]
    count = schemas["NextBody"]["properties"]["count"]
    assert (count["minimum"], count["maximum"]) == (0, 20)
    for name, schema in schemas.items():
        if name.endswith("Body"):
            assert schema["additionalProperties"] is False, name
    unbounded = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if name.endswith("Body")
        for field, of_field in schema.get("properties", {}).items()
        if not _is_bounded(of_field)
    ]
    assert unbounded == []


def _is_bounded(field: dict[str, Any]) -> bool:
    """Whether a value of this schema has a largest size."""
    if "anyOf" in field:
        return all(_is_bounded(one) for one in field["anyOf"])
    kind = field.get("type")
    if "enum" in field or "$ref" in field or kind in ("null", "boolean"):
        return True
    if kind == "string":
        return "maxLength" in field or "pattern" in field
    if kind == "array":
        return "maxItems" in field
    return "minimum" in field and "maximum" in field


@pytest.mark.slow
def test_a_program_that_tries_everything_finds_nothing_that_was_not_promised(
    server: Served, tmp_path: Path
) -> None:
    owen = server.logged_in("owen", Role.OWNER)
    for task in next_tasks(owen, 2):
        owen.post(f"/api/tasks/{task['task']}/submit", json=a_submission(task)).raise_for_status()
    session = owen.cookies[server.services.address.cookie_name]
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS.format(session=session, csrf=owen.headers[CSRF_HEADER]))
    command = [str(Path(sys.executable).parent / "schemathesis"), "--config-file", str(settings)]
    command += ["run", f"{server.url}/openapi.json", "--checks", "all", "--seed", "1"]
    command += ["--max-examples", str(EXAMPLES), "--no-shrink", "--generation-database", "none"]
    command += ["--exclude-path", "/api/logout"]  # after it everything would be a 401
    command += ["--continue-on-failure", "--warnings", "off", "--workers", "1"]
    tried = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=500)
    assert tried.returncode == 0, tried.stdout[-10_000:] + tried.stderr
    generated = re.search(r"(\d+) generated, (\d+) passed", tried.stdout)
    assert generated, tried.stdout[-2000:]
    assert int(generated[1]) > 500
