"""A device without input and output: one life over any number of connections (device-protocol.md sections 2 to 5).

Bytes and time in, bytes and values out. How to drive it:

- `start`; then, whenever `state` is OPENING, connect to `address` and call `opened` or `open_failed`;
- pass received bytes to `receive_data`; call `lost` when the connection broke;
- call `on_time` when `next_deadline` has come;
- after every call send `data_to_send`, close the connection when `is_connected` is false, ask `next_deadline` again;
- keep what `MemoryChanged` holds, then call `memory_stored`.

The commands of the cloud that concern the connection (00A3, 00B3, 00B4, 0031, 0041) are handled here, the others come
as `Received`. What is not understood is ignored, as devices do, and told as `FrameIgnored`.
"""

import enum
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from mooring.device.codes import ALREADY_ONLINE, OK, EventNumber
from mooring.device.configuration import configure
from mooring.device.errors import DeliveryFailed, InvalidMessage, NotConnected
from mooring.device.events import (
    Delivered,
    DeviceEvent,
    FrameIgnored,
    MemoryChanged,
    Received,
    Told,
    Undelivered,
)
from mooring.device.lane import COPIES_WITHIN_S, Lane
from mooring.device.link import DeviceSession, sent_keep_alive
from mooring.device.memory import Address, Memory
from mooring.device.settings import Identity, Settings
from mooring.protocol import commands, credentials, frame, mqtt
from mooring.protocol.commands import TOPICS, Direction, Downlink, Uplink
from mooring.protocol.frame import Frame
from mooring.protocol.session_crypto import CipherError, SessionCipher

__all__ = ["DeviceCore", "State"]

_RAND_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_IDLE_CODE: Final = 10200  # this and everything below in 00A3 is no refusal

_LOST, _SILENT, _ANEW, _VERSION, _CREDENTIALS, _UNREACHABLE, _FAILED = 10474, 10473, 10475, 10471, 10430, 10450, 10300

# The last two digits of the codes of event 4.
_SUBJECTS: Final[Mapping[type, int]] = {
    commands.PassThroughUp: 0,
    commands.Report: 10,
    commands.LocationReport: 20,
    commands.StatusReport: 30,
    commands.ModuleInformationReport: 40,
}
_NO_SUBJECT: Final = -1  # a message of a sub-device is no event of its gateway

_Handled: TypeAlias = Callable[["DeviceCore", Any, int, float, list[Told]], None]


class State(enum.StrEnum):
    """Where a device stands."""

    OFF = "off"  # not started, or stopped
    RESTING = "resting"  # waits before it connects again
    OPENING = "opening"  # wants a connection to `address`
    CONNECTING = "connecting"  # CONNECT is out
    SUBSCRIBING = "subscribing"  # SUBSCRIBE is out
    AUTHENTICATING = "authenticating"  # waits for its secret
    READY = "ready"  # may send; the cloud has not confirmed anything yet
    ONLINE = "online"  # the cloud has confirmed the first report
    BARRED = "barred"  # refused by CONNACK 2 to 5: does not try again by itself


_USABLE: Final = (State.READY, State.ONLINE)


class DeviceCore:
    """One device; the module says how to drive it. `now` is seconds of one monotonic clock everywhere."""

    def __init__(
        self,
        identity: Identity,
        settings: Settings,
        memory: Memory | None = None,
        *,
        chance: random.Random | None = None,
    ) -> None:
        self._made = identity
        self._settings = settings
        self._memory = memory or Memory()
        self._chance = chance or random.SystemRandom()
        self._state = State.OFF
        self._session: DeviceSession | None = None
        self._cipher: SessionCipher | None = None
        self._copies = mqtt.ResendFilter(COPIES_WITHIN_S)
        self._lanes: dict[str, Lane] = {}  # of sub-devices that are logged in, by client id
        self._expected: dict[str, Lane] = {}  # of those that wait for the answer to their login
        self._topic_up = self._topic_down = ""  # without their last levels
        self._out = bytearray()
        self._resume_at: float | None = None
        self._failures = 0
        self._moving: Address | None = None  # a new server that has not proved itself
        self._moving_failures = 0
        self._packet_id = 0
        self._step = 0
        self._subscription = 0
        self._sent: dict[int, tuple[int, int]] = {}  # MQTT packet id → token, subject of event 4
        self._token = 0
        self._unstored = 0  # changes of the memory that are not stored yet
        self._held: list[tuple[int, bool]] = []  # MQTT packet ids to acknowledge then, and whether to announce
        self._first_report: int | None = None  # token of the status that shows that the cloud listens

    # What it is

    @property
    def state(self) -> State:
        """Where the device stands."""
        return self._state

    @property
    def memory(self) -> Memory:
        """What is to be kept across restarts."""
        return self._memory

    @property
    def identity(self) -> Identity:
        """Who the device is now; the cloud may have moved it to another product."""
        made, memory = self._made, self._memory
        return Identity(
            memory.product_key or made.product_key, memory.product_secret or made.product_secret, made.device_key
        )

    @property
    def address(self) -> Address:
        """Where to connect."""
        return self._moving or self._memory.server or Address(self._settings.host, self._settings.port)

    @property
    def is_connected(self) -> bool:
        """Say whether the connection is to be kept open."""
        return self._session is not None

    @property
    def _is_open(self) -> bool:
        """Say whether anything can still be sent."""
        return self._session is not None and not self._session.is_over

    def next_deadline(self) -> float | None:
        """Return when to call `on_time`, None when there is no need."""
        return self._resume_at if self._session is None else self._session.next_deadline()

    def data_to_send(self) -> bytes:
        """Return the bytes to send, and forget them."""
        if self._session is not None:
            self._out += self._session.data_to_send()
        data = bytes(self._out)
        self._out.clear()
        return data

    # What happens to it

    def remember(self, memory: Memory) -> None:
        """Take what was kept, before `start`."""
        self._memory = memory

    def start(self) -> None:
        """Want a connection at once; nothing when there is one already."""
        if self._session is None:
            self._state, self._resume_at = State.OPENING, None

    def stop(self) -> list[Told]:
        """End the connection and want none. Devices send no DISCONNECT (section 2)."""
        told: list[Told] = []
        self._drop(told)
        self._state, self._resume_at = State.OFF, None
        return told

    def opened(self, now: float) -> None:
        """The connection is there: send CONNECT."""
        identity, encryption = self.identity, self._settings.session_encryption
        self._topic_up, self._topic_down = f"q/2/d/{identity.client_id}/", f"q/1/d/{identity.client_id}/"
        rand = "".join(self._chance.choices(_RAND_ALPHABET, k=credentials.RAND_LENGTH))
        key, product_secret, secret = identity.product_key, identity.product_secret, self._memory.device_secret
        if secret is None:
            self._step = 0
            password = credentials.build_authentication(
                key, product_secret, identity.device_key, rand, session_encryption=encryption
            )
        else:
            self._step = 1
            password = credentials.build_connection(product_secret, secret, rand, session_encryption=encryption)
        self._session = DeviceSession(now)
        self._cipher, self._copies = None, mqtt.ResendFilter(COPIES_WITHIN_S)
        keep_alive_s = sent_keep_alive(self._settings.keep_alive_s)
        self._session.connect(mqtt.Connect(identity.client_id, None, password.encode(), keep_alive_s), now)
        self._state = State.CONNECTING

    def open_failed(self, now: float, detail: str = "") -> list[Told]:
        """No connection came about; `detail` is what the operating system said."""
        told: list[Told] = [DeviceEvent(EventNumber.AUTHENTICATION, _UNREACHABLE, detail)]
        self._fail(now, told)
        return told

    def receive_data(self, data: bytes, now: float) -> list[Told]:
        """Take bytes of the server, in any pieces."""
        if self._session is None:
            return []
        return self._take(self._session.receive_data(data, now), now)

    def lost(self, now: float, detail: str = "") -> list[Told]:
        """The connection broke, or the server closed it."""
        if self._session is None:
            return []
        return self._take(self._session.receive_eof(), now, detail)

    def on_time(self, now: float) -> list[Told]:
        """Do what is due."""
        if self._session is not None:
            return self._take(self._session.on_time(now), now)
        if self._resume_at is not None and now >= self._resume_at:
            self.start()
        return []

    def memory_stored(self, now: float) -> list[Told]:
        """The last change of the memory is safe: confirm what brought it, and go on."""
        told: list[Told] = []
        self._unstored -= 1
        if self._unstored == 0 and self._is_open:
            held, self._held = self._held, []
            for mqtt_id, _ in held:
                self._acknowledge(mqtt_id)
            if any(announce for _, announce in held):
                self._announce((EventNumber.AUTHENTICATION, EventNumber.LOGIN, EventNumber.SUBSCRIPTION), now, told)
        return told

    def break_off(self, now: float, detail: str) -> list[Told]:
        """Close the connection as if it were lost; nothing that is not sent yet goes out, confirmations included."""
        told: list[Told] = []
        self._broke(EventNumber.LOGIN, _LOST, now, told, detail)
        self._out.clear()
        return told

    # What it sends

    def set_status(self, status: commands.Status) -> None:
        """Take what to report of the device from now on."""
        self._settings = msgspec.structs.replace(self._settings, status=status)

    def publish(self, uplink: Uplink, qos: int, now: float, lane: Lane | None = None) -> int:
        """Send a message, of a sub-device on its `lane`. Return its token; with QoS 1 and 2 `Delivered` or
        `Undelivered` will name it.

        Raises `NotConnected`, `InvalidMessage`, or `DeliveryFailed` when too many wait for their confirmation.
        """
        if self._state not in _USABLE:
            raise NotConnected(f"the device is {self._state}")
        return self._publish(uplink, qos, now, lane)

    @property
    def last_packet_id(self) -> int:
        """The packet id of the device's last own message; answers to it repeat it."""
        return self._packet_id

    def expect(self, lane: Lane) -> None:
        """A sub-device asks to log in. When it may, what comes on its topics is told with its client id, from the next
        message after the answer on."""
        self._expected[lane.client_id] = lane

    def detach(self, lane: Lane) -> None:
        """A sub-device is not logged in any more."""
        self._lanes.pop(lane.client_id, None)
        self._expected.pop(lane.client_id, None)

    def reply(self, uplink: Uplink, packet_id: int, now: float, lane: Lane | None = None) -> None:
        """Answer a command of the cloud with its packet id, by QoS 0. Raises like `publish`."""
        if self._state not in _USABLE:
            raise NotConnected(f"the device is {self._state}")
        self._send(uplink, packet_id, 0, now, lane)

    def _publish(self, uplink: Uplink, qos: int, now: float, lane: Lane | None = None) -> int:
        packet_id = frame.next_packet_id(self._packet_id if lane is None else lane.packet_id)
        mqtt_id = self._send(uplink, packet_id, qos, now, lane)
        if lane is None:
            self._packet_id = packet_id
        else:
            lane.packet_id = packet_id
        self._token += 1
        if mqtt_id:
            own = lane is None and not isinstance(uplink, commands.SubDeviceRequest)
            self._sent[mqtt_id] = self._token, _SUBJECTS.get(type(uplink), 0) if own else _NO_SUBJECT
        return self._token

    def _send(self, uplink: Uplink, packet_id: int, qos: int, now: float, lane: Lane | None = None) -> int:
        """Return the MQTT packet id, 0 with QoS 0."""
        session = self._session
        if session is None or session.is_over:
            raise NotConnected("the connection is gone")
        try:
            payload = frame.encode(commands.encode(uplink, packet_id))
        except (commands.CommandError, frame.FrameError) as error:
            raise InvalidMessage(str(error)) from error
        up, cipher = (self._topic_up, self._cipher) if lane is None else (lane.topic_up, lane.cipher)
        topic = f"{up}{TOPICS[commands.command_of(uplink)]}"
        if cipher is not None:
            payload = cipher.encrypt(payload)
        try:
            return session.publish(topic, payload, qos, now)
        except mqtt.TooManyInFlight as error:
            raise DeliveryFailed(f"not sent: {error.reason}") from None
        except mqtt.InvalidArgument as error:
            raise InvalidMessage(error.reason) from None

    def _acknowledge(self, mqtt_id: int) -> None:
        if mqtt_id and self._session is not None:
            self._session.acknowledge(mqtt_id)

    # The session

    def _take(self, events: Iterable[mqtt.Event], now: float, detail: str = "") -> list[Told]:
        told: list[Told] = []
        for event in events:
            match event:
                case mqtt.ConnectAccepted() if self._is_open:
                    self._subscribe(now)
                case mqtt.ConnectRefused(return_code=code):
                    self._refused(code, now, told)
                case mqtt.Subscribed(packet_id=packet_id, codes=codes) if (
                    self._is_open and packet_id == self._subscription
                ):
                    self._subscribed(codes, now, told)
                case mqtt.PublishReceived():
                    if self._session is not None:
                        self._received(event, now, told)
                case mqtt.PublishAcked(packet_id=packet_id):
                    self._confirmed(packet_id, told)
                case mqtt.DeliveryUnconfirmed(packet_id=packet_id):
                    reason = "no confirmation in time" if self._is_open else "the connection broke"
                    self._unconfirmed(packet_id, reason, told)
                case mqtt.Disconnected():
                    self._broke(EventNumber.LOGIN, _LOST, now, told, detail)
                case mqtt.KeepAliveExpired():
                    self._broke(EventNumber.LOGIN, _SILENT, now, told)
                case mqtt.ProtocolViolated(reason=reason):
                    self._violated(reason, now, told)
                case _:
                    pass
        return told

    def _subscribe(self, now: float) -> None:
        if self._session is not None:
            self._subscription = self._session.subscribe([(f"{self._topic_down}+", 1)], now)
            self._state = State.SUBSCRIBING

    def _subscribed(self, codes: tuple[int, ...], now: float, told: list[Told]) -> None:
        if mqtt.GRANT_REFUSED in codes:
            self._broke(EventNumber.SUBSCRIPTION, _FAILED, now, told)
        elif self._state is not State.SUBSCRIBING:
            pass  # the secret came first
        elif self._step == 0:
            self._state = State.AUTHENTICATING
        else:
            self._announce((EventNumber.LOGIN, EventNumber.SUBSCRIPTION), now, told)

    def _announce(self, numbers: tuple[EventNumber, ...], now: float, told: list[Told]) -> None:
        """Tell that the device may send, and send status and module information (section 3)."""
        told += [DeviceEvent(number, OK) for number in numbers]
        self._state = State.ONLINE if self._state is State.ONLINE else State.READY
        status = commands.StatusReport(**msgspec.structs.asdict(self._settings.status))
        module = commands.ModuleInformationReport(**msgspec.structs.asdict(self._settings.module))
        self._first_report = self._publish(status, 1, now)
        self._publish(module, 1, now)

    def _confirmed(self, mqtt_id: int, told: list[Told]) -> None:
        token, subject = self._sent.pop(mqtt_id, (0, 0))
        if token:
            told.append(Delivered(token))
            if subject != _NO_SUBJECT:
                told.append(DeviceEvent(EventNumber.SENDING, OK + subject))
            self._proved(token, told)

    def _unconfirmed(self, mqtt_id: int, reason: str, told: list[Told]) -> None:
        token, subject = self._sent.pop(mqtt_id, (0, 0))
        if token:
            told.append(Undelivered(token, reason))
            if subject != _NO_SUBJECT:
                told.append(DeviceEvent(EventNumber.SENDING, _FAILED + subject))
            if self._is_open:
                self._proved(token, told)

    def _proved(self, token: int, told: list[Told]) -> None:
        """The fate of the first report is known: the connection works, whatever became of the report."""
        if token != self._first_report:
            return
        self._first_report, self._failures, self._state = None, 0, State.ONLINE
        if self._moving is not None:
            moved, self._moving = self._moving, None
            self._change(told, msgspec.structs.replace(self._memory, server=moved))

    # Ends of a connection

    def _drop(self, told: list[Told]) -> None:
        session, self._session = self._session, None
        if session is not None:
            unconfirmed = session.close()
            self._out += session.data_to_send()
            for event in unconfirmed:
                if isinstance(event, mqtt.DeliveryUnconfirmed):
                    self._unconfirmed(event.packet_id, "the connection was closed", told)
        self._sent.clear()
        self._held.clear()
        self._lanes.clear()
        self._expected.clear()
        self._cipher = self._first_report = None

    def _rest(self, seconds: float, now: float, told: list[Told]) -> None:
        self._drop(told)
        self._state, self._resume_at = State.RESTING, now + seconds

    def _fail(self, now: float, told: list[Told]) -> None:
        """Wait longer each time; a new server address has a few tries only."""
        timing = self._settings.timing
        self._failures += 1
        pause = timing.retry(self._failures, self._chance.random())
        if self._failures >= timing.rest_after:
            self._failures = 0
        if self._moving is not None:
            self._moving_failures += 1
            if self._moving_failures >= timing.move_tries:
                self._moving = None
        self._rest(pause, now, told)

    def _broke(self, number: EventNumber, code: int, now: float, told: list[Told], detail: str = "") -> None:
        if self._session is not None:
            told.append(DeviceEvent(number, code, detail))
            self._fail(now, told)

    def _violated(self, reason: str, now: float, told: list[Told]) -> None:
        subscribing = self._state is State.SUBSCRIBING
        number, code = (EventNumber.SUBSCRIPTION, _FAILED) if subscribing else (EventNumber.LOGIN, _LOST)
        self._broke(number, code, now, told, reason)

    def _refused(self, return_code: int, now: float, told: list[Told]) -> None:
        """CONNACK 1 to 5 (section 2.3)."""
        if return_code == 1:
            told.append(DeviceEvent(EventNumber.LOGIN, _VERSION))
            self._rest(self._settings.timing.long_refusal_s, now, told)
            return
        told.append(DeviceEvent(EventNumber.LOGIN, _CREDENTIALS, f"CONNACK {return_code}"))
        self._drop(told)
        self._state, self._resume_at = State.BARRED, None
        if self._memory.device_secret is not None:
            self._change(told, msgspec.structs.replace(self._memory, device_secret=None))

    def _anew(self, now: float, told: list[Told]) -> None:
        """Connect again because the cloud asks for it; nothing more goes out on this connection."""
        told.append(DeviceEvent(EventNumber.LOGIN, _ANEW))
        self._rest(self._settings.timing.anew_s, now, told)
        self._out.clear()

    def _change(self, told: list[Told], memory: Memory) -> None:
        self._memory = memory
        self._unstored += 1
        told.append(MemoryChanged(self._memory))

    # Commands of the cloud

    def _received(self, message: mqtt.PublishReceived, now: float, told: list[Told]) -> None:
        lane = None if message.topic.startswith(self._topic_down) else self._lane_of(message.topic)
        found = self._read(message, now, told, lane)
        if found is None:
            self._acknowledge(message.packet_id)
            return
        value, packet_id = found
        if lane is not None:
            told.append(Received(value, packet_id, lane.client_id))
            self._acknowledge(message.packet_id)
            return
        if isinstance(value, commands.SubDeviceLoginAnswer):
            self._let_in(value, told)
        handled = _HANDLED.get(type(value))
        if handled is not None:
            handled(self, value, message.packet_id, now, told)
            return
        if isinstance(value, commands.Unknown):
            told.append(FrameIgnored(f"command {value.command:04X} is not known"))
        elif isinstance(value, commands.ReadStatus | commands.ReadModuleInformation):
            self._answer(value, packet_id, now)
        else:
            told.append(Received(value, packet_id))
        self._acknowledge(message.packet_id)

    def _let_in(self, answer: commands.SubDeviceLoginAnswer, told: list[Told]) -> None:
        lane = self._expected.pop(credentials.client_id(answer.product_key, answer.device_key), None)
        if lane is None or answer.code not in (OK, ALREADY_ONLINE):
            return
        try:
            lane.log_in(answer.session_key)
        except ValueError as error:
            told.append(FrameIgnored(str(error)))
            return
        self._lanes[lane.client_id] = lane

    def _lane_of(self, topic: str) -> Lane | None:
        client_id = topic.removeprefix("q/1/d/").partition("/")[0]
        return self._lanes.get(client_id)

    def _read(
        self, message: mqtt.PublishReceived, now: float, told: list[Told], lane: Lane | None
    ) -> tuple[Downlink, int] | None:
        """Return the command of a message and its packet id; None, after telling why, when devices ignore it."""
        # The last level of the topic does not count (section 4).
        if lane is None and not message.topic.startswith(self._topic_down):
            told.append(FrameIgnored("the topic is that of another device"))
            return None
        payload = message.payload
        cipher, copies = (self._cipher, self._copies) if lane is None else (lane.cipher, lane.copies)
        try:
            if cipher is not None:
                payload = cipher.decrypt(payload)
            content: Frame = frame.decode(payload)
            value = commands.decode(content, Direction.DOWN)
        except CipherError as error:
            told.append(FrameIgnored(f"not encrypted with the session key: {error}"))
            return None
        except (frame.FrameError, commands.CommandError) as error:
            told.append(FrameIgnored(str(error)))
            return None
        if not frame.FIRST_PACKET_ID <= content.packet_id <= frame.LAST_PACKET_ID:
            told.append(FrameIgnored("the packet id is 0000 or FFFF"))
            return None
        if message.qos and copies.is_resend(content.packet_id, payload, now):
            return None
        return value, content.packet_id

    def _answer(self, asked: commands.ReadStatus | commands.ReadModuleInformation, packet_id: int, now: float) -> None:
        """0032 or 0042 with the ids that were asked for, all of them for none (section 6.2)."""
        if not self._is_open or self._state not in _USABLE:
            return
        kind: type[commands.StatusResponse] | type[commands.ModuleInformationResponse]
        if isinstance(asked, commands.ReadStatus):
            values, kind = msgspec.structs.asdict(self._settings.status), commands.StatusResponse
        else:
            values, kind = msgspec.structs.asdict(self._settings.module), commands.ModuleInformationResponse
        # Both lists number their items from 1 in the order of their attributes.
        chosen = {name: value for at, (name, value) in enumerate(values.items(), 1) if not asked.ids or at in asked.ids}
        self._send(kind(**chosen), packet_id, 0, now)

    def _notice(self, notice: commands.ExceptionNotice, mqtt_id: int, now: float, told: list[Told]) -> None:
        """00A3 (section 2.3)."""
        self._acknowledge(mqtt_id)
        if notice.code <= _IDLE_CODE:
            return
        if notice.device_key is not None:
            told.append(Received(notice, 0))  # of a sub-device
        pause = self._settings.timing.refusal(notice.code)
        if pause is None or notice.device_key is not None:
            told.append(DeviceEvent(EventNumber.NOTICE, notice.code))
            return
        told.append(DeviceEvent(EventNumber.AUTHENTICATION, notice.code))
        self._rest(pause, now, told)

    def _configure(self, wanted: commands.DeviceConfiguration, mqtt_id: int, now: float, told: list[Told]) -> None:
        """00B4: another connection, or something for this one, which is confirmed once it is stored."""
        before = self._memory
        found = configure(wanted, before, self.identity, self.address)
        if found.memory != before:
            self._change(told, found.memory)
        if found.reconnects:
            if found.move is not None:
                self._moving, self._moving_failures = found.move, 0
            self._anew(now, told)
            return
        if wanted.session_key is not None and self._settings.session_encryption:
            self._encrypt(wanted.session_key, told)
        self._held.append((mqtt_id, found.delivers_secret))
        if found.memory == before:
            self._unstored += 1
            told += self.memory_stored(now)

    def _encrypt(self, session_key: bytes, told: list[Told]) -> None:
        try:
            self._cipher = SessionCipher(session_key)
        except ValueError as error:
            told.append(FrameIgnored(str(error)))


_HANDLED: Final[Mapping[type, _Handled]] = {
    commands.ExceptionNotice: DeviceCore._notice,
    commands.DeviceConfiguration: DeviceCore._configure,
    commands.OlderDeviceConfiguration: DeviceCore._configure,
}
