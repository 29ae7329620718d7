"""login, profile, api: which cloud, with which key, and any call of it."""

import json
import stat
from pathlib import Path

import pytest

from cli.person import Demo, Person

PRODUCTS = "/v2/quecproductmgr/r3/openapi/products"


def test_a_demo_file_is_all_that_is_needed(demo: Demo, stranger: Person) -> None:
    said = stranger.run("login", "--demo-file", demo.file)
    assert demo.document["access_secret"] not in said.out + said.err
    assert stat.S_IMODE(stranger.profiles.stat().st_mode) == 0o600
    [saved] = stranger.ask("profile", "list")
    assert (saved["name"], saved["base_url"], saved["default"]) == ("default", demo.document["base_url"], True)
    assert saved["amqp_url"] == demo.document["amqp"]["url"]
    assert stranger.ask("api", "get", PRODUCTS)["total"] >= len(demo.document["products"])


@pytest.mark.parametrize("way", ["stdin", "typed", "file", "environment"])
def test_a_secret_is_never_an_argument(demo: Demo, stranger: Person, tmp_path: Path, way: str) -> None:
    key, secret = demo.document["access_key"], demo.document["access_secret"]
    given = ["login", "--base-url", demo.document["base_url"], "--access-key", key]
    match way:
        case "stdin":
            stranger.run(*given, "--secret-stdin", text=f"{secret}\n")
        case "typed":
            assert secret not in stranger.run(*given, text=f"{secret}\n").err
        case "file":
            (tmp_path / "secret").write_text(f"{secret}\n")
            stranger.run(*given, "--secret-file", tmp_path / "secret")
        case _:
            stranger.run(*given, "--secret-env", "THE_SECRET", THE_SECRET=secret)
            assert stranger.run("api", "get", PRODUCTS, code=4).err.count("THE_SECRET") == 1
    assert (secret in stranger.profiles.read_text()) == (way in ("stdin", "typed"))
    assert stranger.ask("api", "get", PRODUCTS, THE_SECRET=secret)["code"] == 200


def test_the_environment_is_a_cloud_too(demo: Demo, stranger: Person) -> None:
    known = {
        "MOORING_ACCESS_KEY": demo.document["access_key"],
        "MOORING_ACCESS_SECRET": demo.document["access_secret"],
        "MOORING_BASE_URL": demo.document["base_url"],
    }
    assert stranger.ask("api", "GET", PRODUCTS, "-q", "pageSize=1", **known)["pageSize"] == 1
    del known["MOORING_ACCESS_SECRET"]
    assert "belong together" in stranger.run("api", "GET", PRODUCTS, code=4, **known).err


def test_a_wrong_secret_is_not_saved(demo: Demo, stranger: Person) -> None:
    given = ["login", "--base-url", demo.document["base_url"], "--access-key", demo.document["access_key"]]
    assert "401" in stranger.run(*given, "--secret-stdin", text="wrong\n", code=4).err
    assert not stranger.profiles.exists()
    assert "no cloud is known; run: mooring login" in stranger.run("api", "get", PRODUCTS, code=4).err


def test_profiles_are_listed_shown_chosen_and_removed(stranger: Person) -> None:
    assert "mooring login" in stranger.run("profile", "list").out
    for name, region in (("one", "eu"), ("two", "cn")):
        words = ["login", "--name", name, "--region", region, "--access-key", "key", "--secret-stdin", "--no-check"]
        stranger.run(*words, text="a secret\n")
    assert "mooring profile use two" in stranger.run(*words, text="a secret\n").out
    assert [(row["name"], row["default"]) for row in stranger.ask("profile", "list")] == [("one", True), ("two", False)]
    assert "* " in stranger.run("profile", "list").out
    assert stranger.ask("profile", "use", "two") == {"default": "two"}
    assert stranger.ask("profile", "show")["base_url"] == "https://iot-api.quectelcn.com"
    shown = stranger.run("profile", "show", "one").out
    assert "acceleronix" in shown
    assert "a secret" not in shown
    stranger.run("profile", "remove", "two")
    assert "there is no profile 'two'" in stranger.run("profile", "show", "two", code=4).err
    assert "a profile's name" in stranger.run(*words[:2], "no name", *words[3:], text="s\n", code=4).err


def test_which_cloud_it_is_of_several(stranger: Person) -> None:
    for number in ("1", "2"):
        words = ["--name", f"p{number}", "--base-url", f"http://127.0.0.1:{number}", "--access-key", "key"]
        stranger.run("login", *words, "--secret-stdin", "--no-check", text="a secret\n")

    def chosen(*words: str, **variables: str) -> str:
        found: str = stranger.ask("doctor", *words, "--mqtt", "127.0.0.1:1", code=1, **variables)[0]["found"]
        return found.split()[0]

    key = {"MOORING_ACCESS_KEY": "k", "MOORING_ACCESS_SECRET": "s", "MOORING_BASE_URL": "http://127.0.0.1:3"}
    assert chosen() == "http://127.0.0.1:1"
    assert chosen(MOORING_PROFILE="p2") == "http://127.0.0.1:2"
    assert chosen(MOORING_PROFILE="p2", **key) == "http://127.0.0.1:3"
    assert chosen("--profile", "p2", **key) == "http://127.0.0.1:2"


def test_other_wrong_logins_are_told(stranger: Person, tmp_path: Path) -> None:
    (tmp_path / "no.json").write_text("{}")
    assert "not the demo.json" in stranger.run("login", "--demo-file", tmp_path / "no.json", code=1).err
    stranger.run("login", "--secret-stdin", "--secret-env", "X", "--access-key", "k", code=2)
    assert "standard input" in stranger.run("login", "--access-key", "k", "--secret-stdin", code=1).err
    twice = ["login", "--region", "eu", "--base-url", "http://x", "--access-key", "k", "--secret-stdin"]
    assert "not both" in stranger.run(*twice, text="s\n", code=4).err


def test_api_prints_what_is_answered_and_its_class_is_the_exit_code(person: Person, tmp_path: Path) -> None:
    assert json.loads(person.run("api", "get", PRODUCTS).out)["code"] == 200
    listed = "/v2/quecrule/r1/openapi/queue/list"
    (tmp_path / "body.json").write_text('{"pageNum": 1, "pageSize": 1}')
    for data in ('{"pageSize": 1}', f"@{tmp_path / 'body.json'}"):
        assert person.ask("api", "post", listed, "--data", data)["code"] == 200
    assert person.ask("api", "post", listed, "--data", "-", text='{"pageSize": 1}')["pageSize"] == 1
    detail = "/v2/quecproductmgr/r3/openapi/product/detail"
    assert person.ask("api", "get", detail, "-q", "productKey=nothing", code=6)["code"] == 70017
    run = person.run("api", "get", "/v2/no/such", code=6)
    assert (run.out, run.err.count("\n")) == ("", 1)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("get", "v2/x"), 2),
        (("put", "/v2/x"), 2),
        (("get", "/v2/x", "--data", "{}"), 2),
        (("get", "/v2/x", "-q", "novalue"), 2),
        (("post", "/v2/x", "--data", "{"), 1),
    ],
)
def test_what_cannot_be_sent_is_wrong_usage(person: Person, words: tuple[str, ...], code: int) -> None:
    person.run("api", *words, code=code)


def test_a_cloud_that_is_not_there_is_3(stranger: Person) -> None:
    words = ["login", "--base-url", "http://127.0.0.1:1", "--access-key", "key", "--secret-stdin"]
    assert "error: " in stranger.run(*words, text="s\n", code=3).err
