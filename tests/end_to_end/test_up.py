"""`mooring up` as a process: start, stop, and each way in which it must not start."""

import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from base64 import b64encode
from pathlib import Path

import httpx
import pytest

from mooring.protocol.login import build_username, sign
from up import mooring_up, start_and_fail

NEWER = "UPDATE alembic_version SET version_num = '9999'"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, text
    assert lines[0].startswith("mooring: ")
    return lines[0]


def test_first_start_shows_a_password_once_and_the_next_does_not(data: Path) -> None:
    with mooring_up(data) as running:
        assert running.password is not None
        assert running.password not in running.logs()
        assert httpx.get(f"{running.base_url}/readyz").json() == {"status": "ready"}
        assert httpx.get(f"{running.base_url}/healthz").status_code == 200
        assert running.stop() == 0
    with mooring_up(data) as running:
        assert running.password is None


def test_the_data_directory_is_private(data: Path) -> None:
    with mooring_up(data):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in data.iterdir()}
    assert set(modes.values()) == {"0o600"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(data: Path, number: int) -> None:
    with mooring_up(data) as running:
        host, port = running.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            body = b"grant_type=password"
            head = (
                b"POST /v2/quecauth/accessKeyAuthrize/accessKeyLogin HTTP/1.1\r\nHost: x\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            slow.sendall(head + body[:5])
            # A second answered request shows that the half-sent one is in the server's hands.
            assert httpx.get(f"{running.base_url}/healthz").status_code == 200
            running.process.send_signal(number)
            waiter = threading.Thread(target=running.process.wait)
            waiter.start()
            slow.sendall(body[5:])
            answer = b"".join(iter(lambda: slow.recv(65536), b""))
            waiter.join()
        assert b"50005" in answer
        assert running.process.returncode == 0


def test_a_taken_port(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, error = start_and_fail(data, "--http-port", port)
    assert (code, port in one_line(error)) == (10, True)


def test_a_data_directory_that_is_a_file(data: Path) -> None:
    data.write_text("")
    code, error = start_and_fail(data)
    assert (code, str(data) in one_line(error)) == (11, True)


def test_a_data_directory_that_cannot_be_read(data: Path) -> None:
    data.mkdir(mode=0o000)
    command: list[str] = []
    if os.geteuid() == 0:
        # Root reads everything; without its capabilities it is bound by modes like anyone.
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    ended = subprocess.run(
        [*command, sys.executable, "-m", "mooring", "up", "--data", str(data), "--http-port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=data.parent,
    )
    data.chmod(0o700)
    assert (ended.returncode, "Permission denied" in one_line(ended.stderr)) == (11, True)


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("mysql://root:hunter2@127.0.0.1/x", "mysql"),
        ("postgresql://u:hunter2@127.0.0.1:1/x", "127.0.0.1:1/x"),
        ("postgresql://u:hunter2@127.0.0.1:1", "names no database"),
        ("postgresql://u:hunter2@127.0.0.1:port/x", "malformed"),
        ("nonsense", "scheme"),
    ],
)
def test_a_wrong_database_url(data: Path, url: str, named: str) -> None:
    code, error = start_and_fail(data, "--store", url)
    assert (code, named in one_line(error), "hunter2" in error) == (12, True, False)


def test_a_database_that_does_not_exist(data: Path, postgres_url: str) -> None:
    code, error = start_and_fail(data, "--store", postgres_url + "_not")
    assert (code, "does not exist" in one_line(error)) == (12, True)


def test_a_newer_schema(data: Path) -> None:
    with mooring_up(data):
        pass
    with sqlite3.connect(data / "mooring.sqlite3") as connection:
        connection.execute(NEWER)
    connection.close()
    code, error = start_and_fail(data)
    assert (code, "9999" in one_line(error)) == (13, True)


def test_a_lost_key_is_an_error_and_not_a_new_key(data: Path) -> None:
    with mooring_up(data):
        pass
    (data / "secret.key").rename(data / "kept.key")
    code, error = start_and_fail(data)
    assert (code, "secret.key is missing" in one_line(error)) == (14, True)
    assert not (data / "secret.key").exists()
    with mooring_up(data, env={"MOORING_SECRET_KEY": (data / "kept.key").read_text().strip()}):
        pass


@pytest.mark.parametrize(
    ("key", "named"),
    [("not base64!", "is not base64"), ("c2hvcnQ=", "5 bytes"), (b64encode(bytes(32)).decode(), "is not the one")],
)
def test_a_wrong_key(data: Path, key: str, named: str) -> None:
    with mooring_up(data):
        pass
    code, error = start_and_fail(data, env={"MOORING_SECRET_KEY": key})
    assert (code, named in one_line(error), key in error) == (14, True, False)


def test_a_key_that_others_can_read(data: Path) -> None:
    with mooring_up(data):
        pass
    (data / "secret.key").chmod(0o644)
    code, error = start_and_fail(data)
    assert (code, "chmod 600" in one_line(error)) == (14, True)


def test_a_second_process_on_one_sqlite_directory(data: Path) -> None:
    with mooring_up(data) as running:
        code, error = start_and_fail(data)
        assert (code, f"process {running.process.pid}" in one_line(error)) == (15, True)
        assert httpx.get(f"{running.base_url}/readyz").status_code == 200


def test_a_wrong_setting(data: Path) -> None:
    code, error = start_and_fail(data, env={"MOORING_TOKEN_LIFETIME_S": "soon"})
    assert (code, "token_lifetime_s" in one_line(error)) == (16, True)


def test_demo_data_never_mixes_with_other_data(data: Path) -> None:
    with mooring_up(data):
        pass
    code, error = start_and_fail(data, "--demo")
    assert (code, "empty data directory" in one_line(error)) == (17, True)


def test_a_forwarded_address_is_believed_of_trusted_proxies_only(data: Path) -> None:
    url = "/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
    codes = []
    for trusted in ("", "127.0.0.1, 10.0.0.0/8"):
        with mooring_up(
            data, "--demo", env={"MOORING_TRUSTED_PROXIES": trusted, "FORWARDED_ALLOW_IPS": "*"}
        ) as running:
            demo = json.loads((data / "demo.json").read_text())
            manage = {"url": demo["manage"]["url"], "headers": {"Authorization": f"Bearer {demo['manage']['token']}"}}
            body = {"enabled": True, "addresses": ["192.0.2.1"]}
            httpx.put(f"{manage['url']}/account/addresses", json=body, headers=manage["headers"]).raise_for_status()
            username = build_username(demo["access_key"], time.time_ns() // 1_000_000)
            fields = {"grant_type": "password", "username": username, "password": sign(username, demo["access_secret"])}
            for forwarded in ("192.0.2.1", "192.0.2.2", "192.0.2.1, 10.1.1.1"):
                answer = httpx.get(running.base_url + url, params=fields, headers={"X-Forwarded-For": forwarded})
                codes.append(answer.json()["code"])
    assert codes == [91006, 91006, 91006, 200, 91006, 200]


def test_recover_gives_a_new_one_time_password(data: Path) -> None:
    with mooring_up(data) as running:
        first = running.password
    ended = recover("--data", str(data))
    password = ended.stdout.split()[-1]
    assert (ended.returncode, password != first) == (0, True)
    with mooring_up(data) as running:
        login = {"email": "admin@example.com", "password": password}
        assert httpx.post(f"{running.base_url}/manage/v1/login", json=login).json()["must_change_password"]
        assert recover("--data", str(data)).returncode == 15


def test_json_is_one_line_with_everything_there_is_to_know(data: Path) -> None:
    command = [sys.executable, "-m", "mooring", "up", "--json", "--data", str(data), "--log-level", "error"]
    command += ["--http-port", "0", "--mqtt-port", "0", "--amqp-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert httpx.get(f"{told['base_url']}/readyz").status_code == 200
            login = {"email": told["administrator"], "password": told["one_time_password"]}
            assert httpx.post(f"{told['manage_url']}/login", json=login).json()["must_change_password"]
            assert told["mqtt"].startswith("mqtt://")
            assert told["amqp"].startswith("amqp://")
        finally:
            process.terminate()
        assert process.stdout.read() == ""
    again = json.loads(recover("--data", str(data), "--json").stdout)
    assert again["administrator"] == login["email"]
    assert again["one_time_password"] != login["password"]


@pytest.mark.parametrize("lost", ["enabled = 0", "role = 'viewer'"])
def test_recover_is_for_an_owner_who_is_let_in(data: Path, lost: str) -> None:
    with mooring_up(data) as running:
        manage = f"{running.base_url}/manage/v1"
        first = {"email": "admin@example.com", "password": running.password}
        token = httpx.post(f"{manage}/login", json=first).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        change = {"old_password": running.password, "new_password": "a password of the tests"}
        httpx.post(f"{manage}/me/password", json=change, headers=headers).raise_for_status()
        token = httpx.post(f"{manage}/login", json={**first, "password": change["new_password"]}).json()["token"]
        body, headers = {"email": "second@example.com"}, {"Authorization": f"Bearer {token}"}
        httpx.post(f"{manage}/administrators", json=body, headers=headers).raise_for_status()
    with sqlite3.connect(data / "mooring.sqlite3") as database:
        database.execute(f"UPDATE administrators SET {lost} WHERE email = 'admin@example.com'")
    database.close()
    assert "Administrator second@example.com" in recover("--data", str(data)).stdout


def test_recover_makes_nothing_where_nothing_is(data: Path) -> None:
    ended = recover("--data", str(data))
    assert (ended.returncode, "no database" in one_line(ended.stderr), data.exists()) == (11, True, False)


def test_a_misspelt_variable_is_warned_of(data: Path) -> None:
    with mooring_up(data, env={"MOORING_HTTP_PROT": "1"}) as running:
        assert "MOORING_HTTP_PROT" in running.logs()


def recover(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mooring", "recover", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def test_a_restart_after_kill_9_has_everything(data: Path) -> None:
    with mooring_up(data, "--demo") as running:
        before = (data / "demo.json").read_text()
        running.process.kill()
        running.stopped = running.process.wait()
    with mooring_up(data, "--demo"):
        after = (data / "demo.json").read_text()
    assert before.split('"products"')[1] == after.split('"products"')[1]


def test_the_demo_has_a_queue_that_gets_everything_once(data: Path) -> None:
    for _ in range(2):
        with mooring_up(data, "--demo"):
            demo = json.loads((data / "demo.json").read_text())
            headers = {"Authorization": f"Bearer {demo['manage']['token']}"}
            with httpx.Client(base_url=demo["manage"]["url"], headers=headers, timeout=30) as manage:
                [queue] = manage.get("queues").json()["items"]
                subscriptions = manage.get("subscriptions").json()["items"]
                content = manage.get(f"queues/{queue['id']}").json()
    assert demo["amqp"] == {"url": content["url"], "queue": queue["full_name"]}
    assert (queue["name"], queue["status"]) == ("demo", 1)
    assert {found["product_key"] for found in subscriptions} == {
        None,
        *(product["product_key"] for product in demo["products"]),
    }
    assert all(found["running"] for found in subscriptions)
    assert content["pushed"] > 0
