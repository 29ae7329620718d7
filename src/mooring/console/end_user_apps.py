"""Apps of end users: user domains and their secrets, products, SaaS applications that may see the users."""

from collections.abc import Callable, Sequence

from mooring.platform.end_user_apps import EndUserAppChanges, NewEndUserApp
from mooring.platform.end_user_entities import EndUser, EndUserApp
from mooring.platform.end_users import NewEndUser

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
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
    listing,
    moment,
    note,
    opens,
    search,
    select_field,
    table,
    text_field,
)

__all__ = ["ROUTES", "app_path", "user_state"]

_ALL = "/end-users"
_ONE = f"{_ALL}/apps/{{end_user_app_id}}"


def app_path(app: EndUserApp) -> str:
    """The page of an App."""
    return f"{_ALL}/apps/{app.id}"


def user_state(view: View, user: EndUser) -> Html:
    """Whether a user may log in, as a badge."""
    return badge(view.t("Enabled"), "good") if user.enabled else badge(view.t("Disabled"), "bad")


async def _list_apps(view: View) -> Shown:
    t = view.t
    found = view.platform.end_user_apps.all(view.account_id)
    columns: list[Column[EndUserApp]] = [
        Column(t("Name"), lambda app: link(app.name, _ONE, end_user_app_id=app.id)),
        Column(t("User domain"), lambda app: copyable(view, app.user_domain)),
        Column(t("State"), lambda app: badge(t("Enabled"), "good") if app.enabled else badge(t("Disabled"), "bad")),
        Column(t("Products"), lambda app: len(app.products), numeric=True),
        Column(t("SaaS applications"), lambda app: len(app.saas_apps), numeric=True),
        Column(t("Created"), lambda app: moment(app.created_at)),
    ]
    paging = Paging.of(view)
    rows = found[paging.skip : paging.skip + paging.size]
    nothing = empty(t("There is no App yet. An App has a user domain, and end users in it."))
    body = tag.section(listing(view, columns, rows, len(found), paging, t("Apps"), nothing=nothing), class_="card")
    box = dialog(
        view,
        "new-app",
        t("Create an App"),
        form(
            view,
            _CREATE,
            text_field("name", t("Name"), required=True, most=50),
            text_field("remark", t("Remark"), most=200),
            text_field("user_domain", t("User domain"), most=64, hint=t("Made when empty; for users who move here")),
            text_field("domain_secret", t("Secret of the domain"), most=64, hint=t("Made when empty")),
            submit=t("Create"),
        ),
    )
    return Shown(
        t("End users and apps"), (body, box), opens(view, _CREATE, "new-app", t("Create an App"), primary=True)
    )


async def _show_app(view: View) -> Shown:
    t = view.t
    app = _app(view)
    path = {"end_user_app_id": app.id}
    domain = card(
        t("User domain"),
        facts(
            (t("User domain"), copyable(view, app.user_domain)),
            (
                t("Secret of the domain"),
                tag.span(tag.code(app.domain_secret.masked()), " ", _secret(view, app), class_="copyable"),
            ),
            (t("State"), badge(t("Enabled"), "good") if app.enabled else badge(t("Disabled"), "bad")),
            (t("Remark"), app.remark),
            (t("Created"), moment(app.created_at)),
        ),
    )
    change = dialog(
        view,
        "change-app",
        t("Change the App"),
        form(
            view,
            _CHANGE,
            text_field("name", t("Name"), app.name, required=True, most=50),
            text_field("remark", t("Remark"), app.remark, most=200),
            check_field(
                "enabled", t("Enabled"), app.enabled, hint=t("Users of an App that is not enabled are kept out.")
            ),
            path=path,
            submit=t("Save"),
        ),
    )
    remove = action_button(
        view, _DELETE, t("Delete"), path=path, confirm=t("Delete App {name}?", name=app.name), danger=True
    )
    users, register = await _users(view, app)
    body = domain, users, tag.div(_products(view, app), _saas_apps(view, app), class_="columns"), change, register
    buttons = opens(view, _CHANGE, "change-app", t("Edit")), remove
    return Shown(app.name, body, buttons, crumbs=[(t("End users and apps"), _ALL)])


def _secret(view: View, app: EndUserApp) -> Child:
    t = view.t
    path = {"end_user_app_id": app.id}
    return [
        action_button(view, _SECRET, t("Show"), path=path, small=True, label=t("Show the secret of the domain")),
        action_button(
            view,
            _RESET,
            t("Reset"),
            path=path,
            small=True,
            confirm=t("Make a new secret? The present one ends at once."),
            label=t("Reset the secret of the domain"),
        ),
    ]


async def _users(view: View, app: EndUserApp) -> tuple[Html, Html]:
    t = view.t
    paging = Paging.of(view)
    found, total = await view.platform.end_users.some(
        app, view.query.get("text", "").strip()[:100], skip=paging.skip, rows=paging.size
    )
    columns: list[Column[EndUser]] = [
        Column("uid", lambda user: link(user.uid, f"{_ALL}/users/{{uid}}", uid=user.uid)),
        Column(t("Nickname"), lambda user: user.nickname),
        Column(t("Phone"), lambda user: f"+{user.international_code} {user.phone}" if user.phone else None),
        Column(t("E-mail"), lambda user: user.email),
        Column(t("State"), lambda user: user_state(view, user)),
        Column(t("Registered"), lambda user: moment(user.registered_at)),
        Column(t("Last login"), lambda user: moment(user.last_login_at)),
    ]
    rows = listing(view, columns, found, total, paging, t("Users"), nothing=empty(t("No user matches.")))
    bar = filters(view, search(view, "text", t("uid, nickname, phone or e-mail")))
    box = dialog(
        view,
        "new-user",
        t("Register a user"),
        form(
            view,
            _REGISTER,
            note(t("Give a phone number, an e-mail address, or both.")),
            text_field("nickname", t("Nickname"), most=64),
            tag.div(
                text_field("international_code", t("Country code"), "86", most=6),
                text_field("phone", t("Phone"), most=20),
                class_="grid",
            ),
            text_field("email", t("E-mail"), most=254),
            text_field("uid", "uid", most=16, hint=t("Made when empty; for users who move here")),
            path={"end_user_app_id": app.id},
            submit=t("Register"),
        ),
    )
    button = opens(view, _REGISTER, "new-user", t("Register a user"), primary=True)
    return card(t("Users"), bar, rows, actions=button), box


def _products(view: View, app: EndUserApp) -> Html:
    t = view.t
    found = view.platform.end_user_apps.products(view.account_id, app.id)
    free = [each for each in view.platform.products.all(view.account_id) if each.id not in app.products]

    def take(product_key: str) -> Html:
        return action_button(
            view,
            _TAKE,
            t("Remove"),
            path={"end_user_app_id": app.id},
            values={"product_key": product_key},
            small=True,
            label=f"{t('Remove')}: {product_key}",
        )

    pairs = [
        (link(each.name, "/products/{product_key}", product_key=each.product_key), each.product_key) for each in found
    ]
    options = [(each.product_key, f"{each.name} ({each.product_key})") for each in free]
    give = options and form(
        view,
        _GIVE,
        select_field("product_key", t("Product"), options),
        path={"end_user_app_id": app.id},
        submit=t("Add"),
    )
    return card(t("Products whose devices users may bind"), _pairs(view, pairs, take, t("No product.")), give)


def _saas_apps(view: View, app: EndUserApp) -> Html:
    t = view.t
    everything = view.platform.saas_apps.all(view.account_id)

    def cancel(number: str) -> Html:
        return action_button(
            view,
            _CANCEL,
            t("Remove"),
            path={"end_user_app_id": app.id},
            values={"app_id": number},
            small=True,
            label=f"{t('Remove')}: {number}",
        )

    pairs = [
        (link(each.name, "/saas-apps/{id}", id=each.id), str(each.id))
        for each in everything
        if each.id in app.saas_apps
    ]
    options = [(str(each.id), each.name) for each in everything if each.id not in app.saas_apps]
    give = options and form(
        view,
        _AUTHORIZE,
        select_field("app_id", t("SaaS application"), options),
        path={"end_user_app_id": app.id},
        submit=t("Add"),
    )
    return card(t("SaaS applications that may see the users"), _pairs(view, pairs, cancel, t("None.")), give)


def _pairs(view: View, pairs: Sequence[tuple[Html, str]], button: Callable[[str], Html], nothing: str) -> Html:
    t = view.t
    columns: list[Column[tuple[Html, str]]] = [
        Column(t("Name"), lambda pair: pair[0]),
        Column(t("Key"), lambda pair: tag.code(pair[1])),
        Column(t("Actions"), lambda pair: button(pair[1])),
    ]
    return table(columns, pairs, t("Name")) if pairs else tag.p(nothing, class_="soft")


def _app(view: View) -> EndUserApp:
    return view.platform.end_user_apps.one(view.account_id, view.number("end_user_app_id"))


async def _create_app(view: View, sent: Form) -> Done:
    new = NewEndUserApp(
        sent.text("name"), sent.text("remark"), sent.optional("user_domain"), sent.optional("domain_secret")
    )
    made = await view.platform.end_user_apps.create(view.actor, new)
    shown = _keys(view, made.user_domain, made.domain_secret.reveal())
    return Done(app_path(made), view.t("App {name} is made.", name=made.name), show=shown, title=made.name)


def _keys(view: View, domain: str, secret: str) -> Html:
    return facts(
        (view.t("User domain"), copyable(view, domain)), (view.t("Secret of the domain"), copyable(view, secret))
    )


async def _change_app(view: View, sent: Form) -> Done:
    changes = EndUserAppChanges(sent.text("name"), sent.text("remark"), sent.flag("enabled"))
    await view.platform.end_user_apps.update(view.actor, _app(view).id, changes)
    return Done(notice=view.t("Saved."))


async def _delete_app(view: View, sent: Form) -> Done:
    app = _app(view)
    await view.platform.end_user_apps.delete(view.actor, app.id)
    return Done(_ALL, view.t("App {name} is deleted.", name=app.name))


async def _show_secret(view: View, sent: Form) -> Done:
    app = _app(view)
    secret = await view.platform.end_user_apps.show_secret(view.actor, app.id)
    return Done(show=_keys(view, app.user_domain, secret.reveal()), title=view.t("Secret of the domain"))


async def _reset_secret(view: View, sent: Form) -> Done:
    app = _app(view)
    secret = await view.platform.end_user_apps.reset_secret(view.actor, app.id)
    shown = _keys(view, app.user_domain, secret.reveal())
    return Done(app_path(app), show=shown, title=view.t("Secret of the domain"))


async def _give_product(view: View, sent: Form) -> Done:
    await view.platform.end_user_apps.add_product(view.actor, _app(view).id, sent.text("product_key"))
    return Done(notice=view.t("Saved."))


async def _take_product(view: View, sent: Form) -> Done:
    await view.platform.end_user_apps.remove_product(view.actor, _app(view).id, sent.text("product_key"))
    return Done(notice=view.t("Saved."))


async def _authorize(view: View, sent: Form) -> Done:
    await view.platform.end_user_apps.authorize(view.actor, sent.number("app_id"), _app(view).id)
    return Done(notice=view.t("Saved."))


async def _cancel(view: View, sent: Form) -> Done:
    await view.platform.end_user_apps.cancel(view.actor, sent.number("app_id"), _app(view).id)
    return Done(notice=view.t("Saved."))


async def _register(view: View, sent: Form) -> Done:
    phone = sent.optional("phone")
    new = NewEndUser(
        uid=sent.optional("uid"),
        nickname=sent.optional("nickname"),
        international_code=sent.optional("international_code") if phone else None,
        phone=phone,
        email=sent.optional("email"),
    )
    made = await view.platform.end_users.create(view.actor, _app(view).id, new)
    return Done(f"{_ALL}/users/{made.uid}", view.t("User {uid} is registered.", uid=made.uid))


_CREATE = Action(_ALL, _create_app)
_CHANGE = Action(_ONE, _change_app)
_DELETE = Action(f"{_ONE}/deletion", _delete_app)
_SECRET = Action(f"{_ONE}/secret", _show_secret)
_RESET = Action(f"{_ONE}/secret/reset", _reset_secret)
_GIVE = Action(f"{_ONE}/products", _give_product)
_TAKE = Action(f"{_ONE}/products/removal", _take_product)
_AUTHORIZE = Action(f"{_ONE}/saas-apps", _authorize)
_CANCEL = Action(f"{_ONE}/saas-apps/removal", _cancel)
_REGISTER = Action(f"{_ONE}/users", _register)

ROUTES: tuple[AnyRoute, ...] = (
    Page(_ALL, _list_apps),
    Page(_ONE, _show_app),
    _CREATE,
    _CHANGE,
    _DELETE,
    _SECRET,
    _RESET,
    _GIVE,
    _TAKE,
    _AUTHORIZE,
    _CANCEL,
    _REGISTER,
)
