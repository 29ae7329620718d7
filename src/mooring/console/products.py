"""Products: the list, and making one."""

from collections.abc import Sequence

import msgspec

from mooring.platform import Role
from mooring.platform.entities import Product
from mooring.platform.products import ALTERNATE, MULTI, SINGLE, NewProduct

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    badge,
    check_field,
    choice,
    copyable,
    empty,
    facts,
    filters,
    form,
    link,
    link_button,
    listing,
    moment,
    note,
    number_field,
    search,
    select_field,
    text_field,
)

__all__ = [
    "ACCESS_TYPES",
    "BIND_MODES",
    "DATA_FORMATS",
    "GATEWAY_TYPES",
    "NETWORKS",
    "ROUTES",
    "gateway_choice",
    "model_state",
]

ACCESS_TYPES = {0: "Direct device", 1: "Gateway", 2: "Sub-device"}
"""English names of `access_type`."""
NETWORKS = {"1": "Wi-Fi (MQTT)", "2": "Cellular (MQTT)", "3": "NB-IoT (LwM2M)", "5": "Bluetooth (HTTP)"}
"""English names of `net_way`."""
DATA_FORMATS = {3: "Thing model", 0: "Transparent"}
"""English names of `data_fmt`."""
GATEWAY_TYPES = {1: "By the gateway's network alone", 2: "By its own network or the gateway's"}
"""English names of `gateway_type`, how sub-devices reach the cloud."""
BIND_MODES = {ALTERNATE: "One user after the other", SINGLE: "One user only", MULTI: "Many users"}
"""English names of `bind_mode`."""
_SUB_DEVICE = 2


async def _list_products(view: View) -> Shown:
    t = view.t
    paging = Paging.of(view)
    everything = view.platform.products.all(view.account_id)
    found = [product for product in everything if _matches(view, product)]
    bar = filters(
        view,
        search(view, "text", t("Name or ProductKey")),
        choice(view, "access", t("Device type"), _named(view, ACCESS_TYPES)),
        choice(view, "network", t("Network"), _named(view, NETWORKS)),
        choice(view, "format", t("Data format"), _named(view, DATA_FORMATS)),
    )
    button = view.may(Role.DEVELOPER) and link_button(t("Create a product"), "/products/new", primary=True)
    nothing = empty(t("No product matches.") if everything else t("There is no product yet."))
    rows = found[paging.skip : paging.skip + paging.size]
    body = tag.section(
        bar, listing(view, _columns(view), rows, len(found), paging, t("Products"), nothing=nothing), class_="card"
    )
    return Shown(t("Products"), body, button)


def _matches(view: View, product: Product) -> bool:
    text = view.query.get("text", "").strip().casefold()
    asked = {"access": str(product.access_type), "network": product.net_way, "format": str(product.data_fmt)}
    return (not text or text in product.name.casefold() or text in product.product_key.casefold()) and all(
        view.query.get(name, "") in ("", value) for name, value in asked.items()
    )


def _columns(view: View) -> Sequence[Column[Product]]:
    t = view.t
    return [
        Column(
            t("Name"), lambda product: link(product.name, "/products/{product_key}", product_key=product.product_key)
        ),
        Column("ProductKey", lambda product: copyable(view, product.product_key)),
        Column(t("Device type"), lambda product: t(ACCESS_TYPES[product.access_type])),
        Column(t("Network"), lambda product: t(NETWORKS[product.net_way])),
        Column(t("Data format"), lambda product: t(DATA_FORMATS[product.data_fmt])),
        Column(t("Thing model"), lambda product: model_state(view, product)),
        Column(t("Created"), lambda product: moment(product.created_at)),
    ]


def model_state(view: View, product: Product) -> Html:
    """Whether a product has its thing model, as a badge."""
    if product.data_fmt == 0:
        return badge(view.t("Not needed"))
    return badge(view.t("Released"), "good") if product.released_version else badge(view.t("Not released"), "warn")


async def _new_product(view: View) -> Shown:
    t = view.t
    body = tag.section(form(view, _CREATE, *_sections(view), submit=t("Create")), class_="card narrow")
    return Shown(t("Create a product"), body, crumbs=[(t("Products"), "/products")])


def _sections(view: View) -> Sequence[Html]:
    t = view.t
    return [
        _section(
            t("1. What it is"),
            text_field("name", t("Name"), required=True, most=50),
            select_field("access_type", t("Device type"), _named(view, ACCESS_TYPES), shows="access"),
            tag.div(
                select_field("gateway_type", t("Way to the cloud"), _named(view, GATEWAY_TYPES), shows="way"),
                gateway_choice(view, ()),
                check_field("may_change_gateway", t("May move to another gateway"), True),
                data_when_access="2",
            ),
        ),
        _section(
            t("2. Network"),
            select_field("net_way", t("Network"), _named(view, NETWORKS), "2"),
            note(t("Devices connect by MQTT here; NB-IoT and Bluetooth products are kept for systems that list them.")),
        ),
        _section(
            t("3. Data format"),
            select_field(
                "data_fmt",
                t("Data format"),
                _named(view, DATA_FORMATS),
                "3",
                hint=t("A thing model is recommended; transparent products pass bytes through."),
            ),
        ),
        _section(
            t("4. Devices and users"),
            check_field(
                "dynamic_authentication",
                t("Dynamic authentication"),
                True,
                hint=t("A device that nobody added is added when it first authenticates."),
            ),
            check_field(
                "require_encryption",
                t("Require session encryption"),
                hint=t("A device that does not ask for encryption is refused."),
            ),
            select_field("bind_mode", t("Binding by end users"), _named(view, BIND_MODES)),
            check_field("device_sharing", t("Users may share devices"), True),
        ),
        tag.details(
            tag.summary(t("More")),
            tag.div(
                text_field("item_code", t("Category code"), most=64),
                text_field("logo_path", t("Address of an image"), most=1024),
                number_field("allowed_limit", t("Most devices"), low=0, high=2**31 - 1, hint=t("Empty means no limit")),
                class_="grid",
            ),
            tag.div(
                text_field("product_key", "ProductKey", most=32, hint=t("For devices that already carry a key")),
                text_field("product_secret", "ProductSecret", most=16, hint=t("16 characters of base64")),
                class_="grid",
            ),
            class_="more",
        ),
    ]


def _section(title: str, *children: Child) -> Html:
    return tag.fieldset(tag.legend(title), *children)


def gateway_choice(view: View, chosen: Sequence[str]) -> Html:
    """Boxes for the gateway products that may carry sub-devices; none ticked means any."""
    gateways = [product for product in view.platform.products.all(view.account_id) if product.access_type == 1]
    if not gateways:
        return tag.p(view.t("Any gateway may carry it; the account has no gateway product to choose."), class_="soft")
    boxes = (
        check_field(
            "specified_gateways",
            f"{gateway.name} ({gateway.product_key})",
            gateway.product_key in chosen,
            value=gateway.product_key,
        )
        for gateway in gateways
    )
    return tag.fieldset(tag.legend(view.t("Only these gateways; none ticked means any")), boxes)


def _named(view: View, names: "dict[int, str] | dict[str, str]") -> list[tuple[str, str]]:
    return [(str(key), view.t(name)) for key, name in names.items()]


async def _create_product(view: View, sent: Form) -> Done:
    access_type = sent.number("access_type")
    of_gateway = access_type == _SUB_DEVICE
    new = NewProduct(
        sent.text("name"),
        access_type,
        sent.text("net_way"),
        sent.number("data_fmt"),
        gateway_type=sent.number("gateway_type") if of_gateway else None,
        item_code=sent.optional("item_code"),
        logo_path=sent.optional("logo_path"),
        allowed_limit=sent.optional_number("allowed_limit"),
        dynamic_authentication=sent.flag("dynamic_authentication"),
        require_encryption=sent.flag("require_encryption"),
        bind_mode=sent.number("bind_mode"),
        device_sharing=sent.flag("device_sharing"),
        product_key=sent.optional("product_key"),
        product_secret=sent.optional("product_secret"),
    )
    if of_gateway:
        carriers = sent.many("specified_gateways") or None
        new = msgspec.structs.replace(
            new, specified_gateways=carriers, may_change_gateway=sent.flag("may_change_gateway")
        )
    made = await view.platform.products.create(view.actor, new)
    shown = tag.div(
        note(view.t("Devices need both. The secret can be shown again on the product's page.")),
        facts(
            ("ProductKey", copyable(view, made.product_key)),
            ("ProductSecret", copyable(view, made.product_secret.reveal())),
        ),
    )
    told = view.t("Product {name} is made.", name=made.name)
    return Done(f"/products/{made.product_key}", told, show=shown, title=told)


_CREATE = Action("/products/new", _create_product)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/products", _list_products),
    Page("/products/new", _new_product, Role.DEVELOPER),
    _CREATE,
)
