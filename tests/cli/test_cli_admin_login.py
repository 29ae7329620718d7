"""Login, the saved token, and whose token goes where."""

import json
import stat
from pathlib import Path

import pytest

from cli.terminal import EMAIL, PASSWORD, Terminal, running_server


def test_login_keeps_the_token_for_its_owner_only(admin: Terminal) -> None:
    assert stat.S_IMODE(admin.login_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(admin.login_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in admin.login_file.parent.iterdir()] == ["login.json"]
    saved = json.loads(admin.login_file.read_text())
    assert (saved["url"], saved["email"]) == (admin.url, EMAIL)
    assert EMAIL in admin.run("whoami").out


def test_login_asks_for_what_was_not_given_and_shows_no_password(terminal: Terminal) -> None:
    run = terminal.run("login", text=f"{EMAIL}\n{PASSWORD}\n")
    assert PASSWORD not in run.out + run.err
    assert "logged in" in run.out


def test_login_prints_the_api_answer_with_json_and_nothing_else(terminal: Terminal) -> None:
    run = terminal.run("login", "--json", text=f"{EMAIL}\n{PASSWORD}\n")
    assert run.json().keys() == {"token", "expires_at", "must_change_password"}


def test_a_wrong_password_is_refused_and_nothing_is_kept(terminal: Terminal) -> None:
    run = terminal.run("login", "--email", EMAIL, "--password-stdin", text="wrong\n", code=1)
    assert run.err.startswith("error: e-mail or password is wrong")
    assert not terminal.login_file.exists()


def test_a_password_from_an_empty_standard_input_is_refused(terminal: Terminal) -> None:
    run = terminal.run("login", "--email", EMAIL, "--password-stdin", code=1)
    assert "--password-stdin" in run.err


def test_logout_ends_the_token_and_forgets_it(admin: Terminal) -> None:
    token = json.loads(admin.login_file.read_text())["token"]
    admin.run("logout")
    assert not admin.login_file.exists()
    assert "not logged in" in admin.run("whoami", code=4).err
    assert "token" in admin.run("whoami", "--token", token, code=4).err
    admin.run("logout", code=4)


def test_logout_forgets_the_token_also_when_the_server_is_gone(tmp_path: Path) -> None:
    with running_server(tmp_path) as (url, _):
        terminal = Terminal(url, tmp_path / "config")
        terminal.log_in()
    assert "warning" in terminal.run("logout").err
    assert not terminal.login_file.exists()


def test_a_file_that_is_no_login_is_named_and_logout_removes_it(terminal: Terminal) -> None:
    terminal.login_file.parent.mkdir(parents=True)
    terminal.login_file.write_text("{")
    assert "login.json" in terminal.run("whoami", code=1).err
    terminal.run("logout")
    assert not terminal.login_file.exists()


def test_the_saved_token_goes_to_its_own_server_only(admin: Terminal) -> None:
    run = admin.run("whoami", "--url", "http://127.0.0.1:1/manage/v1", code=4)
    assert "not logged in at http://127.0.0.1:1" in run.err


def test_the_url_of_the_server_alone_is_enough(admin: Terminal) -> None:
    server = admin.url.removesuffix("/manage/v1")
    assert server != admin.url
    for url in (server, f"{server}/"):
        assert admin.url in admin.run("whoami", "--url", url).out


def test_without_a_url_the_saved_login_says_where(admin: Terminal) -> None:
    url, admin.url = admin.url, ""
    assert url in admin.run("whoami").out


def test_options_win_over_the_environment_and_that_over_the_saved_login(admin: Terminal) -> None:
    token = admin.ask("token", "create", "scripts")["token"]
    env = {"MOORING_MANAGE_TOKEN": token}
    assert "scripts" in admin.run("whoami", env=env).out
    assert admin.run("whoami", "--token", "wrong", code=4, env=env).err.startswith("error: ")


@pytest.mark.parametrize("token", ["two words", "новый", "a\nb"])
def test_a_token_that_cannot_be_one_is_not_sent(terminal: Terminal, token: str) -> None:
    terminal.run("whoami", "--token", token, code=4)


def test_the_own_password_is_changed_and_the_login_renewed(admin: Terminal) -> None:
    before = json.loads(admin.login_file.read_text())["token"]
    lines = f"{PASSWORD}\nanother password\n"
    admin.run("password", "--password-stdin", "--new-password-stdin", text=lines)
    assert json.loads(admin.login_file.read_text())["token"] != before
    admin.run("whoami")


def test_the_new_password_is_typed_twice(admin: Terminal) -> None:
    admin.run("password", text=f"{PASSWORD}\nanother password\nanother password\n")
    admin.run("login", "--email", EMAIL, "--password-stdin", text="another password\n")


def test_a_one_time_password_is_changed_on_the_way(tmp_path: Path) -> None:
    with running_server(tmp_path, password=None) as (url, one_time):
        terminal = Terminal(url, tmp_path / "config")
        lines = f"{one_time}\na password of mine\n"
        run = terminal.run("login", "--email", EMAIL, "--password-stdin", "--new-password-stdin", "--json", text=lines)
        assert run.json()["must_change_password"] is False
        terminal.run("product", "list")


def test_a_new_password_is_asked_for_twice_when_the_present_one_was_typed(tmp_path: Path) -> None:
    with running_server(tmp_path, password=None) as (url, one_time):
        terminal = Terminal(url, tmp_path / "config")
        typed = f"{one_time}\na password of mine\na password of mine\n"
        run = terminal.run("login", "--email", EMAIL, text=typed)
        assert "one use" in run.err
        terminal.run("product", "list")


def test_a_script_is_told_how_to_give_the_new_password(tmp_path: Path) -> None:
    with running_server(tmp_path, password=None) as (url, one_time):
        terminal = Terminal(url, tmp_path / "config")
        run = terminal.run("login", "--email", EMAIL, "--password-stdin", text=one_time + "\n", code=1)
        assert "--new-password-stdin" in run.err
        assert not terminal.login_file.exists()
