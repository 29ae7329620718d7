"""Who may have a device: the rules of binding, unbinding and sharing, without database (domain-rules.md section 12).

Each function looks at all bindings of one device and answers with what changes, or raises Conflict. Rules count for
each App on its own: users of other Apps never stand in the way.
"""

from collections.abc import Iterable, Sequence

import msgspec

from .end_user_entities import VALID, Binding, EndUser
from .end_user_news import Cause
from .errors import Conflict, LimitReached
from .products import ALTERNATE, SINGLE

__all__ = [
    "COVERS",
    "MAX_OF_DEVICE",
    "REPLACE",
    "Claim",
    "Grant",
    "Plan",
    "accept",
    "bind",
    "cancel_share",
    "expire",
    "holder",
    "leave",
    "unbind",
]

MAX_OF_DEVICE = 1_000  # bindings of one device
REPLACE, ADD, IF_LONGER = COVERS = 1, 2, 3  # cover mark of a share


class Claim(msgspec.Struct, frozen=True):
    """A user wants a device: by what (`binding_type`), in which mode of the product, with or without proof."""

    binding_type: int
    bind_mode: int
    verified: bool = False


class Grant(msgspec.Struct, frozen=True):
    """A share that is about to be accepted; `use_until` (epoch ms) None means for ever."""

    code: str
    owner_id: int
    cover: int
    use_until: int | None


class Plan(msgspec.Struct, frozen=True):
    """What changes: bindings that go, each with its cause (None: nobody is told), and the one that comes."""

    removed: tuple[tuple[Binding, Cause | None], ...] = ()
    added: Binding | None = None
    cause: Cause | None = None


def bind(held: Sequence[Binding], user: EndUser, claim: Claim, new: tuple[int, int], now_ms: int) -> Plan:
    """`user` binds the device; `new` is the id of the binding and of the device.

    Raises Conflict (5049 when it is bound by this user, 5412 when another has it and the product allows one), and
    LimitReached.
    """
    mine = _of(held, user)
    added = Binding(
        id=new[0],
        device_id=new[1],
        end_user_id=user.id,
        end_user_app_id=user.end_user_app_id,
        owner_id=None,
        binding_type=claim.binding_type,
        bind_mode=claim.bind_mode,
        verified=claim.verified,
        status=VALID,
        share_code=None,
        bound_at=now_ms,
        expires_at=None,
        voided_at=None,
        uid=user.uid,
    )
    if mine is not None and mine.is_own and mine.status == VALID:
        if mine.verified or not claim.verified:
            raise _bound_already(user)
        return Plan(((mine, None),), added, Cause.PROVED)
    others = [
        binding
        for binding in _in_app(held, user)
        if binding.is_own and binding.status == VALID and binding.end_user_id != user.id
    ]
    if others and claim.bind_mode == SINGLE:
        raise Conflict(
            "bound_by_another", "the product allows one user, and another one has bound the device", wire=5412
        )
    removed = [(mine, _cause_of_end(mine, Cause.SHARE_REPLACED, now_ms))] if mine is not None else []
    if claim.bind_mode == ALTERNATE:
        for other in others:
            removed += [(binding, cause) for binding, cause in _with_shares(held, other, now_ms) if binding is not mine]
    return Plan(tuple(_within_limit(held, removed)), added)


def unbind(held: Sequence[Binding], user_id: int, now_ms: int) -> Plan:
    """The user gives the device up, and with an own binding everybody the user shared it with. Raises Conflict 5052."""
    mine = next((binding for binding in held if binding.end_user_id == user_id), None)
    if mine is None or mine.is_over(now_ms):
        raise Conflict("not_bound", "the user has not bound this device", wire=5052)
    return Plan(tuple(_with_shares(held, mine, now_ms)))


def leave(held: Sequence[Binding], user_id: int, now_ms: int) -> Plan:
    """The user is gone: whatever the user has or shares goes, void or not."""
    gone = [
        (binding, Cause.UNBOUND if binding.is_own else Cause.SHARE_CANCELLED)
        for binding in held
        if user_id in (binding.end_user_id, binding.owner_id)
    ]
    return Plan(tuple((binding, _cause_of_end(binding, cause, now_ms)) for binding, cause in gone))


def accept(held: Sequence[Binding], user: EndUser, grant: Grant, new: tuple[int, int], now_ms: int) -> Plan:
    """`user` accepts a share. Raises Conflict: 5137 when who shares has not got the device any more, 5139 for an own
    share, 5049 when the user has bound the device, 5151 when cover mark 3 would shorten what is there."""
    giver = holder(held, grant.owner_id, now_ms)
    if giver is None or not giver.is_own or giver.end_user_app_id != user.end_user_app_id:
        raise Conflict("share_invalid", "who shared the device has not got it any more", wire=5137)
    if giver.end_user_id == user.id:
        raise Conflict("own_share", "the share is the user's own", wire=5139)
    mine = _of(held, user)
    if mine is not None and mine.is_own and mine.status == VALID:
        raise _bound_already(user)
    before = mine if mine is not None and mine.holds(now_ms) else None
    until, cause = grant.use_until, Cause.SHARE_REPLACED
    if before is not None and grant.cover == ADD:
        until, told = _longer(before.expires_at, grant.use_until, now_ms), None
    elif before is not None and grant.cover == IF_LONGER and _is_shorter(grant.use_until, before.expires_at):
        raise Conflict("share_shorter", "the share ends before the one that is in use", wire=5151)
    else:
        told = _cause_of_end(mine, cause, now_ms) if mine is not None else None
    added = Binding(
        id=new[0],
        device_id=new[1],
        end_user_id=user.id,
        end_user_app_id=user.end_user_app_id,
        owner_id=grant.owner_id,
        binding_type=giver.binding_type,
        bind_mode=giver.bind_mode,
        verified=giver.verified,
        status=VALID,
        share_code=grant.code,
        bound_at=now_ms,
        expires_at=until,
        voided_at=None,
        uid=user.uid,
    )
    removed = [(mine, told)] if mine is not None else []
    return Plan(tuple(_within_limit(held, removed)), added)


def cancel_share(held: Sequence[Binding], code: str, now_ms: int) -> Plan:
    """A share is taken back: whoever has the device by it loses it."""
    found = (binding for binding in held if binding.share_code == code)
    return Plan(tuple((binding, _cause_of_end(binding, Cause.SHARE_CANCELLED, now_ms)) for binding in found))


def expire(held: Sequence[Binding], now_ms: int) -> Plan:
    """Shares whose time has run out go."""
    over = (binding for binding in held if binding.is_over(now_ms))
    return Plan(tuple((binding, _cause_of_end(binding, None, now_ms)) for binding in over))


def holder(held: Iterable[Binding], user_id: int, now_ms: int) -> Binding | None:
    """The binding by which a user has the device now."""
    return next((found for found in held if found.end_user_id == user_id and found.holds(now_ms)), None)


def _of(held: Sequence[Binding], user: EndUser) -> Binding | None:
    return next((binding for binding in held if binding.end_user_id == user.id), None)


def _in_app(held: Sequence[Binding], user: EndUser) -> list[Binding]:
    return [binding for binding in held if binding.end_user_app_id == user.end_user_app_id]


def _with_shares(held: Sequence[Binding], mine: Binding, now_ms: int) -> list[tuple[Binding, Cause | None]]:
    """A binding and what was shared on the strength of it; what is void already is left to those who see it."""
    cause = Cause.UNBOUND if mine.is_own else Cause.SHARE_CANCELLED
    shared = [
        binding
        for binding in held
        if mine.is_own and mine.status == VALID == binding.status and binding.owner_id == mine.end_user_id
    ]
    return [
        (mine, _cause_of_end(mine, cause, now_ms)),
        *((binding, _cause_of_end(binding, Cause.SHARE_CANCELLED, now_ms)) for binding in shared),
    ]


def _cause_of_end(binding: Binding, cause: Cause | None, now_ms: int) -> Cause | None:
    """Why a binding ends: of a void one everybody was told before, and one whose time is over has that cause."""
    if binding.status != VALID:
        return None
    return Cause.SHARE_EXPIRED if binding.is_over(now_ms) else cause


def _within_limit(
    held: Sequence[Binding], removed: list[tuple[Binding, Cause | None]]
) -> list[tuple[Binding, Cause | None]]:
    if len(held) - len(removed) >= MAX_OF_DEVICE:
        raise LimitReached("device_bindings", f"the device has {MAX_OF_DEVICE} bindings, its limit")
    return removed


def _longer(before: int | None, use_until: int | None, now_ms: int) -> int | None:
    """Cover mark 2: the time of the new share is added to what is left of the old one."""
    return None if before is None or use_until is None else before + (use_until - now_ms)


def _is_shorter(use_until: int | None, before: int | None) -> bool:
    return use_until is not None and (before is None or use_until < before)


def _bound_already(user: EndUser) -> Conflict:
    return Conflict("bound_already", f"user {user.uid} has bound the device already", wire=5049)
