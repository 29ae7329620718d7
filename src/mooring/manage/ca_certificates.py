"""CA certificates that sign the certificates of devices."""

import base64
import binascii

import msgspec

from mooring.platform.certificates import CaCertificate

from .endpoint import AnyEndpoint, Call, Endpoint, Nothing, Page
from .errors import Refusal
from .lists import page_of

__all__ = ["ENDPOINTS"]


class NewCertificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A CA certificate under a name: PEM text, or DER in base64."""

    name: str
    certificate: str


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate, signed by the CA, whose Common Name is the code: PEM text, or DER in base64."""

    certificate: str


class CertificateList(msgspec.Struct, frozen=True):
    """CA certificates, oldest first."""

    items: tuple[CaCertificate, ...]
    total: int


def _content(text: str) -> bytes:
    if "-----BEGIN" in text:
        return text.encode()
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        message = "the certificate is neither PEM nor DER in base64"
        raise Refusal(422, "certificate", message, field="certificate") from None


async def _list_ca_certificates(call: Call, request: Page) -> CertificateList:
    found = await call.platform.certificates.all(call.account_id)
    return CertificateList(page_of(request, found, lambda certificate: certificate), len(found))


async def _upload_ca_certificate(call: Call, request: NewCertificate) -> CaCertificate:
    return await call.platform.certificates.upload(call.actor, request.name, _content(request.certificate))


async def _show_ca_certificate(call: Call, request: Nothing) -> CaCertificate:
    return await call.platform.certificates.one(call.account_id, call.number("certificate_id"))


async def _make_proof_code(call: Call, request: Nothing) -> CaCertificate:
    return await call.platform.certificates.new_code(call.actor, call.number("certificate_id"))


async def _prove_ca_certificate(call: Call, request: Proof) -> CaCertificate:
    number = call.number("certificate_id")
    return await call.platform.certificates.prove(call.actor, number, _content(request.certificate))


async def _delete_ca_certificate(call: Call, request: Nothing) -> Nothing:
    await call.platform.certificates.delete(call.actor, call.number("certificate_id"))
    return Nothing()


_ALL = "/ca-certificates"
_ONE = f"{_ALL}/{{certificate_id}}"
_BUSY = (409,)

ENDPOINTS: tuple[AnyEndpoint, ...] = (
    Endpoint("GET", _ALL, "CA certificates, oldest first", _list_ca_certificates, Page, CertificateList),
    Endpoint(
        "POST",
        _ALL,
        "Upload a CA certificate; its `code` is to be proved within 7 days",
        _upload_ca_certificate,
        NewCertificate,
        CaCertificate,
        status=201,
        errors=_BUSY,
    ),
    Endpoint("GET", _ONE, "One CA certificate", _show_ca_certificate, Nothing, CaCertificate),
    Endpoint("POST", f"{_ONE}/code", "Make a new code", _make_proof_code, Nothing, CaCertificate, errors=_BUSY),
    Endpoint(
        "POST",
        f"{_ONE}/proof",
        "Prove that the CA is one's own: a certificate it signed, with the code for a Common Name",
        _prove_ca_certificate,
        Proof,
        CaCertificate,
        errors=_BUSY,
    ),
    Endpoint(
        "DELETE",
        _ONE,
        "Forget a CA; its devices cannot connect any more",
        _delete_ca_certificate,
        Nothing,
        Nothing,
        status=204,
        errors=_BUSY,
    ),
)
