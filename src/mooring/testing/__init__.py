"""A whole cloud for the tests of systems that use one.

`pip install mooring[testing]` brings a pytest plugin with the fixtures `cloud`, `saas_app` and `device`; without
pytest, `Cloud()` is a context manager. The cloud is Mooring itself, in a thread of the test's process, on free ports of
this machine, with its data in a temporary directory. docs/sdk.md has the recipe, `examples/plug-guard` a project.
"""

from mooring.testing.clock import CloudClock
from mooring.testing.cloud import Cloud, CloudFailed
from mooring.testing.device import SimulatedDevice
from mooring.testing.faults import Faults
from mooring.testing.parts import CloudProduct, SaasApp

__all__ = ["Cloud", "CloudClock", "CloudFailed", "CloudProduct", "Faults", "SaasApp", "SimulatedDevice"]
