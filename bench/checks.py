"""That what was measured was a success: answers looked at before and after, and the server's own counters."""

from collections.abc import Mapping, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

from .errors import BenchFailed

__all__ = ["check_answers", "check_counters", "counters"]

Counters = Mapping[tuple[str, str], float]

_SAMPLES = 20


def check_answers(client: httpx.Client, requests: Sequence[str], headers: Mapping[str, str]) -> int:
    """Ask some of the requests; the size of an answer. Raises BenchFailed unless each says code 200 with data."""
    size = 0
    for request in requests[:: max(1, len(requests) // _SAMPLES)]:
        answer = client.get(request, headers=headers)
        body = answer.json()
        if answer.status_code != 200 or body["code"] != 200 or not (body.get("data") or body.get("access_token")):
            raise BenchFailed(f"{request[:80]} answered {answer.status_code} {answer.text[:200]}")
        size = len(answer.content)
    return size


def counters(client: httpx.Client) -> Counters:
    """Calls that the server has answered, by operation and code."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (sample.labels["operation"], sample.labels["code"]): sample.value
        for family in families
        if family.name == "mooring_openapi_calls"
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def check_counters(before: Counters, after: Counters, operations: Sequence[str], calls: int) -> None:
    """Raises BenchFailed unless the server answered these calls, all of these operations, all with code 200."""
    grown = {key: value - before.get(key, 0.0) for key, value in after.items() if value != before.get(key, 0.0)}
    good = sum(grown.pop((operation, "200"), 0.0) for operation in operations)
    if grown or good < calls:
        raise BenchFailed(f"{', '.join(operations)}: {calls} calls were made, {good:.0f} had code 200, others: {grown}")
