"""Devices."""

__all__ = ["TEXTS"]

TEXTS = {
    "4 to 32 letters and digits": "4 到 32 个字母或数字",
    "Add a device": "添加设备",
    "Device {key} is added.": "设备 {key} 已添加。",
    "Dynamic": "动态认证",
    "Fingerprint (SHA-1), X.509 only": "指纹(SHA-1),仅 X.509",
    "Key, name or SN": "DeviceKey、名称或 SN",
    "Last online": "最近上线",
    "No device matches.": "没有匹配的设备。",
    "Serial number (SN)": "序列号(SN)",
    "Static": "静态认证",
    "The DeviceKey, when empty": "为空时使用 DeviceKey",
}
