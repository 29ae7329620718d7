"""Subscriptions: which messages go into which queue. Made, started, stopped, changed and deleted at every level."""

from collections.abc import Iterable

from mooring.platform import Invalid, Missing
from mooring.platform.end_user_entities import EndUserApp
from mooring.platform.message_codes import DOMAIN_CODES, SAAS_CODES, device_codes
from mooring.platform.routes import Queue, Subscription
from mooring.platform.subscriptions import NewSubscription, SubscriptionChanges

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
    card,
    check_field,
    choice,
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
    text_field,
)
from .subscription_parts import CODES, LEVELS, kinds, running_badge, subject, subscription_columns

__all__ = ["ROUTES"]

_NO_MODEL = device_codes(0)
_SWITCHES = {"true": True, "false": False}


async def _list_subscriptions(view: View) -> Shown:
    t = view.t
    asked = view.query
    running = _SWITCHES.get(asked.get("running", ""))
    text = asked.get("text", "").strip()[:100]
    found = [
        one
        for one in view.platform.subscriptions.all(view.account_id)
        if (text in one.name or text in view.platform.subscriptions.queue_of(one).name)
        and running in (None, one.running)
        and asked.get("level", "") in ("", one.level)
        and asked.get("app", "") in ("", str(one.app_id))
    ]
    apps = [(str(app.id), app.name) for app in view.platform.saas_apps.all(view.account_id)]
    paging = Paging.of(view, 10)
    columns = [*subscription_columns(view), Column(t("Actions"), lambda one: _buttons(view, one, small=True))]
    bar = filters(
        view,
        search(view, "text", t("Name or queue")),
        choice(view, "running", t("State"), [("true", t("Running")), ("false", t("Stopped"))]),
        choice(view, "level", t("Level"), [(value, t(name)) for value, name in LEVELS.items()]),
        choice(view, "app", t("SaaS application"), apps),
    )
    rows = listing(
        view,
        columns,
        found[paging.skip : paging.skip + paging.size],
        len(found),
        paging,
        t("Subscriptions"),
        nothing=empty(t("No subscription matches.") if asked else t("There is no subscription yet.")),
    )
    told = note(t("An account has at most {most} subscriptions.", most=view.platform.limits.max_subscriptions))
    button = opens(view, _CREATE, "create-subscription", t("Create a subscription"), primary=True)
    body = told, tag.section(bar, rows, class_="card"), _create_dialog(view)
    return Shown(t("Subscriptions"), body, button)


def _create_dialog(view: View) -> Html:
    t = view.t
    queues = _queue_options(view, view.platform.queues.all(view.account_id))
    products = [
        (one.product_key, f"{one.name} ({one.product_key})")
        for one in view.platform.products.all(view.account_id)
        if one.app_id is not None
    ]
    domains = [(one.user_domain, f"{one.name} ({one.user_domain})") for one in _domains(view)]
    levels = [(value, t(name)) for value, name in LEVELS.items()]
    about_devices = "product device"
    fields = form(
        view,
        _CREATE,
        text_field("name", t("Name"), required=True, most=128, hint=t("Letters, digits, _ and -")),
        select_field("queue", t("Queue"), queues, hint=t("It says whose subscription this is.")),
        select_field("level", t("Level"), levels, shows="level"),
        tag.div(select_field("product_key", t("Product"), products), data_when_level=about_devices),
        tag.div(text_field("device_key", "DeviceKey", most=32), data_when_level="device"),
        tag.div(select_field("user_domain", t("User domain"), domains), data_when_level="domain"),
        tag.div(_boxes(view, device_codes(3)), data_when_level=about_devices),
        tag.div(_boxes(view, SAAS_CODES), data_when_level="saas"),
        tag.div(_boxes(view, DOMAIN_CODES), data_when_level="domain"),
        submit=t("Create"),
    )
    inside = fields if queues else tag.p(t("There is no queue yet."), " ", link(t("Message queues"), "/queues"))
    return dialog(view, "create-subscription", t("Create a subscription"), inside)


def _domains(view: View) -> list[EndUserApp]:
    return [one for one in view.platform.end_user_apps.all(view.account_id) if one.saas_apps]


def _queue_options(view: View, queues: Iterable[Queue]) -> list[tuple[str, str]]:
    apps = {app.id: app.name for app in view.platform.saas_apps.all(view.account_id)}
    return [(queue.full_name, f"{queue.name} ({apps[queue.app_id]})") for queue in queues]


def _boxes(view: View, codes: Iterable[int], ticked: Iterable[int] = ()) -> Html:
    t = view.t
    on = set(ticked)
    boxes = [
        check_field("codes", f"{code} {t(CODES[code])}", code in on, value=str(code), hint=_hint(view, code))
        for code in codes
    ]
    return tag.fieldset(tag.legend(t("Kinds of messages")), tag.div(boxes, class_="grid"))


def _hint(view: View, code: int) -> str:
    is_model = code in device_codes(3) and code not in _NO_MODEL
    return view.t("Products with a thing model only") if is_model else ""


async def _create_subscription(view: View, form: Form) -> Done:
    level = form.text("level")
    if level not in LEVELS:
        raise Invalid("choice", f"level must be one of {', '.join(LEVELS)}", field="level")
    device_key = form.text("device_key").strip() if level == "device" else None
    if device_key == "":
        raise Invalid("device_key", "a subscription at device level needs a DeviceKey", field="device_key")
    queue = view.platform.queues.by_name(view.account_id, form.text("queue"))
    new = NewSubscription(
        name=form.text("name").strip(),
        queue=queue.full_name,
        codes=_codes(form),
        product_key=form.text("product_key") if level in ("product", "device") else None,
        device_key=device_key,
        user_domain=form.text("user_domain") if level == "domain" else None,
    )
    app = view.platform.saas_apps.one(view.account_id, queue.app_id)
    made = await view.platform.subscriptions.create(view.actor, app, new)
    told = view.t("Subscription {name} is made. It is stopped until you start it.", name=made.name)
    return Done(f"/subscriptions/{made.id}", told)


def _codes(form: Form) -> list[int]:
    return [int(code) for code in form.many("codes") if code.isascii() and code.isdigit() and len(code) < 5]


async def _show_subscription(view: View) -> Shown:
    t = view.t
    one = view.platform.subscriptions.one(view.account_id, view.number("id"))
    queue = view.platform.subscriptions.queue_of(one)
    app = view.platform.saas_apps.one(view.account_id, one.app_id)
    told = card(
        "",
        facts(
            (t("State"), running_badge(view, one)),
            (t("Level"), t(LEVELS[one.level])),
            (t("About"), subject(view, one)),
            (t("Queue"), link(queue.name, "/queues/{id}", id=queue.id)),
            (t("SaaS application"), link(app.name, "/saas-apps/{app_id}", app_id=app.id)),
            (t("Created"), moment(one.created_at)),
            (t("Changed"), moment(one.updated_at)),
        ),
    )
    body = told, card(t("Kinds of messages"), kinds(view, one.codes)), _edit_dialog(view, one)
    buttons = (not one.running and opens(view, _UPDATE, "edit-subscription", t("Edit"))), _buttons(view, one)
    return Shown(one.name, body, buttons, [(t("Subscriptions"), "/subscriptions")])


def _buttons(view: View, one: Subscription, *, small: bool = False) -> Child:
    t = view.t
    path = {"id": one.id}
    if one.running:
        stop = t("Stop {name}", name=one.name)
        return action_button(view, _STOP, t("Stop"), path=path, small=small, label=stop)
    start, delete = t("Run {name}", name=one.name), t("Delete {name}", name=one.name)
    confirm = t("The subscription goes; what it put into the queue stays.")
    return (
        action_button(view, _START, t("Run"), path=path, small=small, label=start),
        " ",
        action_button(view, _DELETE, t("Delete"), path=path, confirm=confirm, danger=True, small=small, label=delete),
    )


def _edit_dialog(view: View, one: Subscription) -> Html:
    t = view.t
    if one.running:
        return Html("")
    queue = view.platform.subscriptions.queue_of(one)
    fields = form(
        view,
        _UPDATE,
        text_field("name", t("Name"), one.name, required=True, most=128),
        select_field(
            "queue",
            t("Queue"),
            _queue_options(view, view.platform.queues.all(view.account_id, one.app_id)),
            queue.full_name,
        ),
        _boxes(view, _allowed(view, one), one.codes),
        submit=t("Save"),
        path={"id": one.id},
    )
    return dialog(view, "edit-subscription", t("Edit"), fields)


def _allowed(view: View, one: Subscription) -> Iterable[int]:
    if one.level in ("saas", "domain"):
        return {"saas": SAAS_CODES, "domain": DOMAIN_CODES}[one.level]
    product = view.platform.directory.product(one.product_id or 0)
    if product is None:
        raise Missing("no_such_product", "the product of the subscription was deleted")
    return device_codes(product.data_fmt)


async def _update_subscription(view: View, form: Form) -> Done:
    changes = SubscriptionChanges(name=form.text("name").strip(), queue=form.text("queue"), codes=_codes(form))
    await view.platform.subscriptions.update(view.actor, view.number("id"), changes)
    return Done(notice=view.t("Saved."))


async def _start(view: View, form: Form) -> Done:
    one = await view.platform.subscriptions.start(view.actor, view.number("id"))
    return Done(notice=view.t("{name} runs.", name=one.name))


async def _stop(view: View, form: Form) -> Done:
    one = await view.platform.subscriptions.stop(view.actor, view.number("id"))
    return Done(notice=view.t("{name} is stopped.", name=one.name))


async def _delete(view: View, form: Form) -> Done:
    one = view.platform.subscriptions.one(view.account_id, view.number("id"))
    await view.platform.subscriptions.delete(view.actor, one.id)
    return Done("/subscriptions", view.t("{name} is deleted.", name=one.name))


_ONE = "/subscriptions/{id}"
_CREATE = Action("/subscriptions", _create_subscription)
_UPDATE = Action(_ONE, _update_subscription)
_START = Action(f"{_ONE}/start", _start)
_STOP = Action(f"{_ONE}/stop", _stop)
_DELETE = Action(f"{_ONE}/delete", _delete)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/subscriptions", _list_subscriptions),
    Page(_ONE, _show_subscription),
    _CREATE,
    _UPDATE,
    _START,
    _STOP,
    _DELETE,
)
