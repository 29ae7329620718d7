"""The groups whose commands are in several modules."""

from . import app_activity, commands, device_logs, device_trace, devices, saas_apps

__all__ = ["app", "device"]

app = saas_apps.saas_app
app_activity.register(app)

device = devices.device
for module in (device_logs, commands, device_trace):
    module.register(device)
