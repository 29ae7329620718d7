"""Devices, gateways and what the platform last knew of a device (openapi-notes.md sections 7 and 12)."""

from msgspec import field

from mooring.client._reading import Row
from mooring.client.types.common import Moment


class Device(Row, frozen=True, kw_only=True, rename="camel"):
    """A device as lists and its detail show it."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    device_name: str | None = None
    """Defaults to the DK."""
    sn: str | None = None
    """Serial number."""
    device_status: int | None = None
    """1 online, 0 offline."""
    is_activated: int | None = field(default=None, name="isActived")
    """1 activated (spelling as on the wire)."""
    is_verified: int | None = None
    """Second authentication done: 1 yes, 0 no."""
    is_virtual: int | None = None
    """1 virtual device."""
    auth_mode: int | None = None
    """0 dynamic, 1 static, 2 X.509."""
    data_format: int | None = field(default=None, name="dataFmt")
    """0 transparent or custom payload, 3 thing model (TSL)."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Creation, epoch ms."""
    activated_time_ms: int | None = field(default=None, name="activedTime")
    """Activation, epoch ms."""
    first_connect_time_ms: int | None = field(default=None, name="firstConnTime")
    """First connection, epoch ms."""
    last_connect_time_ms: int | None = field(default=None, name="lastConnTime")
    """Latest time it came online, epoch ms."""
    last_offline_time_ms: int | None = field(default=None, name="lastOfflineTime")
    """Latest time it went offline, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Latest change, epoch ms."""
    created_at = Moment("create_time_ms", "When it was created.")
    activated_at = Moment("activated_time_ms", "When it was activated.")
    first_connected_at = Moment("first_connect_time_ms", "When it first connected.")
    last_connected_at = Moment("last_connect_time_ms", "When it last connected.")
    last_offline_at = Moment("last_offline_time_ms", "When it last went offline.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class DeviceResource(Row, frozen=True, kw_only=True, rename="camel"):
    """Newest data that a module reported about itself; None is what it never reported."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    id: int | None = None
    battery: float | None = None
    """Charge level."""
    voltage: float | None = None
    signal_strength: int | None = None
    memory_free: int | None = None
    """Free space."""
    rsrp: int | None = None
    rsrq: int | None = None
    snr: int | None = None
    type: str | None = None
    """Module model."""
    cell_id: int | None = None
    icc_id: str | None = None
    mcc: int | None = None
    mnc: int | None = None
    lac: int | None = None
    phone_num: str | None = None
    sim_num: str | None = None
    locator: str | None = None
    """Positioning abilities, each name closed by ";"."""
    com_protocol_version: str | None = field(default=None, name="comProtocolVer")
    """Transport protocol version."""
    data_protocol_version: str | None = field(default=None, name="dataProtocolVer")
    """Data protocol version."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Row creation, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Row change (same remark), epoch ms."""
    sdk_version: str | None = field(default=None, name="sdkVer")
    version: str | None = None
    """Firmware version."""
    mcu_version: str | None = None
    device_id: str | None = None
    """IMEI or MAC of the module; text here, a number elsewhere."""
    capabilities_bitmask: int | None = None
    """Network abilities."""
    sn: str | None = None
    log_enable: int | None = None
    log_level: str | None = None
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")


class SubDevice(Row, frozen=True, kw_only=True, rename="camel"):
    """A device that has logged in through a gateway."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    id: int | None = None
    """Numeric device id."""
    device_name: str | None = None
    """Name of the device."""
    device_status: int | None = None
    """1 online, 0 offline."""
    is_activated: int | None = field(default=None, name="isActived")
    is_liveness: int | None = None
    """1 active."""
    is_verified: int | None = None
    """Second authentication allowed."""
    module_version: str | None = None
    module_type: str | None = None
    first_connect_time_ms: int | None = field(default=None, name="firstConnTime")
    """Epoch ms."""
    last_connect_time_ms: int | None = field(default=None, name="lastConnTime")
    """Epoch ms."""
    last_offline_time_ms: int | None = field(default=None, name="lastOfflineTime")
    """Epoch ms."""
    enabled: int | None = None
    """0 enabled, 1 disabled (inverted on purpose)."""
    product_id: int | None = None
    """Numeric product id."""
    is_virtual: int | None = None
    protocol: int | None = None
    """0 default, 1 MQTT, 2 LwM2M/CoAP, 3 HTTP."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Creation, epoch ms."""
    update_time_ms: int | None = field(default=None, name="updateTime")
    """Change, epoch ms."""
    activated_time_ms: int | None = field(default=None, name="activedTime")
    """Activation, epoch ms."""
    product_name: str | None = None
    """Name of the product."""
    locate_type: str | None = None
    sn: str | None = None
    """."""
    is_current: int | None = None
    """1 while the sub-device hangs on this gateway."""
    auth_mode: int | None = None
    """0 dynamic, 1 static, 2 X.509."""
    fingerprint: str | None = field(default=None, name="fingerPrint")
    old_device_name: str | None = None
    project_id: int | None = None
    gateway_type: int | None = None
    """0 direct, 1 network proxy only, 2 product integration."""
    first_connected_at = Moment("first_connect_time_ms", "When it first connected.")
    last_connected_at = Moment("last_connect_time_ms", "When it last connected.")
    last_offline_at = Moment("last_offline_time_ms", "When it last went offline.")
    created_at = Moment("create_time_ms", "When it was created.")
    updated_at = Moment("update_time_ms", "When it last changed.")
    activated_at = Moment("activated_time_ms", "When it was activated.")


class Gateway(Row, frozen=True, kw_only=True, rename="camel"):
    """The gateway that serves a sub-device now."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    product_name: str | None = None
    """Name of the product."""
    device_name: str | None = None
    """Name of the device."""


class Location(Row, frozen=True, kw_only=True, rename="camel"):
    """The newest position of a device. `lat` and `lng` are NMEA text, the pairs with a datum are degrees."""

    product_key: str
    """Product key (PK)."""
    device_key: str
    """Device key (DK)."""
    device_id: int | None = None
    device_status: int | None = None
    id: str | None = None
    """Row id."""
    ticket: str | None = None
    locate_type: str | None = None
    """Source, such as GNSS, GPS, LBS, WIFI; the example has a trailing blank."""
    loc_type: str | None = None
    locate_status: str | None = None
    locate_time_ms: int | None = field(default=None, name="locateTime")
    """Fix time, epoch ms."""
    create_time_ms: int | None = field(default=None, name="createTime")
    """Row creation; whole seconds in the example, epoch ms."""
    locate_raw: str | None = None
    """Base64 of the raw report."""
    accuracy: str | None = None
    """Metres, as text."""
    lat: str | None = None
    """Ddmm.mmmm."""
    lat_type: str | None = None
    """N or S."""
    lng: str | None = None
    """Dddmm.mmmm."""
    lng_type: str | None = None
    """E or W."""
    wgs_lat: float | None = None
    """WGS-84 degrees."""
    wgs_lng: float | None = None
    gcj_lat: float | None = None
    """GCJ-02 degrees."""
    gcj_lng: float | None = None
    bd_lat: float | None = None
    """BD-09 degrees."""
    bd_lng: float | None = None
    gga_status: str | None = None
    hdop: str | None = None
    height: str | None = None
    satellites: str | None = None
    speed: str | None = None
    count: int | None = None
    located_at = Moment("locate_time_ms", "When it was located.")
    created_at = Moment("create_time_ms", "When it was created.")
