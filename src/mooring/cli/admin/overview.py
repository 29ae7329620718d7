"""overview"""

from mooring.cli.screen import fields, say, table

from .command import runnable
from .session import Session

__all__ = ["overview"]


def _overview(session: Session) -> None:
    """Show the account at one glance: devices, messages, API calls, queues, what needs attention."""
    answer = session.get("/overview")
    found = answer.value

    def readable() -> None:
        devices = found["devices"]
        fields(
            {
                "devices": devices["real"],
                "online": devices["online"],
                "activated": devices["activated"],
                "virtual": devices["virtual"],
                "messages per minute": found["messages"][-1]["per_minute"] if found["messages"] else "",
            }
        )
        apps = ((app["name"], app["calls"], app["failures"]) for app in found["apps"])
        table(("Application", "Calls in 24 h", "Failures"), apps)
        queues = ((queue["name"], queue["waiting"], queue["consumers"]) for queue in found["queues"])
        table(("Queue", "Waiting", "Consumers"), queues)
        for entry in found["attention"]:
            say(f"look at {entry['kind']} {entry['name']}: {entry['code'].replace('_', ' ')}")

    session.show(answer, readable)


overview = runnable(_overview)
