"""Where the clouds of this kind are, as their public documentation has it.

`eu` is the address in the English edition of the platform's OpenAPI guide, `cn` that in the Chinese one; `local` is
where `mooring up` listens. Their AMQP addresses are shown with each queue, so none stands here.
"""

__all__ = ["REGIONS", "base_url_of"]

REGIONS = {
    "cn": "https://iot-api.quectelcn.com",
    "eu": "https://iot-api.acceleronix.io",
    "local": "http://127.0.0.1:8080",
}


def base_url_of(region: str) -> str:
    """Return the address of a region. Raises `ValueError` for one that is not known."""
    try:
        return REGIONS[region]
    except KeyError:
        raise ValueError(
            f"region must be one of {', '.join(sorted(REGIONS))}; give base_url for another cloud"
        ) from None
