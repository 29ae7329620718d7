"""Hypothesis strategies for the signed login of the contract."""

import string

from hypothesis import strategies as st

KNOWN_FIELDS = ("ver", "auth_mode", "sign_method", "access_key", "timestamp")

access_keys = st.text(string.ascii_letters + string.digits, min_size=1, max_size=64)
access_secrets = st.text(string.ascii_letters + string.digits, min_size=1, max_size=64)
timestamps = st.integers(min_value=0, max_value=10**16 - 1)
unknown_fields = st.dictionaries(
    st.text(string.ascii_lowercase, min_size=1, max_size=8).filter(lambda name: name not in KNOWN_FIELDS),
    st.text(string.ascii_letters + string.digits + "=%+ ", max_size=16),
    max_size=4,
)


def field_pairs(access_key: str, timestamp_ms: int) -> list[tuple[str, str]]:
    """Return the five known fields with right values, in the usual order."""
    return [
        ("ver", "1"),
        ("auth_mode", "accessKey"),
        ("sign_method", "sha256"),
        ("access_key", access_key),
        ("timestamp", str(timestamp_ms)),
    ]


def join(pairs: list[tuple[str, str]]) -> str:
    """Return the username text of the pairs, in their order."""
    return "&".join(f"{name}={value}" for name, value in pairs)
