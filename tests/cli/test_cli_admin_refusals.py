"""Refusals, questions and files: what a person sees, and the exit code a script sees."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cli.terminal import Terminal

SAMPLE = Path(__file__).parents[2] / "contract/tsl-samples/smart-plug.json"


def test_a_refusal_is_one_line_with_the_member_and_the_wire_code(admin: Terminal) -> None:
    admin.run("product", "create", "Plug")
    run = admin.run("product", "create", "Plug", code=1)
    assert run.err == "error: name: there is a product 'Plug' already (OpenAPI code 70016)\n"
    assert run.out == ""


def test_with_json_a_refusal_is_the_answer_of_the_api(admin: Terminal) -> None:
    run = admin.run("product", "show", "p00000", "--json", code=1)
    assert run.json()["error"]["code"] == "no_such_product"
    assert run.err.count("\n") == 1


def test_a_thing_model_with_faults_is_shown_as_a_table(admin: Terminal, tmp_path: Path) -> None:
    document = json.loads(SAMPLE.read_text())
    document["properties"][0]["id"] = 0
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(document))
    key = admin.ask("product", "create", "Plug")["product_key"]
    run = admin.run("thing-model", "import", key, file, code=1)
    assert "properties[0].id" in run.err
    assert "id-range" in run.err
    verdict = admin.run("thing-model", "validate", key, file, code=1)
    assert "properties[0].id" in verdict.out
    assert admin.ask("thing-model", "validate", key, file, code=1)["valid"] is False
    assert "no draft" in admin.run("thing-model", "draft", key, code=1).err


def test_a_file_that_is_no_json_is_refused_with_the_place(admin: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_text('{"properties": [')
    key = admin.ask("product", "create", "Plug")["product_key"]
    assert "byte 16" in admin.run("thing-model", "import", key, file, code=1).err
    assert "not a JSON object" in admin.run("thing-model", "set-labels", key, "EN", file, code=1).err


def test_a_file_over_the_limit_is_refused_and_the_limit_is_named(admin: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    file.write_text('"' + "x" * 5_000_000 + '"')
    key = admin.ask("product", "create", "Plug")["product_key"]
    assert "2097152" in admin.run("thing-model", "import", key, file, code=1).err


def test_a_missing_file_is_named(admin: Terminal, tmp_path: Path) -> None:
    assert "none.json" in admin.run("thing-model", "import", "p00000", tmp_path / "none.json", code=1).err


def test_a_document_may_come_from_standard_input(admin: Terminal) -> None:
    key = admin.ask("product", "create", "Plug")["product_key"]
    admin.run("thing-model", "import", key, "-", text=SAMPLE.read_text())


@pytest.mark.parametrize("answer", ["", "n\n"])
def test_what_cannot_be_undone_is_asked_first(admin: Terminal, answer: str) -> None:
    key = admin.ask("product", "create", "Plug")["product_key"]
    admin.ask("app", "create", "Fleet")
    admin.run("thing-model", "import", key, SAMPLE)
    admin.ask("administrator", "create", "second@example.com")
    for command in (
        ("product", "delete", key),
        ("app", "delete", "Fleet"),
        ("app", "reset-secret", "Fleet"),
        ("thing-model", "discard", key),
        ("administrator", "delete", "second@example.com"),
    ):
        run = admin.run(*command, text=answer, code=1)
        assert run.out == ""
        assert "[y/N]" in run.err
        assert "nothing was done" in run.err
    assert admin.ask("app", "list")["total"] == admin.ask("product", "list")["total"] == 1


def test_yes_does_it(admin: Terminal) -> None:
    key = admin.ask("product", "create", "Plug")["product_key"]
    assert key in admin.run("product", "delete", key, text="y\n").out


def test_an_application_is_named_by_id_or_by_its_exact_name(admin: Terminal) -> None:
    first = admin.ask("app", "create", "Fleet")
    second = admin.ask("app", "create", str(first["id"]))
    assert admin.ask("app", "show", "Fleet")["id"] == first["id"]
    assert admin.ask("app", "show", first["id"])["id"] == first["id"]
    assert admin.ask("app", "show", second["id"])["id"] == second["id"]
    assert "'fleet'" in admin.run("app", "show", "fleet", code=1).err


def test_names_are_shown_as_they_are(admin: Terminal) -> None:
    name = "[red]:smile: `x`[/red]"
    admin.run("app", "create", name)
    assert name in admin.run("app", "list").out
    assert name in admin.run("app", "show", name).out


def test_a_cut_list_says_how_to_go_on(admin: Terminal) -> None:
    for name in ("one", "two", "three"):
        admin.run("product", "create", name)
    assert "2 of 3 shown; the next ones: --offset 2" in admin.run("product", "list", "--limit", "2").out
    assert "shown" not in admin.run("product", "list", "--limit", "2", "--offset", "2").out


def test_no_server_is_3(terminal: Terminal) -> None:
    run = terminal.run("whoami", "--url", "http://127.0.0.1:1/manage/v1", "--token", "mrg_x", code=3)
    assert run.err.startswith("error: cannot reach http://127.0.0.1:1/manage/v1: ")


@pytest.mark.parametrize("url", ["127.0.0.1", "ftp://x", "http://[", "http://127.0.0.1:99999"])
def test_a_url_that_is_none_is_3(terminal: Terminal, url: str) -> None:
    terminal.run("whoami", "--url", url, "--token", "mrg_x", code=3)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"error": "x"}', b"\xff"])
def test_a_server_that_is_no_mooring_is_3(terminal: Terminal, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_once, args=(listener, body))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        run = terminal.run("whoami", "--url", url, "--token", "mrg_x", code=3)
        thread.join()
    assert "HTTP 502, but not as Mooring does" in run.err


def test_an_output_file_that_cannot_be_written_is_named(admin: Terminal, tmp_path: Path) -> None:
    key = admin.ask("product", "create", "Plug")["product_key"]
    admin.run("thing-model", "import", key, SAMPLE)
    run = admin.run("thing-model", "draft", key, "--output", tmp_path / "none" / "x.json", code=1)
    assert "none/x.json" in run.err
    assert "not a regular file" in admin.run("thing-model", "draft", key, "--output", tmp_path, code=1).err


def test_wrong_usage_is_2(terminal: Terminal) -> None:
    for command in (("product", "show"), ("app", "api-access", "x", "maybe"), ("audit", "--limit", "0"), ("nothing",)):
        terminal.run(*command, code=2)


def test_what_help_needs_is_imported_and_no_more() -> None:
    code = "import sys, mooring.cli.admin; print([m for m in ('httpx', 'rich', 'starlette') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def _answer_once(listener: socket.socket, body: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        head = f"HTTP/1.1 502 Bad Gateway\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)
