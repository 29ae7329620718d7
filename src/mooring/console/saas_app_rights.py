"""What a SaaS application may use: service packages, products, Apps; and the subscriptions it has."""

from collections.abc import Sequence

from mooring.platform.end_user_entities import EndUserApp
from mooring.platform.entities import App, Product
from mooring.platform.service_market import ServicePackage

from .html import Html, tag
from .page import Action, AnyRoute, Done, Form, View
from .parts import (
    Column,
    Paging,
    action_button,
    badge,
    card,
    dialog,
    empty,
    filters,
    form,
    link,
    link_button,
    listing,
    moment,
    note,
    opens,
    search,
    select_field,
    table,
)
from .saas_app_tabs import ONE
from .subscription_parts import subscription_columns

__all__ = ["RIGHT_ROUTES", "show_apps", "show_products", "show_services", "show_subscriptions"]


async def show_services(view: View, app: App) -> Html:
    """The tab of service packages: those authorized and those that could be."""
    t = view.t
    columns: list[Column[ServicePackage]] = [
        Column(t("Service"), lambda found: t(found.name)),
        Column(t("Prefixes"), lambda found: tag.code(", ".join(found.services))),
        Column(t("State"), lambda found: _service_state(view, app, found)),
        Column(t("Authorized"), lambda found: moment(app.packages.get(found.package))),
        Column(t("Actions"), lambda found: _service_action(view, app, found)),
    ]
    packages = view.platform.service_market.packages(view.account_id)
    hint = note(t("A service is activated for the account in the service market, then authorized here."))
    return card(t("Services"), hint, table(columns, packages, t("Services")))


def _service_state(view: View, app: App, found: ServicePackage) -> Html:
    if found.activated_at is None:
        return badge(view.t("Not activated"), "warn" if found.package in app.packages else "plain")
    return badge(view.t("Authorized"), "good") if found.package in app.packages else badge(view.t("Not authorized"))


def _service_action(view: View, app: App, found: ServicePackage) -> Html:
    t = view.t
    values = {"package": found.package}
    path = {"app_id": app.id}
    if found.package in app.packages:
        confirm = t("Calls to this service answer 91005 at once.")
        return action_button(
            view,
            _CANCEL_PACKAGE,
            t("Cancel authorization"),
            path=path,
            values=values,
            confirm=confirm,
            small=True,
            label=t("Cancel authorization of {name}", name=t(found.name)),
        )
    if found.activated_at is None:
        return link(t("Service market"), "/services")
    return action_button(
        view,
        _AUTHORIZE_PACKAGE,
        t("Authorize"),
        path=path,
        values=values,
        small=True,
        label=t("Authorize {name}", name=t(found.name)),
    )


async def show_products(view: View, app: App) -> Html:
    """The tab of products whose data the application may have."""
    t = view.t
    text = view.query.get("text", "").strip().lower()[:100]
    mine = view.platform.saas_apps.products(view.account_id, app.id)
    found = [one for one in mine if text in one.name.lower() or text in one.product_key.lower()]
    paging = Paging.of(view)
    columns: list[Column[Product]] = [
        Column(t("Name"), lambda one: link(one.name, "/products/{product_key}", product_key=one.product_key)),
        Column("ProductKey", lambda one: tag.code(one.product_key)),
        Column(t("Actions"), lambda one: _product_action(view, app, one)),
    ]
    free = [
        (one.product_key, f"{one.name} ({one.product_key})")
        for one in view.platform.products.all(view.account_id)
        if one.app_id is None
    ]
    rows = listing(
        view,
        columns,
        found[paging.skip : paging.skip + paging.size],
        len(found),
        paging,
        t("Products"),
        nothing=empty(t("No product matches.") if text else t("No product is authorized yet.")),
    )
    chosen = select_field("product_key", t("Product"), free, hint=t("A product belongs to one application at a time."))
    return tag.div(
        card(
            t("Products"),
            filters(view, search(view, "text", t("Name or ProductKey"))),
            rows,
            actions=opens(view, _AUTHORIZE_PRODUCT, "authorize-product", t("Authorize a product"), primary=True),
        ),
        _authorize_dialog(view, app, _AUTHORIZE_PRODUCT, "authorize-product", t("Authorize a product"), chosen, free),
    )


def _product_action(view: View, app: App, product: Product) -> Html:
    t = view.t
    return action_button(
        view,
        _CANCEL_PRODUCT,
        t("Cancel authorization"),
        path={"app_id": app.id},
        values={"product_key": product.product_key},
        confirm=t("The application loses the product's data at once, and its subscriptions to it stop."),
        small=True,
        label=t("Cancel authorization of {name}", name=product.name),
    )


async def show_apps(view: View, app: App) -> Html:
    """The tab of Apps whose end users the application may see."""
    t = view.t
    mine = view.platform.directory.end_user_apps_of(app.id)
    columns: list[Column[EndUserApp]] = [
        Column(t("Name"), lambda one: one.name),
        Column(t("User domain"), lambda one: tag.code(one.user_domain)),
        Column(t("Authorized"), lambda one: moment(one.saas_apps.get(app.id))),
        Column(
            t("Actions"),
            lambda one: action_button(
                view,
                _CANCEL_APP,
                t("Cancel authorization"),
                path={"app_id": app.id},
                values={"end_user_app": str(one.id)},
                confirm=t("The application loses the App's users at once."),
                small=True,
                label=t("Cancel authorization of {name}", name=one.name),
            ),
        ),
    ]
    others = [
        (str(one.id), f"{one.name} ({one.user_domain})")
        for one in view.platform.end_user_apps.all(view.account_id)
        if app.id not in one.saas_apps
    ]
    chosen = select_field("end_user_app", "App", others)
    rows = table(columns, mine, t("Apps")) if mine else empty(t("No App is authorized yet."))
    button = opens(view, _AUTHORIZE_APP, "authorize-app", t("Authorize an App"), primary=True)
    return tag.div(
        card(t("Apps"), rows, actions=button),
        _authorize_dialog(view, app, _AUTHORIZE_APP, "authorize-app", t("Authorize an App"), chosen, others),
    )


def _authorize_dialog(
    view: View,
    app: App,
    action: Action,
    identity: str,
    title: str,
    field: Html,
    options: Sequence[tuple[str, str]],
) -> Html:
    fields = (
        form(view, action, field, submit=view.t("Authorize"), path={"app_id": app.id})
        if options
        else tag.p(view.t("There is nothing free to choose from."))
    )
    return dialog(view, identity, title, fields)


async def show_subscriptions(view: View, app: App) -> Html:
    """The tab of the application's subscriptions."""
    t = view.t
    found = view.platform.subscriptions.all(view.account_id, app.id)
    paging = Paging.of(view)
    rows = listing(
        view,
        subscription_columns(view),
        found[paging.skip : paging.skip + paging.size],
        len(found),
        paging,
        t("Subscriptions"),
        nothing=empty(t("There is no subscription yet.")),
    )
    more = link_button(t("All subscriptions"), "/subscriptions"), link_button(t("Message queues"), "/queues")
    return card(t("Subscriptions"), rows, actions=more)


async def _authorize_package(view: View, form: Form) -> Done:
    await view.platform.saas_apps.authorize_package(view.actor, view.number("app_id"), form.text("package"))
    return Done(notice=view.t("Saved."))


async def _cancel_package(view: View, form: Form) -> Done:
    await view.platform.saas_apps.cancel_package(view.actor, view.number("app_id"), form.text("package"))
    return Done(notice=view.t("Saved."))


async def _authorize_product(view: View, form: Form) -> Done:
    await view.platform.saas_apps.authorize_product(view.actor, view.number("app_id"), form.text("product_key"))
    return Done(notice=view.t("Saved."))


async def _cancel_product(view: View, form: Form) -> Done:
    await view.platform.saas_apps.cancel_product(view.actor, view.number("app_id"), form.text("product_key"))
    return Done(notice=view.t("Saved."))


async def _authorize_app(view: View, form: Form) -> Done:
    await view.platform.end_user_apps.authorize(view.actor, view.number("app_id"), form.number("end_user_app"))
    return Done(notice=view.t("Saved."))


async def _cancel_app(view: View, form: Form) -> Done:
    await view.platform.end_user_apps.cancel(view.actor, view.number("app_id"), form.number("end_user_app"))
    return Done(notice=view.t("Saved."))


_AUTHORIZE_PACKAGE = Action(f"{ONE}/packages", _authorize_package)
_CANCEL_PACKAGE = Action(f"{ONE}/packages/cancel", _cancel_package)
_AUTHORIZE_PRODUCT = Action(f"{ONE}/products", _authorize_product)
_CANCEL_PRODUCT = Action(f"{ONE}/products/cancel", _cancel_product)
_AUTHORIZE_APP = Action(f"{ONE}/apps", _authorize_app)
_CANCEL_APP = Action(f"{ONE}/apps/cancel", _cancel_app)

RIGHT_ROUTES: tuple[AnyRoute, ...] = (
    _AUTHORIZE_PACKAGE,
    _CANCEL_PACKAGE,
    _AUTHORIZE_PRODUCT,
    _CANCEL_PRODUCT,
    _AUTHORIZE_APP,
    _CANCEL_APP,
)
