"""Forms, fields, dialogs and buttons that act. What the caller's role does not allow is not drawn."""

from collections.abc import Iterable, Mapping, Sequence

from ..html import Child, Html, join, tag
from ..page import Action, View, address

__all__ = [
    "action_button",
    "area_field",
    "check_field",
    "dialog",
    "file_field",
    "form",
    "hidden",
    "number_field",
    "opens",
    "select_field",
    "text_field",
]

_NOTHING = Html("")


def form(
    view: View,
    action: Action,
    *fields: Child,
    submit: str,
    path: Mapping[str, object] | None = None,
    danger: bool = False,
    confirm: str = "",
) -> Html:
    """A form that sends its fields to an action, whose refusal is shown at its end and at the field that it names.

    `path` has the parameters of the action's path; with `confirm` the person is asked first.
    """
    if action.role is not None and not view.may(action.role):
        return _NOTHING
    return tag.form(
        hidden("csrf", view.csrf),
        *fields,
        tag.p(class_="error", role="alert", hidden=True),
        tag.div(tag.button(submit, type="submit", class_="danger" if danger else "primary"), class_="buttons end"),
        method="post",
        action=address(action.path, None, **(path or {})),
        data_confirm=confirm or None,
    )


def action_button(
    view: View,
    action: Action,
    text: str,
    *,
    path: Mapping[str, object] | None = None,
    values: Mapping[str, str] | None = None,
    confirm: str = "",
    danger: bool = False,
    small: bool = False,
    label: str = "",
) -> Html:
    """A button that acts at once, or after the question `confirm`. `label` says for screen readers what it acts on."""
    if action.role is not None and not view.may(action.role):
        return _NOTHING
    classes = " ".join(name for name, on in (("danger", danger), ("small", small)) if on)
    return tag.form(
        hidden("csrf", view.csrf),
        *(hidden(name, value) for name, value in (values or {}).items()),
        tag.button(text, type="submit", class_=classes or None, aria_label=label or None),
        method="post",
        action=address(action.path, None, **(path or {})),
        class_="inline",
        data_confirm=confirm or None,
    )


def dialog(view: View, identity: str, title: str, *children: Child) -> Html:
    """A box that a button made by `opens` shows. Empty when there is nothing in it that the role allows."""
    inside = join(*children)
    if not inside:
        return _NOTHING
    return tag.dialog(
        tag.header(
            tag.h2(title, id=f"{identity}-title"),
            tag.button("×", type="button", class_="quiet", data_close=True, aria_label=view.t("Close")),
        ),
        inside,
        id=identity,
        aria_labelledby=f"{identity}-title",
    )


def opens(view: View, action: Action, identity: str, text: str, *, primary: bool = False, small: bool = False) -> Html:
    """The button that opens a dialog for an action, for those who may do it."""
    if action.role is not None and not view.may(action.role):
        return _NOTHING
    classes = " ".join(name for name, on in (("primary", primary), ("small", small)) if on)
    return tag.button(text, type="button", data_opens=identity, aria_haspopup="dialog", class_=classes or None)


def hidden(name: str, value: str) -> Html:
    """A field that is not shown."""
    return tag.input(type="hidden", name=name, value=value)


def text_field(
    name: str,
    label: str,
    value: str = "",
    *,
    hint: str = "",
    required: bool = False,
    most: int | None = None,
    kind: str = "text",
    autocomplete: str = "off",
    pattern: str | None = None,
) -> Html:
    """One line of text; `most` characters, `kind` an HTML type such as password or email."""
    return _field(
        name,
        label,
        hint,
        tag.input(
            type=kind,
            name=name,
            value=value,
            required=required,
            maxlength=most,
            autocomplete=autocomplete,
            pattern=pattern,
        ),
    )


def number_field(
    name: str,
    label: str,
    value: object = "",
    *,
    hint: str = "",
    low: int | float | None = None,
    high: int | float | None = None,
    step: str = "1",
    required: bool = False,
) -> Html:
    """A number; `step` "any" allows fractions."""
    written = "" if value is None else str(value)
    return _field(
        name,
        label,
        hint,
        tag.input(type="number", name=name, value=written, min=low, max=high, step=step, required=required),
    )


def area_field(
    name: str,
    label: str,
    value: str = "",
    *,
    hint: str = "",
    rows: int = 5,
    most: int | None = None,
    mono: bool = False,
) -> Html:
    """Several lines of text."""
    area = tag.textarea(
        value, name=name, rows=rows, maxlength=most, class_="mono" if mono else None, spellcheck="false"
    )
    return _field(name, label, hint, area)


def select_field(
    name: str,
    label: str,
    options: Iterable[tuple[str, str]],
    value: str = "",
    *,
    hint: str = "",
    many: bool = False,
    shows: str = "",
) -> Html:
    """One of several: (value, text). With `shows`, parts of the form with `data_when_SHOWS="VALUE …"` belong to it."""
    chosen = _options(options, value)
    return _field(name, label, hint, tag.select(chosen, name=name, multiple=many, data_shows=shows or None))


def check_field(name: str, label: str, on: bool = False, *, value: str = "true", hint: str = "") -> Html:
    """A box to tick."""
    return tag.label(
        tag.input(type="checkbox", name=name, value=value, checked=on),
        tag.span(label, hint and tag.small(hint)),
        class_="check",
    )


def file_field(name: str, label: str, *, accept: str = "", hint: str = "") -> Html:
    """A text file: its content is sent as the text of the field."""
    return _field(name, label, hint, tag.input(type="file", data_text=name, accept=accept or None, name=None))


def _options(options: Iterable[tuple[str, str]], value: str) -> Sequence[Html]:
    return [tag.option(text, value=key, selected=key == value) for key, text in options]


def _field(name: str, label: str, hint: str, control: Html) -> Html:
    return tag.label(tag.span(label), control, hint and tag.small(hint), class_="field", data_field=name)
