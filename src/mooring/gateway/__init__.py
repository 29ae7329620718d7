"""The MQTT door: devices connect here, over TCP, TLS or WebSocket (device-protocol.md).

A thin shell around `mooring.protocol.mqtt`: it moves bytes, asks the platform who may connect, hands frames to it and
acknowledges what it has committed.
"""

from .connection import DeviceConnection
from .gateway import Gateway, GatewayLimits
from .listener import Listener
from .metrics import GatewayMetrics
from .tls import TlsError, make_self_signed, server_context, trust
from .websocket import WebSocketDoor

__all__ = [
    "DeviceConnection",
    "Gateway",
    "GatewayLimits",
    "GatewayMetrics",
    "Listener",
    "TlsError",
    "WebSocketDoor",
    "make_self_signed",
    "server_context",
    "trust",
]
