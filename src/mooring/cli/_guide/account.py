"""The administrator's half: an application, its service packages, a product with a thing model, and the keys."""

import json
from typing import Any, NamedTuple

from mooring.demo import sample_models

from .talk import Talk, free_name

__all__ = ["PACKAGE", "SAMPLE", "Made", "make_account"]

PACKAGE = "product-and-device-management"
SAMPLE = "smart-plug"


class Made(NamedTuple):
    """What the other chapters work with."""

    app_id: int
    access_key: str
    access_secret: str
    product_key: str
    product_secret: str


def make_account(talk: Talk) -> Made:
    """Walk the chapter. Raises GuideFailed."""
    app = _create_app(talk)
    _enable_packages(talk, app["id"])
    product = _make_product(talk, app["id"])
    talk.step("Take AccessKey and AccessSecret")
    access_secret = talk.ask("GET", f"/saas-apps/{app['id']}/secret")["access_secret"]
    return Made(app["id"], app["access_key"], access_secret, product["product_key"], product["product_secret"])


def _create_app(talk: Talk) -> dict[str, Any]:
    talk.step("Create a SaaS application")
    taken = {app["name"] for app in talk.ask("GET", "/saas-apps", quiet=True)["items"]}
    name = free_name("Guide application", taken)
    return talk.ask("POST", "/saas-apps", {"name": name, "description": "Made by mooring demo"})


def _enable_packages(talk: Talk, app_id: int) -> None:
    talk.step("Enable service packages in the service market")
    for package in talk.ask("GET", "/services")["items"]:
        if package["activated_at"] is None:
            talk.ask("POST", f"/services/{package['package']}/activate")
    talk.step("Authorize a service package to the application")
    talk.ask("PUT", f"/saas-apps/{app_id}/packages/{PACKAGE}")


def _make_product(talk: Talk, app_id: int) -> dict[str, Any]:
    talk.step("Make a product and give it a thing model")
    taken = {product["name"] for product in talk.ask("GET", "/products", quiet=True)["items"]}
    product = talk.ask("POST", "/products", {"name": free_name("Guide smart plug", taken), "data_fmt": 3})
    key = product["product_key"]
    document = json.loads(sample_models()[SAMPLE].read_text())
    talk.ask("PUT", f"/products/{key}/thing-model/draft", document)
    talk.ask("POST", f"/products/{key}/thing-model/release")
    talk.step("Authorize the product's data to the application")
    talk.ask("PUT", f"/saas-apps/{app_id}/products/{key}")
    return product
