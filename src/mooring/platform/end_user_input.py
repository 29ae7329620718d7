"""What is given about end users, and the checks of it."""

import re

import msgspec

from .end_user_entities import THIRD_PARTIES, EndUser
from .errors import Conflict, Invalid
from .fields import check_text

__all__ = ["EndUserChanges", "NewEndUser", "changed", "checked"]

_TEXTS = {
    "nickname": 50,
    "headimg": 1024,
    "address": 254,
    "province": 64,
    "city": 64,
    "nationality": 64,
    "lang": 32,
    "timezone": 64,
    "signature": 254,
    "remark": 254,
}
"""Most characters of each text of a profile."""

_UID = re.compile("C([0-9]{1,15})")
_PHONE = re.compile("[0-9]{4,20}")
_INTERNATIONAL_CODE = re.compile("[0-9]{1,6}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
_DEFAULT_INTERNATIONAL_CODE = "86"
_THIRD_PARTY_CHARACTERS = 128
_NICKNAME, _PHONE_WRONG, _EMAIL_WRONG, _SEX_WRONG, _UID_WRONG = 5060, 5001, 5040, 5061, 5472


class _Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    nickname: str | msgspec.UnsetType | None = msgspec.UNSET
    international_code: str | msgspec.UnsetType | None = msgspec.UNSET
    phone: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    headimg: str | msgspec.UnsetType | None = msgspec.UNSET
    sex: int | msgspec.UnsetType | None = msgspec.UNSET
    address: str | msgspec.UnsetType | None = msgspec.UNSET
    province: str | msgspec.UnsetType | None = msgspec.UNSET
    city: str | msgspec.UnsetType | None = msgspec.UNSET
    nationality: str | msgspec.UnsetType | None = msgspec.UNSET
    lang: str | msgspec.UnsetType | None = msgspec.UNSET
    timezone: str | msgspec.UnsetType | None = msgspec.UNSET
    signature: str | msgspec.UnsetType | None = msgspec.UNSET
    remark: str | msgspec.UnsetType | None = msgspec.UNSET
    third_party: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class NewEndUser(_Profile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user to register, with at least one of phone, e-mail and third-party id. `uid` is made unless given, as when
    users move here with the ids they have."""

    uid: str | None = None


class EndUserChanges(_Profile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a user; a member that is not given stays, None takes it away. `third_party` replaces all."""


_PROFILE = _Profile.__struct_fields__


def checked(new: NewEndUser) -> tuple[dict[str, object], int | None]:
    """The profile of a new user, every member of it, and the number in the uid when one is given. Raises Invalid."""
    number = None
    if new.uid is not None:
        found = _UID.fullmatch(new.uid)
        if found is None or new.uid != f"C{int(found[1])}":
            message = "uid must be C and 1 to 15 digits, without leading zeros"
            raise Invalid("uid", message, field="uid", wire=_UID_WRONG)
        number = int(found[1])
    return _profile({name: _given(getattr(new, name)) for name in _PROFILE}), number


def changed(user: EndUser, changes: EndUserChanges) -> dict[str, object]:
    """The whole profile after the changes. Raises Invalid, and Conflict (5062) when nothing differs."""
    before = {name: getattr(user, name) for name in _PROFILE}
    given = {name: getattr(changes, name) for name in _PROFILE}
    after = _profile({name: before[name] if value is msgspec.UNSET else value for name, value in given.items()})
    if after == before:
        raise Conflict("nothing_to_change", "nothing differs from what is stored", wire=5062)
    return after


def _given(value: object) -> object:
    return None if value is msgspec.UNSET else value


def _profile(values: dict[str, object]) -> dict[str, object]:
    found = dict(values)
    for name, high in _TEXTS.items():
        found[name] = _text(name, values[name], high)
    sex = values["sex"]
    if sex is not None and sex not in (0, 1, 2):
        raise Invalid("sex", f"sex is {sex}; 0 male, 1 female, 2 private", field="sex", wire=_SEX_WRONG)
    found["third_party"] = _third_party(values["third_party"] or {})
    found["email"] = _matching("email", values["email"], _EMAIL, "an e-mail address", _EMAIL_WRONG)
    found["phone"] = _matching("phone", values["phone"], _PHONE, "4 to 20 digits", _PHONE_WRONG)
    code = values["international_code"] or (_DEFAULT_INTERNATIONAL_CODE if found["phone"] else None)
    found["international_code"] = _matching(
        "international_code", code, _INTERNATIONAL_CODE, "1 to 6 digits without +", _PHONE_WRONG
    )
    if found["phone"] is None:
        found["international_code"] = None
    if not (found["phone"] or found["email"] or found["third_party"]):
        message = "a user has at least one of phone, e-mail and third-party id"
        raise Invalid("no_identity", message, field="phone", wire=5044)
    return found


def _text(name: str, value: object, high: int) -> str | None:
    if value is None or value == "":
        return None
    try:
        return check_text(name, str(value), low=1, high=high)
    except Invalid as error:
        wire = _NICKNAME if name == "nickname" else None
        raise Invalid(error.code, error.message, field=name, wire=wire) from None


def _matching(name: str, value: object, pattern: re.Pattern[str], meaning: str, wire: int) -> str | None:
    if value is None or value == "":
        return None
    text = str(value).strip()
    if not pattern.fullmatch(text):
        raise Invalid(name, f"{name} must be {meaning}", field=name, wire=wire)
    return text


def _third_party(given: object) -> dict[str, str]:
    found = {}
    for name, value in dict(given).items() if isinstance(given, dict) else ():
        if name not in THIRD_PARTIES:
            message = f"third_party has no {name!r}; allowed: {', '.join(THIRD_PARTIES)}"
            raise Invalid("third_party", message, field="third_party")
        text = _text(f"third_party.{name}", value, _THIRD_PARTY_CHARACTERS)
        if text is not None:
            found[name] = text
    return found
