"""One product: what it is, its secret, its configuration, its end."""

import msgspec

from mooring.platform import Role
from mooring.platform.entities import Product
from mooring.platform.products import ProductChanges
from mooring.protocol.credentials import client_id

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View, address
from .parts import (
    action_button,
    badge,
    card,
    check_field,
    copyable,
    facts,
    figures,
    form,
    link,
    link_button,
    live,
    moment,
    note,
    number_field,
    select_field,
    text_field,
)
from .products import ACCESS_TYPES, BIND_MODES, DATA_FORMATS, GATEWAY_TYPES, NETWORKS, gateway_choice, model_state

__all__ = ["ROUTES", "TABS", "product_of", "shown"]

TABS = {
    "/products/{product_key}": "Overview",
    "/products/{product_key}/model": "Thing model",
    "/products/{product_key}/names": "Names in languages",
    "/products/{product_key}/configuration": "Configuration",
}
"""Pages of one product: path, English name."""
_ONE = "/products/{product_key}"
_MODEL_PRODUCT = 3
_SUB_DEVICE = 2
_NETWORK_ACCESS = 1
_NUMBERS = "numbers"
_NUMBERS_S = 30


def product_of(view: View) -> Product:
    """The product that the address names. Raises Missing."""
    return view.platform.products.one(view.account_id, view.path["product_key"])


def shown(view: View, product: Product, tab: str, *body: Child, actions: Child = ()) -> Shown:
    """A page of a product: its name for a title, and the tabs."""
    t = view.t
    paths = [path for path in TABS if product.data_fmt == _MODEL_PRODUCT or path not in _OF_MODELS]
    bar = tag.nav(
        tag.ul(
            tag.li(
                tag.a(
                    t(TABS[path]),
                    href=address(path, None, product_key=product.product_key),
                    aria_current=path == tab and "page",
                )
            )
            for path in paths
        ),
        class_="tabs",
        aria_label=t("Pages of the product"),
    )
    return Shown(product.name, (bar, *body), actions, crumbs=[(t("Products"), "/products")])


_OF_MODELS = ("/products/{product_key}/model", "/products/{product_key}/names")


async def _show_product(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    # Counting a large fleet takes longer than all the rest: the page does not wait for it.
    devices = await view.platform.devices.summary(product) if view.part == _NUMBERS else None
    query = {"product": product.product_key}
    numbers = figures(
        (t("Devices"), devices.real if devices else "…", address("/devices", query)),
        (t("Online"), devices.online if devices else "…", address("/devices", {**query, "online": "true"})),
        (t("Activated"), devices.activated if devices else "…", address("/devices", {**query, "activated": "true"})),
    )
    return shown(
        view,
        product,
        _ONE,
        live(_NUMBERS, _NUMBERS_S, numbers, at_once=True),
        card(t("Keys"), _keys(view, product)),
        tag.div(
            card(t("Product"), _facts(view, product)),
            card(t("How devices connect"), _connection(view, product)),
            class_="columns",
        ),
    )


def _keys(view: View, product: Product) -> Child:
    path = {"product_key": product.product_key}
    button = action_button(view, _SECRET, view.t("Show"), path=path, small=True, label=view.t("Show the ProductSecret"))
    return facts(
        ("ProductKey", copyable(view, product.product_key)),
        ("ProductSecret", tag.span(tag.code(product.product_secret.masked()), " ", button, class_="copyable")),
    )


def _facts(view: View, product: Product) -> Html:
    t = view.t
    app = view.platform.directory.app(product.app_id) if product.app_id is not None else None
    application = link(app.name, "/saas-apps/{id}", id=app.id) if app else t("Not authorized")
    return facts(
        (t("Device type"), t(ACCESS_TYPES[product.access_type])),
        (t("Network"), t(NETWORKS[product.net_way])),
        (t("Data format"), t(DATA_FORMATS[product.data_fmt])),
        (t("Thing model"), model_state(view, product)),
        (t("Version of the model"), product.released_version),
        (t("State"), badge(t("Published"), "info") if product.product_status else badge(t("In development"))),
        (t("SaaS application"), application),
        (t("Category code"), product.item_code),
        (t("Created"), moment(product.created_at)),
        (t("Changed"), moment(product.updated_at)),
    )


def _connection(view: View, product: Product) -> Child:
    t = view.t
    mode = t("Devices add themselves") if product.dynamic_authentication else t("Only devices that were added")
    return (
        facts(
            (t("Client id of a device"), tag.code(client_id(product.product_key, "DEVICEKEY"))),
            (t("Dynamic authentication"), mode),
            (t("Session encryption"), t("Required") if product.require_encryption else t("As the device asks")),
            (t("Binding by end users"), t(BIND_MODES[product.bind_mode])),
        ),
        tag.p(
            t("A device without a secret asks for one with the ProductSecret; then it connects with its own."),
            class_="soft",
        ),
    )


async def _show_secret(view: View, sent: Form) -> Done:
    product = product_of(view)
    secret = await view.platform.products.show_secret(view.actor, product.product_key)
    keys = facts(
        ("ProductKey", copyable(view, product.product_key)), ("ProductSecret", copyable(view, secret.reveal()))
    )
    return Done(show=keys, title="ProductSecret")


async def _configuration(view: View) -> Shown:
    t = view.t
    product = product_of(view)
    path = {"product_key": product.product_key}
    if not view.may(Role.DEVELOPER):
        body: Child = card(t("Configuration"), _connection(view, product))
        return shown(view, product, f"{_ONE}/configuration", body)
    body = (
        card(t("Product"), form(view, _DESCRIBE, *_description(view, product), path=path, submit=t("Save"))),
        card(t("Devices"), form(view, _CONFIGURE, *_options(view, product), path=path, submit=t("Save"))),
        card(t("Users"), form(view, _BIND, *_binding(view, product), path=path, submit=t("Save"))),
    )
    certificates = card(
        t("CA certificates"),
        tag.p(t("Devices may prove themselves by certificates of a CA that the account has uploaded.")),
        link_button(t("CA certificates"), "/ca-certificates"),
    )
    return shown(
        view, product, f"{_ONE}/configuration", tag.div(*body, certificates, class_="columns"), _end(view, product)
    )


def _description(view: View, product: Product) -> list[Child]:
    t = view.t
    return [
        text_field("name", t("Name"), product.name, required=True, most=50),
        text_field("item_code", t("Category code"), product.item_code or "", most=64),
        text_field("logo_path", t("Address of an image"), product.logo_path or "", most=1024),
        number_field(
            "allowed_limit",
            t("Most devices"),
            product.allowed_limit,
            low=0,
            high=2**31 - 1,
            hint=t("Empty means no limit"),
        ),
    ]


def _options(view: View, product: Product) -> list[Child]:
    t = view.t
    fields: list[Child] = [
        check_field(
            "dynamic_authentication",
            t("Dynamic authentication"),
            product.dynamic_authentication,
            hint=t("A device that nobody added is added when it first authenticates."),
        ),
        check_field(
            "require_encryption",
            t("Require session encryption"),
            product.require_encryption,
            hint=t("A device that does not ask for encryption is refused."),
        ),
    ]
    if product.access_type != _SUB_DEVICE:
        return fields
    fields += [
        facts((t("Way to the cloud"), t(GATEWAY_TYPES.get(product.gateway_type, "–")))),
        gateway_choice(view, product.specified_gateways or ()),
    ]
    if product.gateway_type == _NETWORK_ACCESS:
        fields.append(check_field("may_change_gateway", t("May move to another gateway"), product.may_change_gateway))
    return fields


def _binding(view: View, product: Product) -> list[Child]:
    t = view.t
    modes = [(str(mode), t(name)) for mode, name in BIND_MODES.items()]
    return [
        select_field("bind_mode", t("Binding by end users"), modes, str(product.bind_mode)),
        check_field("device_sharing", t("Users may share devices"), product.device_sharing),
    ]


def _end(view: View, product: Product) -> Html:
    t = view.t
    return card(
        t("Delete the product"),
        note(t("Its thing model, its devices and their data go with it, for good."), "warn"),
        form(
            view,
            _DELETE,
            check_field("force", t("Delete its devices too")),
            path={"product_key": product.product_key},
            submit=t("Delete"),
            danger=True,
            confirm=t("Delete product {name}? This cannot be undone.", name=product.name),
        ),
    )


async def _describe(view: View, sent: Form) -> Done:
    return await _change(
        view,
        ProductChanges(
            name=sent.text("name"),
            item_code=sent.optional("item_code"),
            logo_path=sent.optional("logo_path"),
            allowed_limit=sent.optional_number("allowed_limit"),
        ),
    )


async def _configure(view: View, sent: Form) -> Done:
    product = product_of(view)
    changes = ProductChanges(
        dynamic_authentication=sent.flag("dynamic_authentication"), require_encryption=sent.flag("require_encryption")
    )
    if product.access_type == _SUB_DEVICE:
        changes = msgspec.structs.replace(changes, specified_gateways=sent.many("specified_gateways") or None)
        if product.gateway_type == _NETWORK_ACCESS:
            changes = msgspec.structs.replace(changes, may_change_gateway=sent.flag("may_change_gateway"))
    return await _change(view, changes)


async def _bind(view: View, sent: Form) -> Done:
    changes = ProductChanges(bind_mode=sent.number("bind_mode"), device_sharing=sent.flag("device_sharing"))
    return await _change(view, changes)


async def _change(view: View, changes: ProductChanges) -> Done:
    await view.platform.products.update(view.actor, view.path["product_key"], changes)
    return Done(notice=view.t("Saved."))


async def _delete_product(view: View, sent: Form) -> Done:
    product = product_of(view)
    await view.platform.products.delete(view.actor, product.product_key, force=sent.flag("force"))
    return Done("/products", view.t("Product {name} is deleted.", name=product.name))


_SECRET = Action(f"{_ONE}/secret", _show_secret)
_DESCRIBE = Action(f"{_ONE}/description", _describe)
_CONFIGURE = Action(f"{_ONE}/configuration", _configure)
_BIND = Action(f"{_ONE}/binding", _bind)
_DELETE = Action(f"{_ONE}/deletion", _delete_product)

ROUTES: tuple[AnyRoute, ...] = (
    Page(_ONE, _show_product),
    Page(f"{_ONE}/configuration", _configuration),
    _SECRET,
    _DESCRIBE,
    _CONFIGURE,
    _BIND,
    _DELETE,
)
