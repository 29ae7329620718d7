"""The network of commands: every call names the language of its answer."""

import httpx

__all__ = ["AskingTransport"]


class AskingTransport(httpx.HTTPTransport):
    """Adds `language` to every query that has none.

    The contract has it for some operations only (openapi-notes.md section 6); a Mooring heeds it for all, and another
    cloud may ignore it. The query is not signed and stays as it is otherwise.
    """

    def __init__(self, language: str, *, verify: bool) -> None:
        super().__init__(verify=verify)
        self._language = b"language=" + language.encode()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if "language" not in request.url.params:
            query = b"&".join(part for part in (request.url.query, self._language) if part)
            request.url = request.url.copy_with(query=query)
        return super().handle_request(request)
