"""What left the queues of customers, and when they were used last: added up in memory, written now and then."""

from sqlalchemy import bindparam, case, update

from . import tables
from .statement import Change

__all__ = ["COUNT", "COUNTERS"]

_queues = tables.queues
_used = bindparam("used", type_=_queues.c.used_at.type)

COUNTERS = ("pushed", "acked", "expired", "overflowed", "rejected", "cleared")

COUNT = Change(
    update(_queues)
    .where(_queues.c.id == bindparam("of_queue"))
    .values(
        {name: _queues.c[name] + bindparam(f"more_{name}", type_=_queues.c[name].type) for name in COUNTERS}
        | {"used_at": case((_used > _queues.c.used_at, _used), else_=_queues.c.used_at)}
    )
)
