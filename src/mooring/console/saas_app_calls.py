"""What a SaaS application asked of the OpenAPI: the log of its newest calls, one of them, and statistics."""

from datetime import UTC, datetime

from mooring.platform import Missing
from mooring.platform.api_statistics import Hour, OperationStatistics
from mooring.platform.entities import App
from mooring.platform.request_log import LoggedRequest, RequestFilter

from .html import Child, Html, tag
from .older import PERIODS, before, log_table, period_ms
from .page import AnyRoute, Page, Shown, View, address
from .parts import (
    Column,
    Series,
    badge,
    card,
    choice,
    copyable,
    empty,
    facts,
    figures,
    filters,
    json_block,
    lines,
    link,
    moment,
    search,
    table,
)
from .saas_app_tabs import ONE

__all__ = ["CALL_ROUTES", "OUTCOMES", "show_log", "show_statistics"]

_ROWS = 20
_REFRESH_S = 5
_CODE_DIGITS = 9
_SUCCESS = 200
OUTCOMES = {"failed": "Failed", "200": "Succeeded"}
"""English names of outcomes by their value in an address; any other number is a code."""


async def show_log(view: View, app: App) -> Html:
    """The tab of the newest calls."""
    t = view.t
    found = await view.platform.request_log.of_app(app.id, _filter(view), before_id=before(view), rows=_ROWS + 1)
    shown = found[:_ROWS]
    operations, _ = await view.platform.api_statistics.of_app(app.id)
    names = sorted(entry.operation for entry in operations)
    bar = filters(
        view,
        choice(view, "operation", t("Operation"), [(name, name) for name in names]),
        choice(view, "outcome", t("Outcome"), [(value, t(text)) for value, text in OUTCOMES.items()]),
        search(view, "code", t("Code")),
        choice(view, "period", t("Period"), [(value, t(text)) for value, text in PERIODS.items()]),
        search(view, "request_id", t("Request id")),
        search(view, "ticket", t("Ticket")),
    )
    columns: list[Column[LoggedRequest]] = [
        Column(t("Time"), lambda call: _opened(app, call)),
        Column(t("Operation"), lambda call: tag.code(call.operation)),
        Column(t("Answer"), lambda call: (_code(call), " ", tag.small(call.message or ""))),
        Column(t("Took"), lambda call: f"{call.took_ms:.1f} ms", numeric=True),
        Column(t("Address"), lambda call: call.address),
        Column(t("Tickets"), lambda call: _tickets(call)),
    ]
    rows = log_table(
        view,
        columns,
        shown,
        t("API log"),
        next_before=shown[-1].id if len(found) > len(shown) else None,
        live=_REFRESH_S,
        nothing=empty(t("No call matches.") if len(view.query) > 1 else t("The application has not called yet.")),
    )
    return card(t("API log"), bar, rows)


def _filter(view: View) -> RequestFilter:
    asked = view.query
    code, ticket = asked.get("code", "").strip(), asked.get("ticket", "").strip()
    outcome = asked.get("outcome", "")
    if outcome == "200":
        code = outcome
    return RequestFilter(
        operation=asked.get("operation", ""),
        code=int(code) if code.isascii() and code.isdigit() and len(code) <= _CODE_DIGITS else None,
        failed=outcome == "failed",
        since=period_ms(view, view.platform.clock.now_ms()),
        request_id=asked.get("request_id", "").strip()[:100],
        ticket=int(ticket) if ticket.isascii() and ticket.isdigit() and len(ticket) <= 16 else None,
    )


def _opened(app: App, call: LoggedRequest) -> Html:
    path = "/saas-apps/{app_id}/calls/{request_id}"
    return link(moment(call.at), path, app_id=app.id, request_id=call.request_id)


def _code(call: LoggedRequest) -> Html:
    return badge(str(call.code), "good" if call.code == _SUCCESS else "bad")


def _tickets(call: LoggedRequest) -> Child:
    some = call.tickets[:5]
    links = [(link(ticket, "/commands/{ticket}", ticket=ticket), " ") for ticket in some]
    return tag.span(links, f"… {len(call.tickets)}" if len(call.tickets) > len(some) else None) if links else None


async def _show_call(view: View) -> Shown:
    t = view.t
    app = view.platform.saas_apps.one(view.account_id, view.number("app_id"))
    request_id = view.path["request_id"]
    found = await view.platform.request_log.of_app(app.id, RequestFilter(request_id=request_id), rows=1)
    if not found:
        raise Missing("no_such_call", "there is no such call in the log; only the newest are kept")
    [call] = found
    told = facts(
        (t("Operation"), tag.code(call.operation)),
        (t("Time"), moment(call.at)),
        (t("Took"), f"{call.took_ms:.1f} ms"),
        (t("Address"), call.address),
        (t("Request id"), copyable(view, call.request_id)),
        (t("Tickets"), _tickets(call)),
    )
    answer = (
        facts(("code", _code(call)), ("HTTP", call.status), ("msg", call.message)),
        call.answer is not None and json_block(call.answer, t("Answer"), view),
    )
    body = (
        card("", told),
        tag.div(
            card(t("Request"), json_block(call.request, t("Request"), view), _hidden_note(view)),
            card(t("Answer"), answer),
            class_="columns",
        ),
    )
    crumbs = [
        (t("SaaS applications"), "/saas-apps"),
        (app.name, f"/saas-apps/{app.id}"),
        (t("API log"), f"/saas-apps/{app.id}?tab=log"),
    ]
    return Shown(call.operation, body, crumbs=crumbs)


def _hidden_note(view: View) -> Html:
    return tag.p(view.t("Secrets are shown as ***."), class_="soft")


async def show_statistics(view: View, app: App) -> Html:
    """The tab of figures: calls by hour and by operation."""
    t = view.t
    now = view.platform.clock.now_ms()
    operations, hours = await view.platform.api_statistics.of_app(app.id, since=period_ms(view, now, "day"))
    calls, failures = sum(entry.calls for entry in operations), sum(entry.failures for entry in operations)
    rate = f"{failures / calls:.1%}" if calls else "–"
    log = f"/saas-apps/{app.id}"
    numbers = figures(
        (t("Calls"), calls, address(log, {"tab": "log"})),
        (t("Failures"), failures, address(log, {"tab": "log", "outcome": "failed"})),
        (t("Failure rate"), rate, ""),
    )
    bar = filters(view, choice(view, "period", t("Period"), [(value, t(text)) for value, text in PERIODS.items()]))
    columns: list[Column[OperationStatistics]] = [
        Column(t("Operation"), lambda entry: _in_log(app, entry.operation)),
        Column(t("Calls"), lambda entry: f"{entry.calls:,}", numeric=True),
        Column(t("Failures"), lambda entry: f"{entry.failures:,}", numeric=True),
        Column(t("Mean"), lambda entry: _ms(entry.mean_ms), numeric=True),
        Column("p50 ≤", lambda entry: _ms(entry.p50_ms), numeric=True),
        Column("p95 ≤", lambda entry: _ms(entry.p95_ms), numeric=True),
        Column("p99 ≤", lambda entry: _ms(entry.p99_ms), numeric=True),
        Column(t("Longest"), lambda entry: _ms(entry.longest_ms), numeric=True),
    ]
    rows = table(columns, operations, t("Operations")) if operations else empty(t("No call in this period."))
    chart = _chart(view, hours) if hours else empty(t("No call in this period."))
    return tag.div(
        tag.section(bar, class_="card"),
        tag.div(numbers, card(t("Calls by hour"), chart), card(t("Operations"), rows), id="listing"),
    )


def _in_log(app: App, operation: str) -> Html:
    return tag.a(operation, href=address(f"/saas-apps/{app.id}", {"tab": "log", "operation": operation}))


def _ms(value: float) -> str:
    return f"{value:g} ms" if value < 10 else f"{value:.0f} ms"


def _chart(view: View, hours: list[Hour]) -> Html:
    calls = Series(view.t("Calls"), [(float(hour.hour), float(hour.calls)) for hour in hours])
    failures = Series(view.t("Failures"), [(float(hour.hour), float(hour.failures)) for hour in hours])
    return lines(view.t("Calls by hour"), [calls, failures], _hour)


def _hour(at: float) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%m-%d %H:%M} UTC"


CALL_ROUTES: tuple[AnyRoute, ...] = (Page(f"{ONE}/calls/{{request_id}}", _show_call),)
