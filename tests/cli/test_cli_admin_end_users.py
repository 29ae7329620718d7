"""end-user-app, end-user, binding and share: each command for people and for programs."""

import pytest

from cli.terminal import Terminal


@pytest.fixture
def home(admin: Terminal, product: str) -> str:
    """The domain of an App that may use the product, with device DEV0001."""
    domain: str = admin.ask("end-user-app", "create", "Home")["user_domain"]
    admin.run("end-user-app", "add-product", "Home", product)
    admin.run("device", "add", product, "DEV0001", "--sn", "SN-1")
    return domain


def user(admin: Terminal, number: int) -> str:
    uid: str = admin.ask("end-user", "create", "Home", "--phone", f"1380000000{number}")["uid"]
    return uid


def test_an_app_lives_through_every_command(admin: Terminal, home: str, product: str) -> None:
    assert admin.ask("end-user-app", "show", home)["products"] == [product]
    assert home in admin.run("end-user-app", "list").out
    assert product in admin.run("end-user-app", "products", "Home").out
    assert admin.ask("end-user-app", "update", "Home", "--remark", "for families")["remark"] == "for families"
    assert admin.ask("end-user-app", "disable", "Home")["enabled"] is False
    assert "disabled" in admin.run("end-user-app", "show", "Home").out
    assert admin.ask("end-user-app", "enable", "Home")["enabled"] is True
    secret = admin.ask("end-user-app", "secret", "Home")["domain_secret"]
    assert admin.ask("end-user-app", "reset-secret", "Home", "--yes")["domain_secret"] != secret
    admin.run("app", "create", "Fleet")
    assert len(admin.ask("end-user-app", "authorize", "Home", "Fleet")["saas_apps"]) == 1
    assert "Home" in admin.run("end-user-app", "list", "--seen-by", "Fleet").out
    assert admin.ask("end-user-app", "cancel", "Home", "Fleet")["saas_apps"] == []
    assert admin.ask("end-user-app", "remove-product", "Home", product)["products"] == []
    assert "was deleted" in admin.run("end-user-app", "delete", "Home", "--yes").out
    assert "there is no App" in admin.run("end-user-app", "show", "Home", code=1).err


def test_a_domain_and_its_secret_can_be_kept(admin: Terminal) -> None:
    run = admin.run(
        "end-user-app", "create", "Moved", "--user-domain", "C.DM.7.3", "--domain-secret", "-", text="s" * 40
    )
    assert "C.DM.7.3" in run.out
    assert admin.ask("end-user-app", "secret", "C.DM.7.3")["domain_secret"] == "s" * 40


def test_a_user_lives_through_every_command(admin: Terminal, home: str) -> None:
    uid = user(admin, 1)
    assert admin.ask("end-user", "update", uid, "--nickname", "Ann", "--lang", "en")["nickname"] == "Ann"
    shown = admin.run("end-user", "show", uid).out
    assert home in shown
    assert "+86 13800000001" in shown
    assert "Ann" in admin.run("end-user", "list", "Home", "--text", "ann").out
    assert admin.ask("end-user", "disable", uid)["enabled"] is False
    assert "OpenAPI code 5486" in admin.run("end-user", "token", uid, code=1).err
    assert admin.ask("end-user", "enable", uid)["enabled"] is True
    assert admin.ask("end-user", "token", uid)["expires_in"] == 7200
    assert "was deleted" in admin.run("end-user", "delete", uid, "--yes").out


def test_devices_are_bound_shared_and_given_up(admin: Terminal, home: str, product: str) -> None:
    owner, guest = user(admin, 1), user(admin, 2)
    assert "own" in admin.run("binding", "bind", owner, product, "--sn", "SN-1").out
    assert admin.ask("binding", "list", owner)["items"][0]["device_key"] == "DEV0001"
    code = admin.ask("share", "create", owner, product, "DEV0001", "--use-for", "2d")["code"]
    assert code in admin.run("share", "list", owner).out
    assert "shared" in admin.run("share", "accept", guest, code).out
    assert admin.ask("binding", "users", product, "DEV0001")["total"] == 2
    assert "OpenAPI code 5410" in admin.run("binding", "mode", product, "one", code=1).err
    assert "was taken back" in admin.run("share", "cancel", owner, code, "--yes").out
    assert "was unbound" in admin.run("binding", "unbind", owner, product, "DEV0001", "--yes").out
    assert admin.ask("binding", "list", owner)["total"] == 0


def test_how_devices_are_bound_is_shown_and_set(admin: Terminal, product: str) -> None:
    assert "alternate" in admin.run("binding", "mode", product).out
    run = admin.run("binding", "mode", product, "one", "--no-sharing")
    assert "one" in run.out
    assert admin.ask("product", "show", product)["device_sharing"] is False
    admin.run("binding", "mode", product, "few", code=2)


def test_times_of_a_share_are_spans(admin: Terminal, home: str, product: str) -> None:
    admin.run("share", "create", user(admin, 1), product, "DEV0001", "--accept-within", "soon", code=2)
