"""Members of the account: who may log in, and what they may do. Everybody sees them, owners change them."""

from mooring.platform import Invalid, Role
from mooring.platform.entities import Administrator

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

__all__ = ["ROLES", "ROUTES"]

ROLES = {
    Role.VIEWER: "viewer: sees everything but secrets",
    Role.DEVELOPER: "developer: changes products, devices and applications, too",
    Role.OWNER: "owner: changes members and the account, too",
}
_ONE = "/members/{member_id}"


async def _list_members(view: View) -> Shown:
    t = view.t
    text = view.query.get("text", "").strip().lower()[:100]
    found = [one for one in view.platform.accounts.administrators(view.account_id) if text in one.email.lower()]
    paging = Paging.of(view)
    columns: list[Column[Administrator]] = [
        Column(t("E-mail"), lambda one: (link(one.email, _ONE, member_id=one.id), _yourself(view, one))),
        Column(t("Role"), lambda one: t(one.role.value)),
        Column(t("State"), lambda one: _state(view, one)),
        Column(t("Two-step login"), lambda one: _codes(view, one)),
        Column(t("Last login"), lambda one: _last_login(view, one)),
        Column(t("Created"), lambda one: moment(one.created_at)),
    ]
    rows = found[paging.skip : paging.skip + paging.size]
    shown = listing(view, columns, rows, len(found), paging, t("Members"), nothing=empty(t("No member matches.")))
    body = tag.section(filters(view, search(view, "text", t("E-mail"))), shown, class_="card")
    create = dialog(
        view,
        "add-member",
        t("Add a member"),
        form(
            view,
            _ADD,
            text_field("email", t("E-mail"), kind="email", required=True, most=254),
            _role_field(view, Role.DEVELOPER),
            submit=t("Add"),
        ),
    )
    return Shown(t("Members"), (body, create), opens(view, _ADD, "add-member", t("Add a member"), primary=True))


def _yourself(view: View, member: Administrator) -> Child:
    return (" ", badge(view.t("You"), "info")) if member.id == view.identity.administrator.id else None


def _state(view: View, member: Administrator) -> Html:
    t = view.t
    if not member.enabled:
        return badge(t("Disabled"), "bad")
    if _is_locked(view, member):
        return badge(t("Locked"), "warn")
    return badge(t("One-time password"), "info") if member.password_one_time else badge(t("Enabled"), "good")


def _is_locked(view: View, member: Administrator) -> bool:
    return (member.locked_until or 0) > view.platform.clock.now_ms()


def _codes(view: View, member: Administrator) -> Html:
    return badge(view.t("On"), "good") if member.totp_secret is not None else badge(view.t("Off"))


def _last_login(view: View, member: Administrator) -> Child:
    return view.t("never") if member.last_login_at is None else moment(member.last_login_at)


def _role_field(view: View, role: Role) -> Html:
    return select_field("role", view.t("Role"), [(key.value, view.t(text)) for key, text in ROLES.items()], role.value)


def _chosen_role(form: Form) -> Role:
    try:
        return Role(form.text("role"))
    except ValueError:
        raise Invalid("role", f"the role is one of {', '.join(Role)}", field="role") from None


async def _add_member(view: View, form: Form) -> Done:
    email = form.text("email").strip()
    made, password = await view.platform.accounts.add_administrator(view.actor, email, _chosen_role(form))
    told = view.t("{email} is a member now.", email=made.email)
    return Done(f"/members/{made.id}", told, _password(view, password.reveal()), view.t("One-time password"))


def _password(view: View, password: str) -> Html:
    t = view.t
    return tag.div(
        facts((t("One-time password"), copyable(view, password))),
        tag.p(t("It is shown this once. At the first login they must choose their own."), class_="soft"),
    )


def _member(view: View) -> Administrator:
    return view.platform.accounts.administrator(view.account_id, view.number("member_id"))


async def _show_member(view: View) -> Shown:
    t = view.t
    member = _member(view)
    shown = facts(
        (t("E-mail"), member.email),
        (t("Role"), t(member.role.value)),
        (t("State"), _state(view, member)),
        (t("Two-step login"), _codes(view, member)),
        (t("Failed logins"), member.failed_logins),
        (t("Locked until"), moment(member.locked_until) if _is_locked(view, member) else None),
        (t("Last login"), _last_login(view, member)),
        (t("Created"), moment(member.created_at)),
        (t("Changed"), moment(member.updated_at)),
    )
    own = note(t("This is you.")) if member.id == view.identity.administrator.id else None
    role = form(view, _SET_ROLE, _role_field(view, member.role), submit=t("Save"), path={"member_id": member.id})
    about = card(t("Member"), own, shown, tag.div(_buttons(view, member), class_="buttons end"))
    cards = tag.div(about, role and card(t("Role"), role), class_="columns")
    return Shown(member.email, cards, (), [(t("Members"), "/members")])


def _buttons(view: View, member: Administrator) -> Child:
    t = view.t
    path = {"member_id": member.id}
    switch = (
        action_button(
            view, _DISABLE, t("Disable"), path=path, confirm=t("Logins are refused, sessions and tokens end.")
        )
        if member.enabled
        else action_button(view, _ENABLE, t("Enable"), path=path)
    )
    reset = action_button(
        view,
        _RESET,
        t("Reset password"),
        path=path,
        confirm=t("Sessions, tokens and codes of the authenticator app end; they log in with a one-time password."),
    )
    delete = action_button(
        view, _DELETE, t("Delete"), path=path, confirm=t("Sessions and tokens of the member end, too."), danger=True
    )
    return action_button(view, _UNLOCK, t("Unlock"), path=path) if member.failed_logins else None, switch, reset, delete


async def _set_role(view: View, form: Form) -> Done:
    member = await view.platform.accounts.set_role(view.actor, view.number("member_id"), _chosen_role(form))
    return Done(notice=view.t("{email} is {role} now.", email=member.email, role=view.t(member.role.value)))


async def _enable(view: View, form: Form) -> Done:
    await view.platform.accounts.set_enabled(view.actor, view.number("member_id"), enabled=True)
    return Done(notice=view.t("Saved."))


async def _disable(view: View, form: Form) -> Done:
    await view.platform.accounts.set_enabled(view.actor, view.number("member_id"), enabled=False)
    return Done(notice=view.t("Saved."))


async def _unlock(view: View, form: Form) -> Done:
    await view.platform.accounts.unlock(view.actor, view.number("member_id"))
    return Done(notice=view.t("They may try again at once."))


async def _reset(view: View, form: Form) -> Done:
    password = await view.platform.accounts.reset_password(view.actor, view.number("member_id"))
    return Done(show=_password(view, password.reveal()), title=view.t("One-time password"))


async def _delete(view: View, form: Form) -> Done:
    member = _member(view)
    await view.platform.accounts.delete_administrator(view.actor, member.id)
    return Done("/members", view.t("{name} is deleted.", name=member.email))


_ADD = Action("/members", _add_member, role=Role.OWNER)
_SET_ROLE = Action(_ONE, _set_role, role=Role.OWNER)
_ENABLE = Action(f"{_ONE}/enable", _enable, role=Role.OWNER)
_DISABLE = Action(f"{_ONE}/disable", _disable, role=Role.OWNER)
_UNLOCK = Action(f"{_ONE}/unlock", _unlock, role=Role.OWNER)
_RESET = Action(f"{_ONE}/password", _reset, role=Role.OWNER)
_DELETE = Action(f"{_ONE}/delete", _delete, role=Role.OWNER)

ROUTES: tuple[AnyRoute, ...] = (
    Page("/members", _list_members),
    Page(_ONE, _show_member),
    _ADD,
    _SET_ROLE,
    _ENABLE,
    _DISABLE,
    _UNLOCK,
    _RESET,
    _DELETE,
)
