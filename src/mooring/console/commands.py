"""Commands to all devices, newest first; one of them: its steps with their times, and the frames behind each."""

from mooring.platform.command_input import Kind
from mooring.platform.command_refusals import ticket_of
from mooring.platform.command_steps import State
from mooring.platform.command_timeline import CommandTimeline

from .html import Child, Html, tag
from .older import PERIODS, before, log_table, period_ms
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import Column, action_button, badge, card, choice, empty, facts, filters, link, live, moment

__all__ = ["ROUTES", "STEPS", "command_state"]

STEPS = ("accepted", "cached", "published", "delivered", "answered", "reported", "failed", "expired")
"""In the order in which they may happen; also the keys of their texts."""

_TONES = {"failed": "bad", "expired": "bad", "cached": "warn", "reported": "good", "answered": "good"}
_KINDS = tuple(kind.value for kind in Kind)
_ROWS = 20
_REFRESH_S = 5
_SHOWN = 80  # characters of an input in the list
_OPEN = ("accepted", "cached", "published", "delivered")


def command_state(view: View, command: CommandTimeline) -> Html:
    """The furthest step of a command."""
    return badge(view.t(command.state.value), _TONES.get(command.state.value, "info"))


async def _list_commands(view: View) -> Shown:
    t = view.t
    state, kind = view.query.get("state", ""), view.query.get("kind", "")
    found, older = await view.platform.commands.newest(
        view.account_id,
        state=State(state) if state in STEPS else None,
        kind=Kind(kind) if kind in _KINDS else None,
        since=period_ms(view, view.platform.clock.now_ms()),
        before=before(view),
        rows=_ROWS,
    )
    bar = filters(
        view,
        choice(view, "state", t("State"), [(step, t(step)) for step in STEPS]),
        choice(view, "kind", t("Kind"), [(name, t(name)) for name in _KINDS]),
        choice(view, "period", t("Period"), [(value, t(text)) for value, text in PERIODS.items()]),
    )
    columns: list[Column[CommandTimeline]] = [
        Column(t("Accepted"), lambda command: _opened(command)),
        Column(t("Device"), lambda command: _device_of(view, command)),
        Column(t("Kind"), lambda command: t(command.kind)),
        Column(t("State"), lambda command: command_state(view, command)),
        Column(t("Input"), lambda command: tag.code(_cut(command.input)), wide=True),
        Column(t("Sender"), lambda command: command.origin),
        Column(t("Failure"), lambda command: command.failure),
    ]
    nothing = t("Nothing found.") if older is None else t("Nothing among these; older commands may match.")
    rows = log_table(view, columns, found, t("Commands"), next_before=older, live=_REFRESH_S, nothing=empty(nothing))
    return Shown(t("Commands"), tag.section(bar, rows, class_="card"))


def _opened(command: CommandTimeline) -> Html:
    return link(moment(command.accepted_at), "/commands/{ticket}", ticket=command.ticket)


def _device_of(view: View, command: CommandTimeline) -> Html:
    product = view.platform.products.one(view.account_id, command.product_key)
    path = "/devices/{product_key}/{device_key}"
    key = link(command.device_key, path, product_key=command.product_key, device_key=command.device_key)
    return tag.span(key, " ", tag.small(product.name))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


async def _show_command(view: View) -> Shown:
    t = view.t
    command = await view.platform.commands.one(view.account_id, view.number("ticket"))
    device = "/devices/{product_key}/{device_key}"
    path = device.format(product_key=command.product_key, device_key=command.device_key)
    about = card(
        "",
        facts(
            (t("Device"), tag.a(command.device_key, href=f"/console{path}")),
            (t("Kind"), t(command.kind)),
            (t("State"), command_state(view, command)),
            (t("Command"), tag.code(command.cmd)),
            ("QoS", command.qos),
            (t("Sender"), command.origin),
            (t("Input"), tag.code(command.input)),
            (t("Output"), tag.code(command.output) if command.output else None),
            (t("Failure"), command.failure),
            (t("May wait until"), moment(command.expires_at)),
        ),
    )
    seconds = 1 if command.state.value in _OPEN else 5
    buttons = (
        action_button(view, _RESEND, t("Send again"), path={"ticket": command.ticket}),
        command.state.value == "cached"
        and action_button(view, _CANCEL, t("Take back"), path={"ticket": command.ticket}),
    )
    crumbs = ((t("Commands"), "/commands"), (command.device_key, path))
    body = live("command", seconds, about, _timeline(view, command))
    return Shown(t("Command {ticket}", ticket=command.ticket), body, buttons, crumbs)


def _timeline(view: View, command: CommandTimeline) -> Html:
    entries = []
    before = command.accepted_at
    for step in STEPS:
        at: int | None = getattr(command, f"{step}_at")
        if at is None:
            continue
        since = f"+{at - before} ms" if at != command.accepted_at else ""
        before = at
        head = tag.p(tag.strong(view.t(step)), " ", moment(at), " ", tag.small(since))
        entries.append(tag.li(head, _behind(view, command, step), class_=_TONES.get(step, "info")))
    return card(view.t("Timeline"), tag.ol(entries, class_="timeline"))


def _behind(view: View, command: CommandTimeline, step: str) -> Child:
    """The bytes that are the evidence of a step."""
    t = view.t
    if step == "published" and command.frame:
        return facts((t("Frame"), tag.code(command.frame)), (t("Packet id"), command.packet_id))
    if step in ("answered", "reported") and command.reply_payload:
        return facts((t("Answer {cmd}", cmd=command.reply_cmd or ""), tag.code(command.reply_payload)))
    if step == "accepted":
        return facts((t("Payload"), tag.code(command.payload)))
    if step == "failed" and command.failure:
        return tag.p(command.failure)
    return None


async def _resend(view: View, form: Form) -> Done:
    result = await view.platform.commands.resend(view.actor, view.account_id, view.number("ticket"))
    return Done(f"/commands/{ticket_of(result)}", view.t("The command was sent again."))


async def _cancel(view: View, form: Form) -> Done:
    await view.platform.commands.cancel(view.account_id, view.number("ticket"))
    await view.platform.journal.settle()
    return Done(notice=view.t("The command was taken back."))


_RESEND = Action("/commands/{ticket}/resend", _resend)
_CANCEL = Action("/commands/{ticket}/cancel", _cancel)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/commands", _list_commands),
    Page("/commands/{ticket}", _show_command),
    _RESEND,
    _CANCEL,
)
