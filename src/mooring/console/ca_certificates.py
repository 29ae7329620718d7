"""CA certificates that sign the certificates of devices: uploading, proving, forgetting."""

from collections.abc import Sequence

from mooring.platform.certificates import MAX_CERTIFICATES, CaCertificate

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    action_button,
    area_field,
    badge,
    copyable,
    dialog,
    empty,
    file_field,
    form,
    moment,
    note,
    opens,
    table,
    text_field,
)

__all__ = ["ROUTES"]

_ALL = "/ca-certificates"
_ONE = f"{_ALL}/{{certificate_id}}"


async def _list_certificates(view: View) -> Shown:
    t = view.t
    found = await view.platform.certificates.all(view.account_id)
    remark = note(
        t(
            "Devices with a certificate of a verified CA may connect by X.509. An account has at most {most} CAs.",
            most=MAX_CERTIFICATES,
        )
    )
    rows = table(_columns(view), found, t("CA certificates")) if found else empty(t("There is no CA certificate yet."))
    upload = form(
        view,
        _UPLOAD,
        text_field("name", t("Name"), required=True, most=50),
        *_certificate_fields(view),
        submit=t("Upload"),
    )
    boxes = [_proof_box(view, certificate) for certificate in found if certificate.verified_at is None]
    body = remark, tag.section(rows, class_="card"), dialog(view, "upload-ca", t("Upload a CA"), upload), boxes
    return Shown(t("CA certificates"), body, opens(view, _UPLOAD, "upload-ca", t("Upload a CA"), primary=True))


def _certificate_fields(view: View) -> Sequence[Html]:
    return [
        file_field("certificate", view.t("Certificate file (PEM)"), accept=".pem,.crt,.cer"),
        area_field("certificate", view.t("or its text"), mono=True, most=20_000),
    ]


def _columns(view: View) -> Sequence[Column[CaCertificate]]:
    t = view.t
    return [
        Column(t("Name"), lambda each: each.name),
        Column(t("Holder"), lambda each: each.subject),
        Column(
            t("State"),
            lambda each: badge(t("Verified"), "good") if each.verified_at else badge(t("To be verified"), "warn"),
        ),
        Column(t("Fingerprint"), lambda each: tag.code(each.fingerprint)),
        Column(t("Uploaded"), lambda each: moment(each.created_at)),
        Column(t("Ends"), lambda each: moment(each.expires_at)),
        Column(t("Actions"), lambda each: _actions(view, each)),
    ]


def _actions(view: View, certificate: CaCertificate) -> Child:
    t = view.t
    return tag.span(
        certificate.verified_at is None and opens(view, _PROVE, f"prove-{certificate.id}", t("Verify"), small=True),
        action_button(
            view,
            _DELETE,
            t("Delete"),
            path={"certificate_id": certificate.id},
            confirm=t(
                "Delete CA {name}? Devices with its certificates cannot connect any more.", name=certificate.name
            ),
            danger=True,
            small=True,
            label=f"{t('Delete')}: {certificate.name}",
        ),
        class_="buttons",
    )


def _proof_box(view: View, certificate: CaCertificate) -> Html:
    t = view.t
    path = {"certificate_id": certificate.id}
    proof = form(view, _PROVE, *_certificate_fields(view), path=path, submit=t("Verify"))
    if not proof:
        return proof
    steps = tag.ol(
        tag.li(
            t("Have the CA sign a certificate whose Common Name is this code:"), " ", copyable(view, certificate.code)
        ),
        tag.li(t("Upload that certificate here before the code ends:"), " ", moment(certificate.code_expires_at)),
    )
    again = action_button(view, _CODE, t("Make a new code"), path=path, small=True)
    return dialog(view, f"prove-{certificate.id}", t("Verify {name}", name=certificate.name), steps, again, proof)


async def _upload(view: View, sent: Form) -> Done:
    data = sent.text("certificate").encode()
    made = await view.platform.certificates.upload(view.actor, sent.text("name"), data)
    return Done(_ALL, view.t("CA {name} is uploaded; now verify that it is yours.", name=made.name))


async def _make_code(view: View, sent: Form) -> Done:
    await view.platform.certificates.new_code(view.actor, view.number("certificate_id"))
    return Done(_ALL, view.t("There is a new code."))


async def _prove(view: View, sent: Form) -> Done:
    made = await view.platform.certificates.prove(
        view.actor, view.number("certificate_id"), sent.text("certificate").encode()
    )
    return Done(_ALL, view.t("CA {name} is verified.", name=made.name))


async def _delete(view: View, sent: Form) -> Done:
    await view.platform.certificates.delete(view.actor, view.number("certificate_id"))
    return Done(_ALL, view.t("The CA is deleted."))


_UPLOAD = Action(_ALL, _upload)
_CODE = Action(f"{_ONE}/code", _make_code)
_PROVE = Action(f"{_ONE}/proof", _prove)
_DELETE = Action(f"{_ONE}/deletion", _delete)

ROUTES: tuple[AnyRoute, ...] = (Page(_ALL, _list_certificates), _UPLOAD, _CODE, _PROVE, _DELETE)
