"""ca: upload, proof, deletion."""

from pathlib import Path

from authority import Authority
from cli.terminal import Terminal


def test_a_ca_is_uploaded_proved_and_deleted(admin: Terminal, tmp_path: Path) -> None:
    authority = Authority("Own CA")
    file = tmp_path / "ca.pem"
    file.write_bytes(authority.pem)
    run = admin.run("ca", "upload", "Own", file)
    [found] = admin.ask("ca", "list")["items"]
    assert found["code"] in run.out
    assert f"mooring admin ca prove {found['id']} FILE" in run.out
    proof = tmp_path / "proof.der"
    proof.write_bytes(authority.sign(found["code"]).der)
    code = admin.ask("ca", "code", found["id"])["code"]
    assert "is not the code" in admin.run("ca", "prove", found["id"], proof, code=1).err
    proof.write_bytes(authority.sign(code).der)
    assert "proved 2" in admin.run("ca", "prove", found["id"], proof).out
    assert admin.ask("ca", "show", found["id"])["verified_at"] is not None
    assert "Own" in admin.run("ca", "list").out
    assert "[y/N]" in admin.run("ca", "delete", found["id"], text="n\n", code=1).err
    assert admin.ask("ca", "delete", found["id"], "--yes") == {}
    assert "there is no CA certificate" in admin.run("ca", "show", found["id"], code=1).err


def test_what_is_no_certificate_stays_here_or_is_refused(admin: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_text("-----BEGIN EC PRIVATE KEY-----\n")
    assert "holds a private key" in admin.run("ca", "upload", "Own", file, code=1).err
    assert "no X.509 certificate" in admin.run("ca", "upload", "Own", "-", text="nothing", code=1).err
    assert "none.pem" in admin.run("ca", "upload", "Own", tmp_path / "none.pem", code=1).err
    assert admin.ask("ca", "list")["total"] == 0
