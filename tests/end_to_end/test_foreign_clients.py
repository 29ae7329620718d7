"""Devices and applications made of clients that nobody here wrote, against `mooring up` on each database.

paho-mqtt, amqtt, mosquitto_pub, mosquitto_sub and curl; psql looks at what is stored.
"""

import base64
import json
import secrets
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from amqtt.client import MQTTClient  # type: ignore[import-untyped]

from databases import new_database
from end_to_end.paho_device import connected
from mooring.protocol import commands
from mooring.protocol.commands import DeviceConfiguration, Direction, ReadProperties, WriteProperties
from mooring.protocol.frame import decode, encode
from mooring.protocol.login import build_username, sign
from mooring.protocol.ttlv import Field
from programs import program, run
from served import DATA, DETAIL, EVENTS, READ, WRITE, Served, eventually, serving

RELAY, POWER, COUNTDOWN = 1, 2, 7
REPORT = 0x0014


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data = tmp_path_factory.mktemp("foreign") / "data"
    if request.param == "sqlite":
        with serving(data) as served:
            yield served
        return
    with (
        new_database(request.getfixturevalue("postgres_server_url")) as url,
        serving(data, "--store", url) as served,
    ):
        served.store_url = url
        yield served


@pytest.fixture
def key() -> str:
    """The key of a device that nobody has seen."""
    return f"DK{secrets.token_hex(6)}"


def rows(cloud: Served, statement: str) -> list[str]:
    """What the database holds, asked past Mooring."""
    if cloud.store_url is None:
        with sqlite3.connect(f"file:{cloud.data / 'mooring.sqlite3'}?mode=ro", uri=True) as connection:
            found = ["|".join(map(str, row)) for row in connection.execute(statement)]
        connection.close()
        return found
    psql = program("psql", "postgresql-client")
    printed = run(psql, cloud.store_url, "--no-psqlrc", "--tuples-only", "--no-align", "--command", statement)
    return printed.stdout.decode().split()


def power(number: int, watts: int) -> bytes:
    """A report of the property `power`."""
    return encode(commands.encode(commands.Report([Field(POWER, Decimal(watts))]), number))


def relay(number: int, on: bool) -> bytes:
    return encode(commands.encode(commands.Report([Field(RELAY, on)]), number))


# paho-mqtt


def test_paho_is_a_device(cloud: Served, key: str) -> None:
    with connected(cloud.running.mqtt_port, cloud.client_id(key), cloud.first_password(key)) as device:
        assert device.subscribe() == [1]
        secret = device.secret()
        for qos in (0, 1, 2):
            device.publish(power(qos + 1, 100 + qos), qos)
        row = cloud.reaches(key, 1)
        assert (row["isVerified"], row["isActived"]) == (1, 1)
        ticket = cloud.send(WRITE, key, '[{"relay":"true"}]')
        message = device.message()
        assert (message.topic, message.qos) == (f"q/1/d/{cloud.client_id(key)}/bus", 1)
        command = decode(bytes(message.payload))
        assert commands.decode(command, Direction.DOWN) == WriteProperties([Field(RELAY, True)])
        cloud.becomes(ticket, "delivered")
        device.publish(relay(4, True), 1)
        cloud.becomes(ticket, "reported")
        asked = cloud.send(READ, key, '["power"]')
        request = decode(bytes(device.message().payload))
        assert commands.decode(request, Direction.DOWN) == ReadProperties((POWER,))
        answer = commands.ReadResponse([Field(POWER, Decimal(7))])
        device.publish(encode(commands.encode(answer, request.packet_id)), 0)
        cloud.becomes(asked, "answered")
    cloud.reaches(key, 0)
    assert cloud.values(key) == {"relay": True, "power": "7"}
    logged = cloud.rows(DATA, key)
    assert [(row["cmd"], row["sendStatus"]) for row in logged if row["ticket"] == asked] == [("0012", 1), ("0011", 1)]
    assert [(row["cmd"], row["sendStatus"]) for row in logged if row["ticket"] == ticket] == [("0013", 1)]
    assert [row["eventCode"] for row in cloud.rows(EVENTS, key)] == ["offline", "online"]
    reports = f"SELECT count(*) FROM data_log d JOIN devices e ON e.id = d.device_id WHERE e.device_key = '{key}'"
    assert rows(cloud, f"{reports} AND d.cmd = {REPORT}") == ["4"]
    assert rows(cloud, f"SELECT packet_id FROM ({reports.replace('count(*)', 'd.*')} AND d.cmd = 19) AS sent") == [
        str(command.packet_id)
    ]
    with connected(cloud.running.mqtt_port, cloud.client_id(key), cloud.password(secret)) as device:
        assert device.subscribe() == [1]
        device.publish(power(1, 1), 1)
        cloud.reaches(key, 1)


def test_paho_over_websocket_takes_what_waited(cloud: Served, key: str) -> None:
    cloud.add(key)
    ticket = cloud.send(WRITE, key, '[{"relay":"false"}]', isCache=True)
    port = urlsplit(cloud.running.base_url).port
    assert port is not None
    with connected(port, cloud.client_id(key), cloud.first_password(key), transport="websockets") as device:
        device.subscribe()
        assert len(device.secret()) == 32
        assert device.downlink() == WriteProperties([Field(RELAY, False)])
        device.publish(power(1, 5), 2)
        cloud.becomes(ticket, "delivered")
    assert cloud.values(key) == {"power": "5"}


# Without a user name


async def test_amqtt_connects_without_a_user_name(cloud: Served, key: str) -> None:
    client_id = cloud.client_id(key)
    client = MQTTClient(client_id, {"auto_reconnect": False})
    password = quote(cloud.first_password(key), safe="")
    await client.connect(f"mqtt://:{password}@127.0.0.1:{cloud.running.mqtt_port}/")
    assert client.session is not None
    assert client.session.username is None
    assert await client.subscribe([(f"q/1/d/{client_id}/+", 1)]) == [1]
    message = await client.deliver_message(30)
    assert message is not None
    assert message.data is not None
    words = commands.decode(decode(bytes(message.data)), Direction.DOWN)
    assert isinstance(words, DeviceConfiguration)
    await client.publish(f"q/2/d/{client_id}/bus", power(1, 33), 1)
    await client.disconnect()
    assert cloud.values(key) == {"power": "33"}


# mosquitto


def test_mosquitto_programs_are_a_device(cloud: Served, key: str, tmp_path: Path) -> None:
    subscriber, publisher = (program(name, "mosquitto-clients") for name in ("mosquitto_sub", "mosquitto_pub"))
    client_id = cloud.client_id(key)
    to = ["-h", "127.0.0.1", "-p", str(cloud.running.mqtt_port), "-V", "mqttv311", "-i", client_id, "-u", ""]
    first = ["-P", cloud.first_password(key), "-t", f"q/1/d/{client_id}/+", "-q", "1", "-C", "1", "-W", "30"]
    printed = run(subscriber, *to, *first, "-F", "%t %q %x").stdout.decode().split()
    assert printed[:2] == [f"q/1/d/{client_id}/sys", "1"]
    words = commands.decode(decode(bytes.fromhex(printed[2])), Direction.DOWN)
    assert isinstance(words, DeviceConfiguration)
    assert words.device_secret is not None
    for qos in (0, 1, 2):
        file = tmp_path / f"frame{qos}"
        file.write_bytes(power(10 + qos, 200 + qos))
        password = ["-P", cloud.password(words.device_secret), "-q", str(qos), "-t", f"q/2/d/{client_id}/bus"]
        run(publisher, *to, *password, "-f", str(file))
    logged = eventually(lambda: found if len(found := cloud.rows(DATA, key)) == 3 else None)
    assert [json.loads(row["dmData"])[0]["value"] for row in logged] == ["202", "201", "200"]
    assert cloud.values(key) == {"power": "202"}


def test_mosquitto_sub_gets_a_command_and_its_puback_is_the_evidence(cloud: Served, key: str) -> None:
    subscriber = program("mosquitto_sub", "mosquitto-clients")
    client_id = cloud.client_id(key)
    secret = cloud.add(key, auth_mode=1)["device_secret"]
    command = [
        *(subscriber, "-h", "127.0.0.1", "-p", str(cloud.running.mqtt_port), "-V", "mqttv311", "-i", client_id),
        *("-u", "", "-P", cloud.password(secret), "-t", f"q/1/d/{client_id}/+", "-q", "1", "-C", "1", "-F", "%x"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as device:
        try:
            cloud.reaches(key, 1)
            ticket = cloud.send(WRITE, key, '[{"countdown":"60"}]')
            printed, _ = device.communicate(timeout=30)
        finally:
            device.kill()
    words = commands.decode(decode(bytes.fromhex(printed.decode())), Direction.DOWN)
    assert words == WriteProperties([Field(COUNTDOWN, Decimal(60))])
    timeline = eventually(lambda: found if (found := cloud.timeline(ticket))["delivered_at"] else None)
    assert timeline["published_at"] <= timeline["delivered_at"]


@pytest.mark.parametrize("password", ["0;0000;p;x", "1;0000;0123456789abcdef;x", "x"])
def test_mosquitto_sub_is_told_why_it_is_refused(cloud: Served, key: str, password: str) -> None:
    subscriber = program("mosquitto_sub", "mosquitto-clients")
    client_id = cloud.client_id(key)
    to = ["-h", "127.0.0.1", "-p", str(cloud.running.mqtt_port), "-V", "mqttv311", "-i", client_id]
    rest = ["-u", "", "-P", password, "-t", f"q/1/d/{client_id}/+", "-q", "1", "-C", "1", "-W", "30", "-F", "%x"]
    words = commands.decode(decode(bytes.fromhex(run(subscriber, *to, *rest).stdout.decode())), Direction.DOWN)
    expected = {"0": commands.ExceptionNotice(10423), "x": commands.ExceptionNotice(10424)}
    assert words == expected.get(password[0], DeviceConfiguration(authenticate_again=True))
    assert cloud.detail(key) == {}


# curl


def test_curl_is_an_application(cloud: Served, key: str) -> None:
    curl = [program("curl", "curl"), "--silent", "--show-error", "--max-time", "30", "--get"]
    base_url = cloud.running.base_url
    username = build_username(cloud.demo["access_key"], time.time_ns() // 1_000_000)
    password = sign(username, cloud.demo["access_secret"])
    fields = ["grant_type=password", f"username={username}", f"password={password}"]
    encoded = [word for field in fields for word in ("--data-urlencode", field)]
    login = f"{base_url}/v2/quecauth/accessKeyAuthrize/accessKeyLogin"
    answer = json.loads(run(*curl, *encoded, login).stdout)
    cloud.add(key, name="Pumpe im Keller")
    header = ["--header", f"Authorization: {answer['access_token']}"]
    params = ["--data-urlencode", f"productKey={cloud.product_key}", "--data-urlencode", f"deviceKey={key}"]
    detail = json.loads(run(*curl, *header, *params, base_url + DETAIL).stdout)
    assert (detail["code"], detail["data"]["deviceName"]) == (200, "Pumpe im Keller")
    body = {"productKey": cloud.product_key, "devices": [key], "data": '[{"label":"Ω"}]', "isCache": True}
    post = [*curl[:-1], *header, "--header", "Content-Type: application/json", "--data", "@-", base_url + WRITE]
    sent = json.loads(run(*post, stdin=json.dumps(body).encode()).stdout)
    [logged] = cloud.rows(DATA, key)
    assert (sent["data"][0]["code"], logged["ticket"]) == (200, sent["data"][0]["ticket"])
    assert base64.b64decode(logged["data"]) == b"\x00\x4b\x00\x02" + "Ω".encode()
