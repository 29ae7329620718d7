# Made of _async/models.py by tools/generate_sync.py; change that.
"""Thing models that are kept for a while, for checks and for reading logs."""

import time
from collections.abc import Callable

from mooring.client._readings import Model
from mooring.client._sync.products import ThingModels

_KEPT_S = 600.0


class Models:
    """The released model of each product that was asked for, at most ten minutes old. `clock` gives seconds."""

    def __init__(self, thing_models: ThingModels, clock: Callable[[], float] = time.monotonic) -> None:
        self._thing_models = thing_models
        self._clock = clock
        self._kept: dict[str, tuple[float, Model]] = {}

    def of(self, product_key: str, *, fresh: bool = False) -> Model:
        """Return a model; `fresh` asks the platform in any case. Raises as `thing_models.export`, and `BadValue`."""
        kept = self._kept.get(product_key)
        if kept is not None and not fresh and self._clock() - kept[0] < _KEPT_S:
            return kept[1]
        model = Model(self._thing_models.export(product_key))
        self._kept[product_key] = (self._clock(), model)
        return model
