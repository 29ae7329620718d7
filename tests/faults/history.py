"""What a load process was told, and whether the platform kept to it."""

import base64
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from faults.load import COUNTDOWN, ENERGY
from mooring.protocol import ttlv
from mooring.protocol.ttlv import Field
from served import DATA, Served

__all__ = ["COUNTDOWN", "ENERGY", "History", "check_everything_acknowledged_is_kept", "loaded", "static_devices"]


class History:
    """The lines of a load process so far; see `faults.load`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    @property
    def size(self) -> int:
        """How many PUBACKs came."""
        return self.path.read_text().count("A ")

    def of(self, kind: str) -> dict[str, list[int]]:
        """Numbers by device key, in their order. `kind` is A or C."""
        found: dict[str, list[int]] = defaultdict(list)
        for line in self.path.read_text().splitlines():
            words = line.split()
            if words[0] == kind:
                found[words[1]].append(int(words[2]))
        return found

    @property
    def connected(self) -> set[str]:
        """Keys of devices that have subscribed."""
        return {line.split()[1] for line in self.path.read_text().splitlines() if line.startswith("O ")}


def static_devices(cloud: Served, keys: Iterable[str]) -> dict[str, str]:
    """Add devices that have their secrets from the beginning: secrets by key."""
    body = {"devices": [{"device_key": key, "auth_mode": 1} for key in keys]}
    added = cloud.manage("POST", f"/products/{cloud.product_key}/devices/batch", body)
    return {row["device_key"]: row["device_secret"] for row in added["items"]}


@contextmanager
def loaded(
    cloud: Served, history: History, secrets: Mapping[str, str], first: int, windows: Mapping[str, int]
) -> Iterator["subprocess.Popen[str]"]:
    """A load process; it ends by itself once the server is gone, and with the block at the latest."""
    command = [sys.executable, "-m", "faults.load", str(cloud.running.mqtt_port), str(history.path)]
    lines = [
        f"{cloud.client_id(key)} {cloud.password(secret)} {key} {first} {windows[key]}"
        for key, secret in secrets.items()
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as process:
        assert process.stdin is not None
        process.stdin.write("\n".join(lines))
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def check_everything_acknowledged_is_kept(cloud: Served, history: History) -> None:
    """Each number is in the data log as a whole row, and the newest value is not older than the last one."""
    for key, numbers in history.of("A").items():
        logged = [row for row in cloud.rows(DATA, key, direction=1) if row["cmd"] == "0014"]
        kept = []
        for row in logged:
            [value] = json.loads(row["dmData"])
            assert ttlv.decode(base64.b64decode(row["data"])) == [Field(ENERGY, Decimal(value["value"]))]
            assert (value["id"], row["sendStatus"], row["msgType"]) == (ENERGY, 1, "up")
            kept.append(int(value["value"]))
        missing = set(numbers) - set(kept)
        assert not missing, f"{key}: {len(missing)} of {len(numbers)} acknowledged messages are not in the log"
        newest = int(cloud.values(key)["energy_total"])
        assert newest >= max(numbers)
        assert newest in kept, f"{key}: the newest value {newest} is not of any message in the log"
        assert newest == max(kept)
