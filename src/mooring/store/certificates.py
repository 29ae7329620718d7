"""Statements about the CA certificates of accounts."""

import msgspec
from sqlalchemy import bindparam, delete, func, insert, select, update

from . import tables
from .statement import Change, Query

__all__ = ["ADD", "COUNT", "DELETE", "OF_ACCOUNT", "ONE", "SET_CODE", "SET_VERIFIED", "VERIFIED", "CaRow", "CountRow"]

_certificates = tables.ca_certificates


class CaRow(msgspec.Struct, frozen=True):
    """One CA certificate in DER; times are epoch ms, `verified_at` None until the account proved that it is theirs."""

    id: int
    account_id: int
    name: str
    subject: str
    fingerprint: str
    certificate: bytes
    code: str
    code_expires_at: int
    verified_at: int | None
    expires_at: int
    created_at: int


class CountRow(msgspec.Struct, frozen=True):
    """How many rows there are."""

    rows: int


_of_account = _certificates.c.account_id == bindparam("of_account")
_one = _certificates.c.id == bindparam("of_certificate")

OF_ACCOUNT = Query(
    select(_certificates).where(_of_account).order_by(_certificates.c.created_at, _certificates.c.id), CaRow
)
ONE = Query(select(_certificates).where(_of_account, _one), CaRow)
VERIFIED = Query(select(_certificates).where(_certificates.c.verified_at.is_not(None)), CaRow)
COUNT = Query(select(func.count().label("rows")).select_from(_certificates).where(_of_account), CountRow)
ADD = Change(insert(_certificates))
SET_VERIFIED = Change(
    update(_certificates)
    .where(_of_account, _one, _certificates.c.verified_at.is_(None), _certificates.c.code == bindparam("of_code"))
    .values(verified_at=bindparam("at"))
)
SET_CODE = Change(
    update(_certificates)
    .where(_of_account, _one, _certificates.c.verified_at.is_(None))
    .values(code=bindparam("new_code"), code_expires_at=bindparam("until"))
)
DELETE = Change(delete(_certificates).where(_of_account, _one))
