"""Rows of the store as entities of the directory: secrets opened, lists parsed, exports made."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mooring.store import Vault
from mooring.store.accounts import AccountRow, AdministratorRow, PackageRow, TokenRow
from mooring.store.devices import DeviceRow
from mooring.store.products import ProductRow
from mooring.store.queues import QueueRow, SubscriptionRow
from mooring.store.saas_apps import AppPackageRow, AppRow
from mooring.store.thing_models import LabelsRow, ReleaseDocumentRow
from mooring.thingmodel import ModelCodec, translate, with_profile

from .addresses import AddressList
from .entities import Account, Administrator, App, Device, ManageToken, Product, ReleasedModel
from .roles import Role
from .routes import Queue, Subscription
from .secret import Secret

__all__ = [
    "LANGUAGES",
    "account",
    "administrator",
    "app",
    "app_context",
    "device",
    "device_context",
    "product_context",
    "products",
    "queue",
    "subscription",
    "token",
]

LANGUAGES = ("CN", "EN")
"""Languages in which names of a model can be kept (tsl.md section 14)."""


def app_context(app_id: int) -> str:
    """What an AccessSecret is sealed for."""
    return f"saas_apps/access_secret/{app_id}"


def product_context(product_id: int) -> str:
    """What a ProductSecret is sealed for."""
    return f"products/product_secret/{product_id}"


def device_context(device_id: int) -> str:
    """What a DeviceSecret is sealed for."""
    return f"devices/device_secret/{device_id}"


def account(row: AccountRow, packages: Iterable[PackageRow]) -> Account:
    """An account with its activated packages."""
    addresses = _texts(row.allowed_addresses)
    return Account(
        id=row.id,
        name=row.name,
        kind=row.kind,
        packages={entry.package: entry.activated_at for entry in packages if entry.account_id == row.id},
        address_list_enabled=row.address_list_enabled,
        allowed_addresses=addresses,
        address_list=AddressList(addresses) if row.address_list_enabled else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def administrator(row: AdministratorRow) -> Administrator:
    """An administrator; the password hash does not show itself."""
    return Administrator(
        id=row.id,
        account_id=row.account_id,
        email=row.email,
        password_hash=Secret(row.password_hash),
        password_one_time=row.password_one_time,
        role=Role(row.role),
        failed_logins=row.failed_logins,
        locked_until=row.locked_until,
        totp_secret=row.totp_secret,
        totp_step=row.totp_step,
        enabled=row.enabled,
        last_login_at=row.last_login_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def token(row: TokenRow) -> ManageToken:
    """A management token."""
    return ManageToken(row.id, row.administrator_id, row.name, row.token_hash, row.created_at, row.expires_at)


def app(row: AppRow, packages: Iterable[AppPackageRow], vault: Vault) -> App:
    """An application with its packages. Raises SecretKeyError when its secret does not open."""
    addresses = _texts(row.allowed_addresses)
    return App(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        description=row.description,
        access_key=row.access_key,
        access_secret=Secret(vault.open(row.access_secret, app_context(row.id))),
        enabled=row.enabled,
        api_access=row.api_access,
        token_generation=row.token_generation,
        packages={entry.package: entry.authorized_at for entry in packages if entry.app_id == row.id},
        address_list_enabled=row.address_list_enabled,
        allowed_addresses=addresses,
        address_list=AddressList(addresses) if row.address_list_enabled else None,
        times=row.times,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def products(
    rows: Sequence[ProductRow],
    releases: Iterable[ReleaseDocumentRow],
    labels: Iterable[LabelsRow],
    vault: Vault,
) -> list[Product]:
    """Products with their released models. Raises SecretKeyError when a secret does not open."""
    documents = {(release.product_id, release.version): release.document for release in releases}
    translations: dict[int, dict[str, str]] = {}
    for entry in labels:
        translations.setdefault(entry.product_id, {})[entry.language] = entry.labels
    found = []
    for row in rows:
        values = msgspec.structs.asdict(row)
        values["product_secret"] = Secret(vault.open(row.product_secret, product_context(row.id)))
        gateways = row.specified_gateways
        values["specified_gateways"] = None if gateways is None else _texts(gateways)
        document = documents.get((row.id, row.released_version)) if row.released_version else None
        model = _model(row, document, translations.get(row.id, {})) if document is not None else None
        found.append(Product(**values, model=model))
    return found


def device(row: DeviceRow) -> Device:
    """A device; its secret stays sealed."""
    return Device(
        row.id,
        row.product_id,
        row.device_key,
        row.client_id,
        row.name,
        row.sn,
        row.auth_mode,
        row.device_secret,
        row.secret_confirmed,
        row.fingerprint,
        row.enabled,
        row.is_verified,
        row.is_virtual,
        row.online,
        row.created_at,
        row.updated_at,
        row.activated_at,
        row.first_conn_at,
        row.last_conn_at,
        row.last_offline_at,
    )


def queue(row: QueueRow) -> Queue:
    """A queue; its counters stay in the database."""
    return Queue(
        row.id,
        row.account_id,
        row.app_id,
        row.name,
        row.description,
        row.is_free,
        row.status,
        row.suspended_at,
        row.created_at,
        row.updated_at,
    )


def subscription(row: SubscriptionRow) -> Subscription:
    """A subscription."""
    values = msgspec.structs.asdict(row)
    return Subscription(**{**values, "codes": tuple(msgspec.json.decode(row.codes, type=list[int]))})


def _model(row: ProductRow, document: str, translations: Mapping[str, str]) -> ReleasedModel:
    version = row.released_version or ""
    plain = with_profile(msgspec.json.decode(document), row.product_key, version)
    same = msgspec.json.encode(plain)
    exports = {
        language: msgspec.json.encode(translate(plain, msgspec.json.decode(translations[language])))
        if language in translations
        else same
        for language in LANGUAGES
    }
    return ReleasedModel(version, exports, ModelCodec(plain))


def _texts(text: str) -> tuple[str, ...]:
    return msgspec.json.decode(text, type=tuple[str, ...])
