"""Message queues: their list, and one with what waits in it, its consumers and how to connect to it."""

from collections.abc import Callable, Mapping

import msgspec

from mooring.platform.queue_engine import QueueState
from mooring.platform.queues import QueueDetail, filtered
from mooring.platform.routes import Queue

from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
    area_field,
    badge,
    card,
    choice,
    code_block,
    copyable,
    dialog,
    empty,
    facts,
    filters,
    form,
    json_block,
    link,
    link_button,
    listing,
    live,
    moment,
    note,
    opens,
    search,
    select_field,
    tabs,
    text_field,
)
from .subscription_parts import subscription_columns

__all__ = ["QUEUE_STATES", "ROUTES"]

QUEUE_STATES = {0: "Not started", 1: "Started", 2: "Suspended"}
"""English names of `status`."""

_TONES = {0: "plain", 1: "good", 2: "bad"}
_REFRESH_S = 3
_PEEKED = 20
_KILOBYTE, _MEGABYTE = 1024, 1024 * 1024
_PYTHON = """import asyncio, os

from mooring.client import Subscription


async def main() -> None:
    url, queue = "{url}", "{queue}"
    keys = os.environ["ACCESS_KEY"], os.environ["ACCESS_SECRET"]
    async with Subscription(*keys, queue, url) as messages:
        async for message in messages:
            print(message)
            await message.ack()


asyncio.run(main())
"""


async def _list_queues(view: View) -> Shown:
    t = view.t
    asked = view.query
    status = asked.get("status", "")
    found = filtered(
        view.platform.queues.all(view.account_id),
        asked.get("text", "").strip()[:100] or None,
        int(status) if status in ("0", "1", "2") else None,
    )
    found = [queue for queue in found if asked.get("app", "") in ("", str(queue.app_id))]
    paging = Paging.of(view, 10)
    shown = found[paging.skip : paging.skip + paging.size]
    states = await view.platform.queues.states(shown)
    apps = [(str(app.id), app.name) for app in view.platform.saas_apps.all(view.account_id)]
    bar = filters(
        view,
        search(view, "text", t("Name")),
        choice(view, "status", t("State"), [(str(value), t(text)) for value, text in QUEUE_STATES.items()]),
        choice(view, "app", t("SaaS application"), apps),
    )
    rows = listing(
        view,
        _columns(view, states),
        shown,
        len(found),
        paging,
        t("Message queues"),
        nothing=empty(t("No queue matches.") if len(asked) else t("There is no queue yet.")),
        live=_REFRESH_S,
    )
    limits = view.platform.limits
    told = note(
        t(
            "An account has at most {most} queues. A queue that nobody consumes for 30 days is suspended.",
            most=limits.max_queues,
        )
    )
    create = _create_dialog(view, apps)
    button = opens(view, _CREATE, "create-queue", t("Create a queue"), primary=True)
    return Shown(t("Message queues"), (told, tag.section(bar, rows, class_="card"), create), button)


def _columns(view: View, states: Mapping[int, QueueState]) -> list[Column[Queue]]:
    t = view.t

    def app(queue: Queue) -> Child:
        found = view.platform.directory.app(queue.app_id)
        return None if found is None else link(found.name, "/saas-apps/{app_id}", app_id=found.id)

    def seen(show: Callable[[QueueState], Child]) -> Callable[[Queue], Child]:
        # What the broker does not tell of now stays empty.
        return lambda queue: show(states[queue.id]) if queue.id in states else None

    return [
        Column(t("Name"), lambda queue: link(queue.name, "/queues/{id}", id=queue.id)),
        Column(t("State"), lambda queue: (_state(view, queue), queue.is_free and (" ", badge(t("Free"), "info")))),
        Column(t("SaaS application"), app),
        Column(t("Waiting"), seen(lambda state: f"{state.waiting:,}"), numeric=True),
        Column(t("Depth"), seen(lambda state: _size(state.bytes_waiting)), numeric=True),
        Column(t("Oldest message"), seen(lambda state: moment(state.oldest_at))),
        Column(t("Consumers"), seen(lambda state: state.consumers), numeric=True),
        Column(t("Created"), lambda queue: moment(queue.created_at)),
    ]


def _state(view: View, queue: Queue) -> Html:
    return badge(view.t(QUEUE_STATES[queue.status]), _TONES[queue.status])


def _size(count: int) -> str:
    return f"{count / _KILOBYTE:,.1f} kB" if count < _MEGABYTE else f"{count / _MEGABYTE:,.1f} MB"


def _create_dialog(view: View, apps: list[tuple[str, str]]) -> Html:
    t = view.t
    hint = t("1 to 64 letters, digits, _ and -")
    fields = (
        form(
            view,
            _CREATE,
            select_field("app", t("SaaS application"), apps),
            text_field("name", t("Name"), required=True, most=64, hint=hint),
            area_field("description", t("Description"), rows=3, most=200),
            submit=t("Create"),
        )
        if apps
        else tag.p(t("There is no SaaS application yet."))
    )
    return dialog(view, "create-queue", t("Create a queue"), fields)


async def _create_queue(view: View, form: Form) -> Done:
    app = view.platform.saas_apps.one(view.account_id, form.number("app"))
    made = await view.platform.queues.create(view.actor, app, form.text("name").strip(), form.text("description"))
    return Done(f"/queues/{made.id}", view.t("Queue {name} is made.", name=made.name))


async def _show_queue(view: View) -> Shown:
    t = view.t
    found = await view.platform.queues.detail(view.account_id, view.number("id"))
    queue = found.queue
    path = {"id": queue.id}
    tab = view.query.get("tab", "")
    if tab == "messages":
        body: Child = await _messages(view, queue)
    elif tab == "subscriptions":
        body = _subscriptions(view, queue)
    else:
        tab, body = "state", _overview(view, found)
    row = tabs(
        view,
        [("state", t("State")), ("messages", t("Messages")), ("subscriptions", t("Subscriptions"))],
        tab,
        t("Queue"),
    )
    actions = (
        action_button(
            view,
            _CLEAR,
            t("Clear"),
            path=path,
            confirm=t("All {number} messages that wait are dropped.", number=f"{found.state.waiting:,}"),
            danger=True,
            label=t("Clear the queue"),
        ),
        action_button(view, _DELETE, t("Delete"), path=path, confirm=t("The queue and what is in it go."), danger=True),
    )
    return Shown(queue.name, (row, body), actions, [(t("Message queues"), "/queues")])


def _overview(view: View, found: QueueDetail) -> Child:
    t = view.t
    queue, state = found.queue, found.state
    limits = view.platform.limits
    now = view.platform.clock.now_ms()
    age_s = 0 if state.oldest_at is None else max(0, now - state.oldest_at) // 1000
    depth = f"{_size(state.bytes_waiting)} / {limits.queue_bytes / _MEGABYTE:,.0f} MB"
    present = card(
        t("In the queue"),
        facts(
            (t("State"), _state(view, queue)),
            (t("Waiting"), f"{state.waiting:,}"),
            (t("Not acknowledged yet"), f"{state.unacked:,}"),
            (t("Consumers"), state.consumers),
            (t("Acknowledged per minute"), f"{state.rate * 60:,.1f}"),
            (t("Oldest message"), moment(state.oldest_at)),
        ),
        _meter(t("Depth"), state.bytes_waiting, limits.queue_bytes, depth),
        _meter(t("Age of the oldest"), age_s, limits.queue_age_s, f"{_time(age_s)} / {_time(limits.queue_age_s)}"),
    )
    ever = card(
        t("So far"),
        facts(
            (t("Came in"), f"{found.pushed:,}"),
            (t("Acknowledged"), f"{found.acked:,}"),
            (t("Too old"), _loss(found.expired)),
            (t("Too many"), _loss(found.overflowed)),
            (t("Refused by consumers"), _loss(found.rejected)),
            (t("Cleared by hand"), f"{found.cleared:,}"),
        ),
    )
    idle = found.suspends_at is not None and note(
        (t("Nobody uses the queue. It will be suspended at:"), " ", moment(found.suspends_at)), "warn"
    )
    suspended = queue.is_suspended and note(
        (t("Suspended: nobody consumed it for 30 days. Start one of its subscriptions to revive it."),), "bad"
    )
    return (
        live("queue", _REFRESH_S, suspended, idle, tag.div(present, ever, class_="columns")),
        tag.div(_basics(view, found), _connection(view, queue), class_="columns"),
    )


def _meter(label: str, value: int, most: int, told: str) -> Html:
    return tag.p(
        tag.span(label, ": ", told),
        tag.progress(value=min(value, most), max=most, aria_label=f"{label}: {told}"),
        class_="meter",
    )


def _time(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h" if seconds >= 60 else f"{seconds} s"


def _loss(number: int) -> Child:
    return badge(f"{number:,}", "bad") if number else "0"


def _basics(view: View, found: QueueDetail) -> Html:
    t = view.t
    queue = found.queue
    app = view.platform.saas_apps.one(view.account_id, queue.app_id)
    return card(
        t("Queue"),
        facts(
            (t("Full name"), copyable(view, queue.full_name)),
            (t("SaaS application"), link(app.name, "/saas-apps/{app_id}", app_id=app.id)),
            (t("Description"), queue.description),
            (t("Created"), moment(queue.created_at)),
            (t("Last used"), moment(found.used_at)),
            (t("Suspended at"), moment(queue.suspended_at)),
        ),
    )


def _connection(view: View, queue: Queue) -> Html:
    t = view.t
    url = view.platform.amqp_url
    return card(
        t("Connection"),
        facts(
            (t("Address"), copyable(view, url)),
            (t("User name"), tag.code("ver=1&auth_mode=accessKey&sign_method=sha256&access_key=…&timestamp=…")),
            (t("Password"), tag.code("hex(sha256(user name + AccessSecret))")),
        ),
        tag.p(t("A signature is good for 10 minutes: make a new one for each connection."), class_="soft"),
        code_block(_PYTHON.format(url=url, queue=queue.full_name), "Python", view),
    )


async def _messages(view: View, queue: Queue) -> Html:
    t = view.t
    found = await view.platform.queues.peek(view.account_id, queue.id, _PEEKED)
    told = tag.p(t("The next messages in the order in which consumers get them. Looking takes none."), class_="soft")
    rows = [
        tag.details(
            tag.summary(badge(row.type, "info"), " ", moment(row.created_at), " ", tag.code(row.ticket)),
            json_block(msgspec.Raw(row.body), row.type, view),
            class_="message",
        )
        for row in found
    ]
    again = link_button(t("Look again"), f"/queues/{queue.id}?tab=messages")
    return card(t("Messages"), told, rows or empty(t("Nothing waits.")), actions=again)


def _subscriptions(view: View, queue: Queue) -> Html:
    t = view.t
    found = [one for one in view.platform.subscriptions.all(view.account_id) if one.queue_id == queue.id]
    paging = Paging.of(view)
    rows = listing(
        view,
        subscription_columns(view),
        found[paging.skip : paging.skip + paging.size],
        len(found),
        paging,
        t("Subscriptions"),
        nothing=empty(t("No subscription points to the queue.")),
    )
    return card(t("Subscriptions"), rows, actions=link_button(t("All subscriptions"), "/subscriptions"))


async def _clear_queue(view: View, form: Form) -> Done:
    dropped = await view.platform.queues.clear(view.actor, view.number("id"))
    return Done(notice=view.t("{number} messages are dropped.", number=dropped))


async def _delete_queue(view: View, form: Form) -> Done:
    queue = view.platform.queues.one(view.account_id, view.number("id"))
    await view.platform.queues.delete(view.actor, queue.id)
    return Done("/queues", view.t("{name} is deleted.", name=queue.name))


_CREATE = Action("/queues", _create_queue)
_CLEAR = Action("/queues/{id}/clear", _clear_queue)
_DELETE = Action("/queues/{id}/delete", _delete_queue)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/queues", _list_queues),
    Page("/queues/{id}", _show_queue),
    _CREATE,
    _CLEAR,
    _DELETE,
)
