"""Secrets are shown where they are asked for, and nowhere else."""

from structlog.testing import capture_logs

from manage.desk import PASSWORD, Desk
from mooring.manage.endpoint import Document
from mooring.manage.sessions import Credentials, LoginAnswer
from mooring.platform import Secret

_QUIET = ("/me", "/tokens", "/account", "/administrators", "/saas-apps", "/products", "/audit?limit=1000")


async def test_secrets_appear_in_no_list_no_audit_entry_no_error_and_no_log(desk: Desk) -> None:
    with capture_logs() as logs:
        secrets, paths = await _make_secrets(desk)
        texts = [(await desk.send("GET", path)).text for path in (*_QUIET, *paths)]
        texts += [(await desk.send(method, path, body)).text for method, path, body in _failing(secrets)]
    for secret in secrets:
        assert not [text for text in texts if secret in text]
        assert secret not in repr(logs)


async def test_the_creation_answer_shows_the_keys_once(desk: Desk) -> None:
    app = await desk.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    assert len(app["access_key"]) == 24
    assert len(app["access_secret"]) == 40
    assert "access_secret" not in await desk.ask("GET", f"/saas-apps/{app['id']}")


async def test_given_keys_are_kept(desk: Desk) -> None:
    body = {"name": "Fleet", "access_key": "A" * 24, "access_secret": "s" * 40}
    app = await desk.ask("POST", "/saas-apps", body, status=201)
    assert (app["access_key"], app["access_secret"]) == ("A" * 24, "s" * 40)


async def test_a_product_shows_its_secret_masked(desk: Desk) -> None:
    made = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    shown = await desk.ask("GET", f"/products/{made['product_key']}")
    secret = made["product_secret"]
    assert shown["product_secret"] == f"{secret[:4]}{'*' * 8}{secret[-4:]}"


async def test_every_answer_stays_out_of_caches(desk: Desk) -> None:
    for path in ("/me", "/products", "/nothing", "/openapi.json"):
        assert (await desk.send("GET", path)).headers["cache-control"] == "no-store"


def test_requests_and_answers_do_not_show_secrets_in_their_repr() -> None:
    assert "hunter2" not in repr(Credentials("a@b", Secret("hunter2")))
    assert "hunter2" not in repr(LoginAnswer(Secret("hunter2"), None, False))


async def _make_secrets(desk: Desk) -> tuple[list[str], list[str]]:
    app = await desk.ask("POST", "/saas-apps", {"name": "Fleet"}, status=201)
    reset = await desk.ask("POST", f"/saas-apps/{app['id']}/secret/reset")
    product = await desk.ask("POST", "/products", {"name": "Plug"}, status=201)
    token = await desk.ask("POST", "/tokens", {"name": "scripts"}, status=201)
    added = await desk.ask("POST", "/administrators", {"email": "second@example.com"}, status=201)
    secrets = [
        app["access_secret"],
        reset["access_secret"],
        product["product_secret"],
        token["token"],
        added["password"],
        desk.token,
        PASSWORD,
    ]
    return secrets, [f"/saas-apps/{app['id']}", f"/products/{product['product_key']}"]


def _failing(secrets: list[str]) -> list[tuple[str, str, Document | bytes]]:
    return [
        ("POST", "/login", {"email": "nobody@example.com", "password": secrets[-1]}),
        ("POST", "/me/password", {"old_password": secrets[0], "new_password": secrets[1]}),
        ("POST", "/me/password", {"old_password": PASSWORD, "new_password": PASSWORD}),
        ("POST", "/saas-apps", {"name": "x", "access_key": "short", "access_secret": secrets[0]}),
        ("POST", "/saas-apps", {"name": "x", "access_key": "K" * 24, "access_secret": secrets[0] + "!"}),
        ("POST", "/products", {"name": "x", "product_key": "pAAAAA", "product_secret": secrets[0]}),
        ("POST", "/login", f'{{"email": "a@b", "password": "{PASSWORD}"'.encode()),
        ("POST", "/login", {"email": "a@b", "password": [PASSWORD]}),
    ]
