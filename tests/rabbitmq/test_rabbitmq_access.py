"""What Mooring answers when RabbitMQ asks (contract/messages.md section 6): decisions as a table, who may ask."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from cloud import Cloud, build_cloud
from databases import on_sqlite
from fakes import FakeClock
from mooring.platform import Platform
from mooring.platform.entities import App
from mooring.platform.routes import Queue
from mooring.platform.saas_apps import AppChanges
from mooring.protocol.login import build_username, sign
from mooring.queues.rabbitmq import AuthDoor

pytestmark = on_sqlite

_MINUTE_MS = 60_000
PACKAGE = "message-subscription"
SECRET = "0123456789abcdef"


@pytest.fixture
async def cloud(platform: Platform, clock: FakeClock) -> Cloud:
    return await build_cloud(platform, clock)


@pytest.fixture
async def queues(cloud: Cloud) -> dict[str, Queue]:
    """Own, another application's, and one that nobody used for a month."""
    platform, actor = cloud.platform, cloud.actor
    made = {"asleep": await platform.queues.create(actor, cloud.app, "asleep")}
    cloud.clock.advance(31 * 86_400_000)
    made["own"] = await platform.queues.create(actor, cloud.app, "own")
    made["foreign"] = await platform.queues.create(actor, cloud.other_app, "foreign")
    await platform.queues.suspend_idle()
    return made


class Asking:
    """RabbitMQ, so to speak."""

    def __init__(self, cloud: Cloud, secret: str | None = None, peer: str = "127.0.0.1") -> None:
        self.cloud = cloud
        transport = httpx.ASGITransport(AuthDoor(cloud.platform.broker_access, secret), client=(peer, 40_000))
        self.http = httpx.AsyncClient(transport=transport, base_url="http://mooring.test")

    async def __call__(self, question: str, method: str = "POST", **form: str) -> str:
        if method == "GET":
            answer = await self.http.get(f"/rabbitmq/auth/{question}", params=form)
        else:
            kind = {"content-type": "application/x-www-form-urlencoded"}
            answer = await self.http.post(f"/rabbitmq/auth/{question}", content=urlencode(form), headers=kind)
        return answer.text if answer.status_code == 200 else str(answer.status_code)


@pytest.fixture
async def ask(cloud: Cloud) -> AsyncIterator[Asking]:
    asking = Asking(cloud)
    yield asking
    await asking.http.aclose()


def login(cloud: Cloud, app: App, at_ms: int = 0) -> dict[str, str]:
    username = build_username(app.access_key, cloud.clock.now_ms() + at_ms)
    return {"username": username, "password": sign(username, app.access_secret.reveal())}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("at_ms", "answer"),
    [
        (0, "allow"),
        (10 * _MINUTE_MS, "allow"),
        (-10 * _MINUTE_MS, "allow"),
        (10 * _MINUTE_MS + 1, "deny"),
        (-10 * _MINUTE_MS - 1, "deny"),
    ],
)
async def test_a_login_is_good_for_ten_minutes(cloud: Cloud, ask: Asking, method: str, at_ms: int, answer: str) -> None:
    assert await ask("user", method, **login(cloud, cloud.app, at_ms)) == answer


@pytest.mark.parametrize(
    "form",
    [
        {"password": "0" * 64},
        {"password": ""},
        {"username": "mooring", "password": "mooring"},
        {"username": "ver=1&auth_mode=accessKey&sign_method=sha256&access_key=nobody&timestamp=1760000000000"},
        {"username": ""},
    ],
)
async def test_other_logins_are_denied(cloud: Cloud, ask: Asking, form: dict[str, str]) -> None:
    assert await ask("user", **{**login(cloud, cloud.app), **form}) == "deny"


async def test_a_disabled_key_and_a_withdrawn_package_are_denied_everywhere(
    cloud: Cloud, ask: Asking, queues: dict[str, Queue]
) -> None:
    platform, actor, app = cloud.platform, cloud.actor, cloud.app
    user = login(cloud, app)
    questions = {
        "user": user,
        "vhost": {"username": user["username"], "vhost": "quec-open", "ip": "192.0.2.1"},
    }

    async def answers() -> set[str]:
        return {await ask(question, **form) for question, form in questions.items()}

    assert await answers() == {"allow"}
    await platform.saas_apps.cancel_package(actor, app.id, PACKAGE)
    assert await answers() == {"deny"}
    await platform.saas_apps.authorize_package(actor, app.id, PACKAGE)
    assert await answers() == {"allow"}
    await platform.saas_apps.update(actor, app.id, AppChanges(enabled=False))
    assert await answers() == {"deny"}


@pytest.mark.parametrize(
    ("vhost", "ip", "answer"),
    [
        ("quec-open", "192.0.2.1", "allow"),
        ("quec-open", "::ffff:192.0.2.1", "allow"),
        ("quec-open", "192.0.2.2", "deny"),
        ("quec-open", "", "deny"),
        ("/", "192.0.2.1", "deny"),
        ("/quec-open", "192.0.2.1", "deny"),
    ],
)
async def test_the_virtual_host_and_the_white_list(cloud: Cloud, ask: Asking, vhost: str, ip: str, answer: str) -> None:
    changes = AppChanges(address_list_enabled=True, allowed_addresses=["192.0.2.1"])
    await cloud.platform.saas_apps.update(cloud.actor, cloud.app.id, changes)
    username = login(cloud, cloud.app)["username"]
    assert await ask("vhost", username=username, vhost=vhost, ip=ip) == answer


@pytest.mark.parametrize(
    ("resource", "name", "permission", "answer"),
    [
        ("queue", "own", "read", "allow"),
        ("queue", "own", "configure", "deny"),
        ("queue", "own", "write", "deny"),
        ("queue", "foreign", "read", "deny"),
        ("queue", "foreign", "configure", "deny"),
        ("queue", "asleep", "read", "allow"),  # RabbitMQ has no such queue, and says 404
        ("queue", "asleep", "configure", "deny"),
        ("queue", "a.{account}.nothing", "read", "allow"),  # the same
        ("queue", "a.{account}.nothing", "configure", "deny"),
        ("queue", "a.000000000404.nothing", "read", "deny"),
        ("queue", "mooring.lost", "read", "deny"),
        ("queue", "", "read", "deny"),
        ("exchange", "amq.default", "write", "deny"),
        ("exchange", "amq.default", "read", "deny"),
        ("exchange", "own", "configure", "deny"),
        ("topic", "amq.topic", "read", "deny"),
    ],
)
async def test_what_may_be_done_with_what(
    cloud: Cloud, ask: Asking, queues: dict[str, Queue], resource: str, name: str, permission: str, answer: str
) -> None:
    full = queues[name].full_name if name in queues else name.format(account=f"{cloud.actor.account_id:012d}")
    username = build_username(cloud.app.access_key, 0)  # long ago: the connection is open
    form = {"username": username, "vhost": "quec-open", "resource": resource, "name": full, "permission": permission}
    assert await ask("resource", **form) == answer
    assert await ask("resource", **{**form, "vhost": "/"}) == "deny"


async def test_topics_are_denied(cloud: Cloud, ask: Asking) -> None:
    username = login(cloud, cloud.app)["username"]
    form = {"username": username, "vhost": "quec-open", "resource": "topic", "name": "amq.topic", "permission": "read"}
    assert await ask("topic", **form, routing_key="a") == "deny"


async def test_only_this_machine_may_ask(cloud: Cloud) -> None:
    user = login(cloud, cloud.app)
    assert await Asking(cloud, peer="::1")("user", **user) == "allow"
    assert await Asking(cloud, peer="192.0.2.1")("user", **user) == "404"
    proxied = Asking(cloud)
    proxied.http.headers["x-forwarded-for"] = "127.0.0.1"
    assert await proxied("user", **user) == "404"


async def test_with_a_secret_whoever_knows_it_may_ask(cloud: Cloud) -> None:
    user = login(cloud, cloud.app)
    asking = Asking(cloud, SECRET, peer="192.0.2.1")
    assert await asking(f"{SECRET}/user", **user) == "allow"
    assert await asking("user", **user) == "404"
    assert await asking(f"{SECRET}x/user", **user) == "404"
    assert await asking(f"{SECRET}/other", **user) == "404"


async def test_a_form_that_is_too_long_is_not_read(ask: Asking) -> None:
    assert await ask("user", username="x" * 20_000, password="") == "413"
