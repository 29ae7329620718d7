"""One end user: profile, devices that are bound, what is shared, tokens."""

from mooring.platform.bindings import BindRequest, BoundDevice
from mooring.platform.end_user_entities import EndUser, EndUserApp
from mooring.platform.end_users import EndUserChanges
from mooring.platform.sharing import NewShare, Share

from .end_user_apps import app_path, user_state
from .html import Child, Html, tag
from .page import Action, AnyRoute, Done, Form, Page, Shown, View
from .parts import (
    Column,
    Paging,
    action_button,
    badge,
    card,
    copyable,
    dialog,
    empty,
    facts,
    form,
    link,
    listing,
    moment,
    number_field,
    opens,
    select_field,
    table,
    text_field,
)

__all__ = ["BINDING_TYPES", "COVERS", "ROUTES"]

_ONE = "/end-users/users/{uid}"
BINDING_TYPES = {1: "By SN", 2: "By Wi-Fi", 3: "By keys", 4: "By Bluetooth"}
"""English names of `binding_type`."""
COVERS = {1: "It is replaced", 2: "Times are added", 3: "Only a longer one replaces it"}
"""English names of `cover`."""
_MOST_SHARES = 100
_HOUR_MS = 3_600_000


async def _show_user(view: View) -> Shown:
    t = view.t
    user, app = await _user(view)
    path = {"uid": user.uid}
    profile = card(
        t("User"),
        facts(
            ("uid", copyable(view, user.uid)),
            ("App", link(app.name, "/end-users/apps/{id}", id=app.id)),
            (t("State"), user_state(view, user)),
            (t("Nickname"), user.nickname),
            (t("Phone"), f"+{user.international_code} {user.phone}" if user.phone else None),
            (t("E-mail"), user.email),
            (t("Language"), user.lang),
            (t("Time zone"), user.timezone),
            (t("Remark"), user.remark),
            (t("Registered"), moment(user.registered_at)),
            (t("Last login"), moment(user.last_login_at)),
        ),
    )
    toggle = (
        action_button(
            view, _DISABLE, t("Disable"), path=path, confirm=t("Disable the user? Every token and session ends.")
        )
        if user.enabled
        else action_button(view, _ENABLE, t("Enable"), path=path)
    )
    buttons = (
        opens(view, _CHANGE, "change-user", t("Edit")),
        action_button(view, _TOKEN, t("Make a token"), path=path),
        toggle,
        action_button(
            view,
            _DELETE,
            t("Delete"),
            path=path,
            danger=True,
            confirm=t("Delete user {uid} with every binding and share?", uid=user.uid),
        ),
    )
    body = profile, await _bindings(view, user, app), await _shares(view, user), _profile_box(view, user)
    crumbs = [(t("End users and apps"), "/end-users"), (app.name, app_path(app))]
    return Shown(user.nickname or user.uid, body, buttons, crumbs)


def _profile_box(view: View, user: EndUser) -> Html:
    t = view.t
    return dialog(
        view,
        "change-user",
        t("Edit"),
        form(
            view,
            _CHANGE,
            text_field("nickname", t("Nickname"), user.nickname or "", most=64),
            tag.div(
                text_field("international_code", t("Country code"), user.international_code or "", most=6),
                text_field("phone", t("Phone"), user.phone or "", most=20),
                class_="grid",
            ),
            text_field("email", t("E-mail"), user.email or "", most=254),
            tag.div(
                text_field("lang", t("Language"), user.lang or "", most=64),
                text_field("timezone", t("Time zone"), user.timezone or "", most=64),
                class_="grid",
            ),
            text_field("remark", t("Remark"), user.remark or "", most=200),
            path={"uid": user.uid},
            submit=t("Save"),
        ),
    )


async def _bindings(view: View, user: EndUser, app: EndUserApp) -> Child:
    t = view.t
    paging = Paging.of(view)
    found, total = await view.platform.bindings.of_user(user, skip=paging.skip, rows=paging.size)

    def device(bound: BoundDevice) -> Html:
        path = "/devices/{product_key}/{device_key}"
        key, product_key = bound.device.device_key, bound.product.product_key
        return link(key, path, product_key=product_key, device_key=key)

    columns: list[Column[BoundDevice]] = [
        Column("DeviceKey", device),
        Column(t("Product"), lambda bound: bound.product.name),
        Column(t("Kind"), lambda bound: badge(t("Own")) if bound.binding.is_own else badge(t("Shared"), "info")),
        Column(t("How"), lambda bound: t(BINDING_TYPES.get(bound.binding.binding_type, "–"))),
        Column(
            t("State"),
            lambda bound: badge(t("Valid"), "good") if bound.binding.status == 1 else badge(t("Void"), "bad"),
        ),
        Column(t("Bound"), lambda bound: moment(bound.binding.bound_at)),
        Column(t("Ends"), lambda bound: moment(bound.binding.expires_at)),
        Column(t("Actions"), lambda bound: _unbind(view, user, bound)),
    ]
    rows = listing(
        view, columns, found, total, paging, t("Devices of the user"), nothing=empty(t("No device is bound."))
    )
    products = view.platform.end_user_apps.products(view.account_id, app.id)
    options = [(product.product_key, f"{product.name} ({product.product_key})") for product in products]
    box = dialog(
        view,
        "bind-device",
        t("Bind a device"),
        form(
            view,
            _BIND,
            select_field("product_key", t("Product"), options),
            text_field("device_key", "DeviceKey", most=32),
            text_field("sn", t("or its SN"), most=64),
            text_field(
                "binding_code", t("Binding code"), most=64, hint=t("Proves that the user has the device at hand")
            ),
            path={"uid": user.uid},
            submit=t("Bind"),
        ),
    )
    return card(t("Devices of the user"), rows, actions=opens(view, _BIND, "bind-device", t("Bind a device"))), box


def _unbind(view: View, user: EndUser, bound: BoundDevice) -> Html:
    key = bound.device.device_key
    return action_button(
        view,
        _UNBIND,
        view.t("Unbind"),
        path={"uid": user.uid},
        values={"product_key": bound.product.product_key, "device_key": key},
        confirm=view.t("Unbind {key}? What was shared of it ends, too.", key=key),
        small=True,
        label=f"{view.t('Unbind')}: {key}",
    )


async def _shares(view: View, user: EndUser) -> Child:
    t = view.t
    found, total = await view.platform.sharing.given(view.account_id, user.uid, rows=_MOST_SHARES)
    columns: list[Column[Share]] = [
        Column(t("Code"), lambda share: copyable(view, share.code)),
        Column("DeviceKey", lambda share: share.device_key),
        Column(t("Accepted by"), lambda share: share.accepted_by),
        Column(t("To be accepted until"), lambda share: moment(share.accept_until)),
        Column(t("Ends"), lambda share: moment(share.use_until)),
        Column(t("Actions"), lambda share: _take_back(view, user, share)),
    ]
    rows = table(columns, found, t("Shares")) if found else empty(t("Nothing is shared."))
    rest = total > len(found) and tag.p(t("The newest {count} of {total}.", count=len(found), total=total))
    own = [bound for bound in (await view.platform.bindings.of_user(user, rows=1000))[0] if bound.binding.is_own]
    options = [(f"{bound.product.product_key}/{bound.device.device_key}", bound.device.device_key) for bound in own]
    share = dialog(
        view,
        "share-device",
        t("Share a device"),
        form(
            view,
            _SHARE,
            select_field("device", t("Device"), options),
            number_field("accept_hours", t("To be accepted within (hours)"), 24, low=1, high=8760, required=True),
            number_field("use_hours", t("Ends after (hours)"), low=1, high=87600, hint=t("Empty means never")),
            select_field(
                "cover",
                t("When the receiver has a share already"),
                [(str(key), t(name)) for key, name in COVERS.items()],
            ),
            path={"uid": user.uid},
            submit=t("Share"),
        ),
    )
    accept = dialog(
        view,
        "accept-share",
        t("Accept a share"),
        form(
            view,
            _ACCEPT,
            text_field("code", t("Code"), required=True, most=64),
            path={"uid": user.uid},
            submit=t("Accept"),
        ),
    )
    buttons = (
        (own and opens(view, _SHARE, "share-device", t("Share a device"))) or None,
        opens(view, _ACCEPT, "accept-share", t("Accept a share")),
    )
    return card(t("Shares"), rows, rest, actions=buttons), (own and share) or None, accept


def _take_back(view: View, user: EndUser, share: Share) -> Html:
    return action_button(
        view,
        _UNSHARE,
        view.t("Take back"),
        path={"uid": user.uid},
        values={"code": share.code},
        small=True,
        label=f"{view.t('Take back')}: {share.code}",
    )


async def _user(view: View) -> tuple[EndUser, EndUserApp]:
    return await view.platform.end_users.one(view.account_id, view.path["uid"])


async def _change(view: View, sent: Form) -> Done:
    changes = EndUserChanges(**{name: sent.optional(name) for name in _EDITED})  # type: ignore[arg-type]  # all texts
    await view.platform.end_users.update(view.actor, view.path["uid"], changes)
    return Done(notice=view.t("Saved."))


_EDITED = ("nickname", "international_code", "phone", "email", "lang", "timezone", "remark")


async def _enable(view: View, sent: Form) -> Done:
    await view.platform.end_users.set_enabled(view.actor, view.path["uid"], enabled=True)
    return Done(notice=view.t("Saved."))


async def _disable(view: View, sent: Form) -> Done:
    await view.platform.end_users.set_enabled(view.actor, view.path["uid"], enabled=False)
    return Done(notice=view.t("Saved."))


async def _delete(view: View, sent: Form) -> Done:
    user, app = await _user(view)
    await view.platform.end_users.delete(view.actor, user.uid)
    return Done(app_path(app), view.t("User {uid} is deleted.", uid=user.uid))


async def _issue_token(view: View, sent: Form) -> Done:
    issued = await view.platform.end_users.issue_token(view.actor, view.path["uid"])
    told = facts((view.t("Access token"), copyable(view, issued.text)), (view.t("Seconds it lives"), issued.expires_in))
    return Done(show=told, title=view.t("Access token"))


async def _bind(view: View, sent: Form) -> Done:
    request = BindRequest(
        sent.text("product_key"), sent.optional("device_key"), sent.optional("sn"), sent.optional("binding_code")
    )
    bound = await view.platform.bindings.bind(view.actor, view.path["uid"], request)
    return Done(notice=view.t("{key} is bound.", key=bound.device.device_key))


async def _release(view: View, sent: Form) -> Done:
    await view.platform.bindings.unbind(view.actor, view.path["uid"], sent.text("product_key"), sent.text("device_key"))
    return Done(notice=view.t("{key} is unbound.", key=sent.text("device_key")))


async def _share(view: View, sent: Form) -> Done:
    product_key, _, device_key = sent.text("device").partition("/")
    now = view.platform.clock.now_ms()
    hours = sent.optional_number("use_hours")
    new = NewShare(
        product_key,
        device_key,
        now + sent.number("accept_hours") * _HOUR_MS,
        None if hours is None else now + hours * _HOUR_MS,
        sent.number("cover"),
    )
    made = await view.platform.sharing.share(view.actor, view.path["uid"], new)
    told = facts(
        (view.t("Code"), copyable(view, made.code)), (view.t("To be accepted until"), moment(made.accept_until))
    )
    to = f"/end-users/users/{view.path['uid']}"
    return Done(to, show=told, title=view.t("Code of the share"))


async def _accept(view: View, sent: Form) -> Done:
    bound = await view.platform.sharing.accept(view.actor, view.path["uid"], sent.text("code").strip())
    return Done(notice=view.t("{key} is bound.", key=bound.device.device_key))


async def _cancel(view: View, sent: Form) -> Done:
    await view.platform.sharing.cancel(view.actor, view.path["uid"], sent.text("code"))
    return Done(notice=view.t("The share is taken back."))


_CHANGE = Action(_ONE, _change)
_ENABLE = Action(f"{_ONE}/enable", _enable)
_DISABLE = Action(f"{_ONE}/disable", _disable)
_DELETE = Action(f"{_ONE}/deletion", _delete)
_TOKEN = Action(f"{_ONE}/tokens", _issue_token)
_BIND = Action(f"{_ONE}/bindings", _bind)
_UNBIND = Action(f"{_ONE}/bindings/removal", _release)
_SHARE = Action(f"{_ONE}/shares", _share)
_ACCEPT = Action(f"{_ONE}/shares/accept", _accept)
_UNSHARE = Action(f"{_ONE}/shares/removal", _cancel)

ROUTES: tuple[AnyRoute, ...] = (
    Page(_ONE, _show_user),
    _CHANGE,
    _ENABLE,
    _DISABLE,
    _DELETE,
    _TOKEN,
    _BIND,
    _UNBIND,
    _SHARE,
    _ACCEPT,
    _UNSHARE,
)
