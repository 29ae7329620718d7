"""Sessions for tests: one that is open, and two joined by a wire that tests can look at."""

from mooring.protocol.mqtt import ClientSession, Connect, Event, Limits, ServerSession, Subscribe
from mooring.protocol.mqtt.encode import encode

CID = "qdp11TestPK861234567890123"
UP = f"q/2/d/{CID}/bus"
DOWN = f"q/1/d/{CID}/sys"
FILTER = f"q/1/d/{CID}/+"
DEVICE = Connect(CID, None, b"1;0000;ABCDEF0123456789;c2ln", 120)
CONNECT = encode(DEVICE)
CONNACK = b"\x20\x02\x00\x00"


def open_server(limits: Limits | None = None, connect: Connect = DEVICE, now: float = 0.0) -> ServerSession:
    """A server whose client was let in at `now`, with nothing left to send."""
    server = ServerSession(now, limits or Limits())
    server.receive_data(encode(connect), now)
    server.accept(now)
    assert server.data_to_send() == CONNACK
    return server


class Link:
    """A client and a server with a wire between them and one clock. `carry` runs both until nothing moves."""

    def __init__(self, limits: Limits | None = None, connect: Connect = DEVICE) -> None:
        self.now = 0.0
        self.server = ServerSession(self.now, limits or Limits())
        self.client = ClientSession(self.now, limits or Limits())
        self.client.connect(connect, self.now)

    def carry(self) -> tuple[list[Event], list[Event]]:
        """Return what the server and what the client were told."""
        at_server: list[Event] = []
        at_client: list[Event] = []
        while True:
            up, down = self.client.data_to_send(), self.server.data_to_send()
            if not up and not down:
                return at_server, at_client
            at_server += self.server.receive_data(up, self.now)
            at_client += self.client.receive_data(down, self.now)

    def open(self) -> "Link":
        """Let the client in, and grant its filter."""
        self.carry()
        self.server.accept(self.now)
        self.carry()
        self.client.subscribe([(FILTER, 1)], self.now)
        (request,) = self.carry()[0]
        assert isinstance(request, Subscribe)
        self.server.grant(request.packet_id, [1])
        self.carry()
        return self

    def wait(self, seconds: float) -> tuple[list[Event], list[Event]]:
        """Let time pass, deadline by deadline, and carry what that causes. Return what both were told."""
        at_server: list[Event] = []
        at_client: list[Event] = []
        until = self.now + seconds
        while True:
            due = [time for time in (self.server.next_deadline(), self.client.next_deadline()) if time is not None]
            self.now = max(self.now, min([until, *due]))
            told = self.server.on_time(self.now), self.client.on_time(self.now)
            carried = self.carry()
            at_server += told[0] + carried[0]
            at_client += told[1] + carried[1]
            if self.now >= until and not any(time <= self.now for time in due):
                return at_server, at_client
