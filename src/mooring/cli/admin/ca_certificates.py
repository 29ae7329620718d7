"""ca …"""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mooring.cli.arguments import read_content
from mooring.cli.failure import Failure
from mooring.cli.screen import fields, footer, moment, say, table

from .command import Limit, Offset, Yes, command, confirm, group
from .session import Answer, Session, path_of

__all__ = ["ca"]

ca = group("CA certificates that sign the certificates of devices.")

_Id = Annotated[int, typer.Argument(help="Id of the CA certificate.")]
_File = Annotated[
    Path, typer.Argument(help="The certificate, PEM or DER; - is standard input.", metavar="FILE", allow_dash=True)
]


@command(ca, "list")
def _list_certificates(session: Session, limit: Limit = 100, offset: Offset = 0) -> None:
    """List the CA certificates."""
    answer = session.get("/ca-certificates", limit=limit, offset=offset)

    def readable() -> None:
        table(
            ("Id", "Name", "Subject", "State", "Valid until"),
            (
                (found["id"], found["name"], found["subject"], _state(found), moment(found["expires_at"]))
                for found in answer.value["items"]
            ),
        )
        footer(answer.value, offset)

    session.show(answer, readable)


@command(ca, "show")
def _show_certificate(session: Session, certificate_id: _Id) -> None:
    """Show one CA certificate."""
    _show(session, session.get(path_of("ca-certificates", certificate_id)))


@command(ca, "upload")
def _upload(session: Session, name: Annotated[str, typer.Argument(help="A name for it.")], file: _File) -> None:
    """Upload a CA certificate; its code is to be proved within 7 days."""
    _show(session, session.post("/ca-certificates", {"name": name, "certificate": _certificate(file)}))


@command(ca, "code")
def _code(session: Session, certificate_id: _Id) -> None:
    """Make a new code, when the old one has expired."""
    _show(session, session.post(path_of("ca-certificates", certificate_id, "code")))


@command(ca, "prove")
def _prove(session: Session, certificate_id: _Id, file: _File) -> None:
    """Prove that a CA is your own: give a certificate it signed, with the code for a Common Name."""
    answer = session.post(path_of("ca-certificates", certificate_id, "proof"), {"certificate": _certificate(file)})
    _show(session, answer)


@command(ca, "delete")
def _delete(session: Session, certificate_id: _Id, yes: Yes = False) -> None:
    """Forget a CA; its devices cannot connect any more."""
    confirm(f"Delete CA certificate {certificate_id}? Devices whose certificates it signed stay out.", yes)
    answer = session.delete(path_of("ca-certificates", certificate_id))
    session.show(answer, lambda: say(f"CA certificate {certificate_id} was deleted"))


def _certificate(file: Path) -> str:
    content = read_content(file)
    if b"PRIVATE KEY-----" in content:
        raise Failure(f"{file} holds a private key; it stays with you, give the certificate alone")
    return content.decode("latin-1") if b"-----BEGIN" in content else base64.b64encode(content).decode()


def _state(found: Mapping[str, Any]) -> str:
    if found["verified_at"] is not None:
        return f"proved {moment(found['verified_at'])}"
    return f"to be proved until {moment(found['code_expires_at'])}"


def _show(session: Session, answer: Answer) -> None:
    found: Mapping[str, Any] = answer.value

    def readable() -> None:
        fields(
            {
                "id": found["id"],
                "name": found["name"],
                "subject": found["subject"],
                "SHA-1": found["fingerprint"],
                "valid until": moment(found["expires_at"]),
                "uploaded": moment(found["created_at"]),
                "state": _state(found),
                "code": found["code"],
            }
        )
        if found["verified_at"] is None:
            say("Sign a certificate with this CA whose Common Name is the code, then:")
            say(f"  mooring admin ca prove {found['id']} FILE")

    session.show(answer, readable)
