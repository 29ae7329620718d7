"""The API explorer: every operation with a form, the signed call, its answer, and the same call as curl and Python.

The call goes through the OpenAPI's own door, from the address of whoever clicks: packages, white list and rights count
as they do outside, and it stands in the application's log. A viewer reads only.
"""

from collections.abc import Iterable, Sequence

import msgspec

from mooring.platform import Denied, Invalid, Role
from mooring.platform.entities import App, Product

from .explorer_call import LOGIN, Answer, as_curl, as_python, call, shown_body, signed_login
from .explorer_operations import OPERATIONS, Described, Parameter, body_for
from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    area_field,
    badge,
    card,
    code_block,
    empty,
    facts,
    filters,
    form,
    hidden,
    link,
    note,
    one_of,
    search,
    select_field,
    text_field,
)

__all__ = ["ROUTES", "SERVICES"]

SERVICES = {
    "none": "Tokens",
    "product": "Products",
    "tsl": "Thing models",
    "device": "Devices",
    "shadow": "Commands and latest data",
    "storage": "History",
    "subscription": "Queues and subscriptions",
    "enduser": "End users",
    "binding": "Bindings",
}
"""English names of the services by their prefix."""

_TOKENS = ("authLogin", "authRefresh")
_FIRST = "productList"
_PREFIX = "query."


async def _show_explorer(view: View) -> Shown:
    t = view.t
    apps = view.platform.saas_apps.all(view.account_id)
    if not apps:
        body: Child = empty(t("There is no SaaS application yet."), link(t("SaaS applications"), "/saas-apps"))
        return Shown(t("API explorer"), tag.section(body, class_="card"))
    app = next((one for one in apps if str(one.id) == view.query.get("app")), apps[-1])
    products = view.platform.saas_apps.products(view.account_id, app.id)
    product = _chosen(view, products)
    operation = OPERATIONS.get(view.query.get("operation", ""), OPERATIONS[_FIRST])
    bar = filters(
        view,
        one_of("app", t("SaaS application"), [(str(one.id), one.name) for one in apps], str(app.id)),
        one_of(
            "product",
            t("Product"),
            [(one.product_key, one.name) for one in products],
            product.product_key if product else "",
        ),
        search(view, "device", "DeviceKey"),
        one_of("operation", t("Operation"), [(one.id, _title(view, one)) for one in OPERATIONS.values()], operation.id),
        submit=t("Show"),
    )
    inside = tag.div(await _operation(view, app, product, operation), id="listing")
    return Shown(t("API explorer"), (tag.section(bar, class_="card"), inside))


def _chosen(view: View, products: Sequence[Product]) -> Product | None:
    asked = view.query.get("product")
    return next((one for one in products if one.product_key == asked), products[0] if products else None)


def _title(view: View, operation: Described) -> str:
    return f"{operation.id} ({view.t(SERVICES[operation.service])})"


async def _operation(view: View, app: App, product: Product | None, operation: Described) -> Html:
    t = view.t
    device_key = view.query.get("device", "").strip()[:32] or await _some_device(view, product)
    queues = view.platform.queues.all(view.account_id, app.id)
    queue = queues[0].full_name if queues else ""
    known = {"productKey": product.product_key if product else "", "deviceKey": device_key}
    fields = [_field(parameter, _value(parameter, known, queue)) for parameter in _asked(operation)]
    if operation.body is not None:
        body = msgspec.json.format(msgspec.json.encode(body_for(operation, product, device_key, queue)), indent=2)
        fields.append(area_field("body", t("Body (JSON)"), body.decode(), rows=12, mono=True))
    action = _WRITE if operation.writes else _READ
    sent = form(
        view,
        action,
        hidden("app", str(app.id)),
        hidden("operation", operation.id),
        *fields,
        submit=t("Call"),
    )
    told = facts(
        (t("Call"), tag.code(f"{operation.method} {operation.path}")),
        (t("SaaS application"), link(app.name, "/saas-apps/{app_id}", app_id=app.id)),
        (t("Service"), t(SERVICES[operation.service])),
        (t("Kind"), badge(t("Changes something"), "warn") if operation.writes else badge(t("Reads"), "info")),
    )
    about = tag.p(operation.summary, lang="en")
    hint = operation.id in _TOKENS and note(t("Keys and token are filled in; they are never shown."))
    refused = not sent and note(t("Your role does not allow this."), "warn")
    return card(operation.id, about, told, hint, sent, refused)


def _asked(operation: Described) -> Iterable[Parameter]:
    """Parameters with a field; what a login needs is filled in."""
    return () if operation.id in _TOKENS else operation.parameters


def _value(parameter: Parameter, known: dict[str, str], queue: str) -> str:
    if parameter.name == "queueName":
        return queue if parameter.required else ""
    if parameter.name in ("pageNum", "page"):
        return "1"
    if parameter.name == "pageSize":
        return "10"
    return known.get(parameter.name, "")


def _field(parameter: Parameter, value: str) -> Html:
    name = _PREFIX + parameter.name
    label = f"{parameter.name} *" if parameter.required else parameter.name
    if parameter.choices:
        options = [(one, one) for one in parameter.choices]
        return select_field(name, label, options if parameter.required else [("", "–"), *options], value)
    return text_field(name, label, value, hint=parameter.about)


async def _some_device(view: View, product: Product | None) -> str:
    if product is None:
        return ""
    found, _ = await view.platform.devices.some(product, rows=1)
    return found[0].device_key if found else ""


async def _read(view: View, form: Form) -> Done:
    operation = _of(form)
    if operation.writes:
        raise Denied("role", "this operation changes something; your role reads only")
    return await _send(view, form, operation)


async def _write(view: View, form: Form) -> Done:
    return await _send(view, form, _of(form))


def _of(form: Form) -> Described:
    found = OPERATIONS.get(form.text("operation"))
    if found is None:
        raise Invalid("choice", "there is no such operation", field="operation")
    return found


async def _send(view: View, form: Form, operation: Described) -> Done:
    app = view.platform.saas_apps.one(view.account_id, form.number("app"))
    sent = {name.removeprefix(_PREFIX): form.text(name) for name in form.names if name.startswith(_PREFIX)}
    query = {name: value for name, value in sent.items() if value}
    body = form.text("body") if operation.body is not None else ""
    login = await call(
        view.openapi, view.client, "GET", LOGIN, signed_login(app, view.platform.clock.now_ms()), "", b""
    )
    token = login.member("access_token")
    answer = login
    if isinstance(token, str) and operation.id != "authLogin":
        given = {"grant_type": "refresh_token", "refresh_token": token} if operation.id == "authRefresh" else query
        answer = await call(view.openapi, view.client, operation.method, operation.path, given, token, body.encode())
    if operation.id == "authRefresh":
        query = {"grant_type": "refresh_token"}
    return Done(show=_answered(view, operation, query, body, answer), title=operation.id)


def _answered(view: View, operation: Described, query: dict[str, str], body: str, answer: Answer) -> Html:
    t = view.t
    code = answer.member("code")
    state = badge(str(code), "good" if code == 200 else "bad")
    request = [f"{operation.method} {operation.path}", *(f"  {name}={value}" for name, value in query.items())]
    if operation.service != "none":
        request.append("Authorization: QJWT ***")
    if body:
        request += ["Content-Type: application/json", "", body]
    if operation.id == "authLogin":
        request += [
            "  grant_type=password",
            "  username=ver=1&auth_mode=accessKey&sign_method=sha256&access_key=***&timestamp=…",
            "  password=hex(sha256(username + AccessSecret))",
        ]
    return tag.div(
        tag.p(state, " ", tag.span(f"HTTP {answer.status}"), " ", tag.small(answer.headers.get("x-request-id", ""))),
        code_block(shown_body(answer.body), t("Answer"), view),
        tag.h3(t("Signed call")),
        code_block("\n".join(request), t("Signed call"), view),
        tag.h3("curl"),
        code_block(as_curl(view.origin, operation, query, body), "curl", view),
        tag.h3("Python"),
        code_block(as_python(view.origin, operation, query, body), "Python", view),
        class_="explored",
    )


_READ = Action("/explorer/read", _read, role=Role.VIEWER)
_WRITE = Action("/explorer/write", _write)

ROUTES: tuple[AnyRoute, ...] = (Page("/explorer", _show_explorer), _READ, _WRITE)
