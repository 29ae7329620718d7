"""Where the sample thing models are."""

from pathlib import Path

import mooring

__all__ = ["sample_models"]


def sample_models() -> dict[str, Path]:
    """The sample thing models by name: from the installed package, or from the checkout it runs in."""
    package = Path(mooring.__file__).parent
    for folder in (package / "samples", package.parents[1] / "contract" / "tsl-samples"):
        if folder.is_dir():
            return {path.stem: path for path in sorted(folder.glob("*.json"))}
    raise FileNotFoundError("the sample thing models are missing from this installation")
