"""A secret in memory: it does not show itself in logs, errors or debuggers' reprs."""

import hmac

__all__ = ["Secret"]


class Secret:
    """Wraps a text; only `reveal()` gives it away. Compared in constant time, so it has no hash."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(****)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def masked(self) -> str:
        """First and last four characters, as consoles show it."""
        return f"{self._text[:4]}{'*' * max(len(self._text) - 8, 4)}{self._text[-4:]}"
