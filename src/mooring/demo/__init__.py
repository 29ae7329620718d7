"""The demo account: everything in it is made by the same calls that an administrator's are; only the data is given.

`account` makes service packages, one SaaS application and a product for each sample model, `devices` the simulated
devices of the products, `running` puts them together for `mooring up --demo` and writes demo.json.
"""

from mooring.platform.model_samples import sample_models

from .account import DemoRefused
from .running import running_demo

__all__ = ["DemoRefused", "running_demo", "sample_models"]
