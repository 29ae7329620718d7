"""`mooring product …`: products that the application is authorized for."""

from mooring.cli.arguments import ProductKey
from mooring.cli.screen import fields, moment, table
from mooring.cli.shared import group

from .command import command
from .limits import Limit, cut, told
from .session import Cloud

__all__ = ["product"]

product = group("Products that the application is authorized for.")

_ACCESS = {0: "direct", 1: "gateway", 2: "sub-device"}
_FORMAT = {0: "transparent", 3: "thing model"}
_NET = {"1": "Wi-Fi", "2": "cellular", "3": "NB-IoT", "5": "Bluetooth"}


@command(product, "ls")
def _ls(cloud: Cloud, limit: Limit = 100) -> None:
    """List products, newest first."""
    rows, more = cut(cloud.client.products.list(), limit)

    def readable() -> None:
        table(
            ("Product", "Name", "Access", "Data", "Network", "Created"),
            (
                (
                    row.product_key,
                    row.product_name,
                    _ACCESS.get(row.access_type or 0, row.access_type),
                    _FORMAT.get(row.data_format or 0, row.data_format),
                    _NET.get(row.network or "", row.network),
                    moment(row.create_time_ms),
                )
                for row in rows
            ),
            optional=("Access", "Data", "Network", "Created"),
        )
        told(len(rows), more)

    cloud.show([row.raw for row in rows], readable)


@command(product, "show")
def _show(cloud: Cloud, product_key: ProductKey) -> None:
    """Show a product, and what its released thing model has."""
    from mooring.client import ApiError

    found = cloud.client.products.detail(product_key)
    try:
        model = cloud.client.thing_models.export(product_key)
    except ApiError:  # transparent, or nothing was released
        model = None

    def readable() -> None:
        fields(
            {
                "product": found.product_key,
                "name": found.product_name,
                "access": _ACCESS.get(found.access_type or 0, found.access_type),
                "data": _FORMAT.get(found.data_format or 0, found.data_format),
                "network": _NET.get(found.network or "", found.network),
                "created": moment(found.create_time_ms),
                "changed": moment(found.update_time_ms, "never"),
                "thing model": "none" if model is None else f"release {model.version}",
            }
        )
        if model is not None:
            table(
                ("Kind", "Code", "Name", "Type", "Access or level"),
                [
                    *(("property", row.code, row.name, row.data_type, row.sub_type) for row in model.properties),
                    *(("service", row.code, row.name, "", row.sub_type) for row in model.services),
                    *(("event", row.code, row.name, "", row.sub_type) for row in model.events),
                ],
            )

    cloud.show({"product": found.raw, "thing_model": None if model is None else model.raw}, readable)
