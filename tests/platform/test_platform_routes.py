"""Which queues get what, against every subscription asked in turn (messages.md section 5)."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mooring.platform.routes import Routes, Subscription, Targets

PRODUCTS, DEVICES, APPS, QUEUES, CODES = (1, 2, 3), (11, 12, 21, 31), (100, 200), (7, 8, 9), (1, 2, 6, 15)
DOMAINS = ("C.DM.1.1", "C.DM.1.2")


@st.composite
def subscriptions(draw: st.DrawFn) -> Subscription:
    level = draw(st.sampled_from(("product", "device", "saas", "domain")))
    product_id = draw(st.sampled_from(PRODUCTS)) if level in ("product", "device") else None
    device_id = draw(st.sampled_from(DEVICES)) if level == "device" else None
    return Subscription(
        id=0,
        account_id=1,
        app_id=draw(st.sampled_from(APPS)),
        queue_id=draw(st.sampled_from(QUEUES)),
        name="",
        level=level,
        product_id=product_id,
        product_key=None,
        device_id=device_id,
        device_key=None,
        user_domain=draw(st.sampled_from(DOMAINS)) if level == "domain" else None,
        codes=tuple(draw(st.sets(st.sampled_from(CODES), min_size=1))),
        running=draw(st.booleans()),
        created_at=0,
        updated_at=None,
    )


MANY = st.lists(subscriptions(), max_size=30)
HOLDERS = st.fixed_dictionaries({product: st.sampled_from((*APPS, None)) for product in PRODUCTS})


def wanting(some: Sequence[Subscription], **members: object) -> set[int]:
    """Queues of the running subscriptions that have these members."""
    return {
        one.queue_id
        for one in some
        if one.running and all(getattr(one, name) == value for name, value in members.items())
    }


def of_device(
    some: Sequence[Subscription], holders: dict[int, int | None], product_id: int, device_id: int, code: int
) -> set[int]:
    """Every subscription asked in turn."""
    found = set()
    for one in some:
        about = one.product_id == product_id and one.device_id in (None, device_id)
        if one.running and about and code in one.codes and one.app_id == holders[product_id]:
            found.add(one.queue_id)
    return found


@given(MANY, HOLDERS)
def test_a_happening_reaches_the_queues_of_every_subscription_that_matches_once(
    some: list[Subscription], holders: dict[int, int | None]
) -> None:
    routes = Routes(some, holders)
    for product_id in PRODUCTS:
        targets: Targets | None = routes.of_product(product_id)
        for code in CODES:
            every = [of_device(some, holders, product_id, device_id, code) for device_id in DEVICES]
            for device_id, expected in zip(DEVICES, every, strict=True):
                found = targets.queues(device_id, code) if targets is not None else ()
                assert (set(found), len(found)) == (expected, len(expected))
            assert (targets is not None and targets.wants(code)) == any(every)


@given(MANY)
def test_applications_and_domains_are_told_apart(some: list[Subscription]) -> None:
    routes = Routes(some, {})
    for code in CODES:
        chosen = [one for one in some if code in one.codes]
        for app_id in APPS:
            found = routes.of_app(app_id, code)
            assert set(found) == wanting(chosen, level="saas", app_id=app_id)
            assert len(found) == len(set(found))
        for domain in DOMAINS:
            assert set(routes.of_domain(domain, code)) == wanting(chosen, level="domain", user_domain=domain)


@given(MANY, st.integers(0, 10**6))
def test_what_nobody_subscribed_to_goes_nowhere(some: list[Subscription], number: int) -> None:
    routes = Routes([one for one in some if one.product_id != 3], {3: APPS[0]})
    assert routes.of_product(3) is None
    assert routes.of_product(10**6 + number) is None
    assert routes.of_app(10**6 + number, 1) == ()
    assert routes.of_domain(str(number), 1) == ()
