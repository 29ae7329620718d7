"""SaaS applications: their list, and one of them with its keys, its state and its IP white list.

What it may do is in `saas_app_rights`, what it did in `saas_app_calls`.
"""

from mooring.platform import Secret
from mooring.platform.entities import App
from mooring.platform.saas_apps import AppChanges, NewApp

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
    area_field,
    badge,
    card,
    check_field,
    copyable,
    dialog,
    empty,
    facts,
    filters,
    form,
    link,
    link_button,
    listing,
    moment,
    opens,
    search,
    select_field,
    text_field,
)
from .saas_app_calls import CALL_ROUTES, show_log, show_statistics
from .saas_app_rights import RIGHT_ROUTES, show_apps, show_products, show_services, show_subscriptions
from .saas_app_tabs import ONE, TABS, app_tabs

__all__ = ["ROUTES", "TIMES"]

TIMES = {"documented": "As documented: some are texts", "numbers": "Always numbers"}


async def _list_apps(view: View) -> Shown:
    t = view.t
    text = view.query.get("text", "").strip().lower()[:100]
    found = [app for app in view.platform.saas_apps.all(view.account_id) if text in app.name.lower()]
    paging = Paging.of(view)
    columns: list[Column[App]] = [
        Column(t("Name"), lambda app: link(app.name, ONE, app_id=app.id)),
        Column("AccessKey", lambda app: tag.code(app.access_key)),
        Column(t("State"), lambda app: _state(view, app)),
        Column(t("Services"), lambda app: len(app.packages), numeric=True),
        Column(t("Products"), lambda app: len(view.platform.directory.products_of(app.id)), numeric=True),
        Column(t("Apps"), lambda app: len(view.platform.directory.end_user_apps_of(app.id)), numeric=True),
        Column(t("Created"), lambda app: moment(app.created_at)),
    ]
    rows = listing(
        view,
        columns,
        found[paging.skip : paging.skip + paging.size],
        len(found),
        paging,
        t("SaaS applications"),
        nothing=empty(t("No application matches.")) if text else empty(t("There is no SaaS application yet.")),
    )
    body = tag.section(filters(view, search(view, "text", t("Name"))), rows, class_="card")
    create = dialog(
        view,
        "create-app",
        t("Create a SaaS application"),
        form(view, _CREATE, *_fields(view), submit=t("Create")),
    )
    button = opens(view, _CREATE, "create-app", t("Create a SaaS application"), primary=True)
    return Shown(t("SaaS applications"), (body, create), button)


def _fields(view: View, name: str = "", description: str = "") -> tuple[Html, Html]:
    return (
        text_field("name", view.t("Name"), name, required=True, most=50),
        area_field("description", view.t("Description"), description, rows=3, most=200),
    )


def _state(view: View, app: App) -> Child:
    if not app.enabled:
        return badge(view.t("Disabled"), "bad")
    return badge(view.t("Enabled"), "good") if app.api_access else badge(view.t("API access off"), "warn")


async def _create_app(view: View, form: Form) -> Done:
    app = await view.platform.saas_apps.create(view.actor, NewApp(form.text("name"), form.text("description")))
    told = view.t("Application {name} is made.", name=app.name)
    return Done(f"/saas-apps/{app.id}?tab=services", told, _keys(view, app, app.access_secret), view.t("Keys"))


def _keys(view: View, app: App, secret: Secret) -> Html:
    return tag.div(
        facts(("AccessKey", copyable(view, app.access_key)), ("AccessSecret", copyable(view, secret.reveal()))),
        tag.p(view.t("Whoever has both can call the OpenAPI as this application."), class_="soft"),
    )


async def _show_app(view: View) -> Shown:
    app = view.platform.saas_apps.one(view.account_id, view.number("app_id"))
    tab = view.query.get("tab", "")
    show = _TAB_BODIES.get(tab)
    body = await show(view, app) if show is not None else _settings(view, app)
    actions = link_button(view.t("Try the API"), f"/explorer?app={app.id}") if app.packages else None
    crumbs = [(view.t("SaaS applications"), "/saas-apps")]
    return Shown(app.name, (app_tabs(view, tab if tab in TABS else "settings"), body), actions, crumbs)


_TAB_BODIES = {
    "services": show_services,
    "products": show_products,
    "apps": show_apps,
    "subscriptions": show_subscriptions,
    "log": show_log,
    "statistics": show_statistics,
}


def _settings(view: View, app: App) -> Html:
    return tag.div(
        tag.div(_key_card(view, app), _state_card(view, app), class_="columns"),
        _address_card(view, app),
        _edit_dialog(view, app),
    )


def _key_card(view: View, app: App) -> Html:
    t = view.t
    path = {"app_id": app.id}
    buttons = (
        action_button(view, _SHOW_SECRET, t("Show AccessSecret"), path=path),
        action_button(
            view,
            _RESET_SECRET,
            t("Reset AccessSecret"),
            path=path,
            confirm=t("The old AccessSecret and every token of it stop working at once."),
            danger=True,
        ),
    )
    shown = facts(("AccessKey", copyable(view, app.access_key)), ("AccessSecret", "••••••••••••"))
    note = tag.p(t("That an AccessSecret was shown is noted in the audit log."), class_="soft")
    return card(t("Keys"), shown, note, tag.div(buttons, class_="buttons"))


def _state_card(view: View, app: App) -> Html:
    t = view.t
    path = {"app_id": app.id}
    shown = facts(
        (t("State"), _state(view, app)),
        (t("Times in answers"), t(TIMES[app.times])),
        (t("Description"), app.description or None),
        (t("Created"), moment(app.created_at)),
        (t("Changed"), moment(app.updated_at)),
    )
    switch = (
        action_button(
            view,
            _DISABLE,
            t("Disable"),
            path=path,
            confirm=t("Every token of the application ends for good, and logins are refused."),
        )
        if app.enabled
        else action_button(view, _ENABLE, t("Enable"), path=path)
    )
    delete = action_button(
        view,
        _DELETE,
        t("Delete"),
        path=path,
        confirm=t("Its keys, queues and subscriptions go; its products become free."),
        danger=True,
    )
    buttons = opens(view, _UPDATE, "edit-app", t("Edit")), switch, delete
    return card(t("Application"), shown, tag.div(buttons, class_="buttons end"))


def _edit_dialog(view: View, app: App) -> Html:
    t = view.t
    times = [(value, t(text)) for value, text in TIMES.items()]
    return dialog(
        view,
        "edit-app",
        t("Edit"),
        form(
            view,
            _UPDATE,
            *_fields(view, app.name, app.description),
            check_field("api_access", t("API access"), app.api_access, hint=t("While it is off, calls answer 91007.")),
            select_field("times", t("Times in answers"), times, app.times),
            submit=t("Save"),
            path={"app_id": app.id},
        ),
    )


def _address_card(view: View, app: App) -> Html:
    t = view.t
    state = badge(t("On"), "good") if app.address_list_enabled else badge(t("Off"))
    shown = tag.p(state, " ", ", ".join(app.allowed_addresses) or t("Calls may come from every address."))
    edit = form(
        view,
        _ADDRESSES,
        check_field("address_list_enabled", t("Only these addresses may call"), app.address_list_enabled),
        area_field(
            "allowed_addresses",
            t("Addresses"),
            "\n".join(app.allowed_addresses),
            hint=t("One a line: an address or a network (10.0.0.0/8)."),
            rows=4,
            mono=True,
        ),
        submit=t("Save"),
        path={"app_id": app.id},
    )
    return card(t("IP white list"), edit or shown)


async def _update_app(view: View, form: Form) -> Done:
    changes = AppChanges(
        name=form.text("name"),
        description=form.text("description"),
        api_access=form.flag("api_access"),
        times="numbers" if form.text("times") == "numbers" else "documented",
    )
    return await _change(view, changes)


async def _set_addresses(view: View, form: Form) -> Done:
    addresses = form.text("allowed_addresses").replace(",", "\n").split()
    return await _change(
        view, AppChanges(address_list_enabled=form.flag("address_list_enabled"), allowed_addresses=addresses)
    )


async def _enable_app(view: View, form: Form) -> Done:
    return await _change(view, AppChanges(enabled=True))


async def _disable_app(view: View, form: Form) -> Done:
    return await _change(view, AppChanges(enabled=False))


async def _change(view: View, changes: AppChanges) -> Done:
    await view.platform.saas_apps.update(view.actor, view.number("app_id"), changes)
    return Done(notice=view.t("Saved."))


async def _delete_app(view: View, form: Form) -> Done:
    app = view.platform.saas_apps.one(view.account_id, view.number("app_id"))
    await view.platform.saas_apps.delete(view.actor, app.id)
    return Done("/saas-apps", view.t("{name} is deleted.", name=app.name))


async def _show_secret(view: View, form: Form) -> Done:
    app = view.platform.saas_apps.one(view.account_id, view.number("app_id"))
    secret = await view.platform.saas_apps.show_secret(view.actor, app.id)
    return Done(show=_keys(view, app, secret), title=view.t("Keys"))


async def _reset_secret(view: View, form: Form) -> Done:
    app = view.platform.saas_apps.one(view.account_id, view.number("app_id"))
    secret = await view.platform.saas_apps.reset_secret(view.actor, app.id)
    told = view.t("The old AccessSecret does not work any more.")
    return Done(show=_keys(view, app, secret), title=view.t("Keys"), notice=told)


_CREATE = Action("/saas-apps", _create_app)
_UPDATE = Action(ONE, _update_app)
_ADDRESSES = Action(f"{ONE}/addresses", _set_addresses)
_ENABLE = Action(f"{ONE}/enable", _enable_app)
_DISABLE = Action(f"{ONE}/disable", _disable_app)
_DELETE = Action(f"{ONE}/delete", _delete_app)
_SHOW_SECRET = Action(f"{ONE}/secret", _show_secret)
_RESET_SECRET = Action(f"{ONE}/secret/reset", _reset_secret)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/saas-apps", _list_apps),
    Page(ONE, _show_app),
    _CREATE,
    _UPDATE,
    _ADDRESSES,
    _ENABLE,
    _DISABLE,
    _DELETE,
    _SHOW_SECRET,
    _RESET_SECRET,
    *RIGHT_ROUTES,
    *CALL_ROUTES,
)
