"""The names of a product's features, from the management API."""

from mooring.cli.failure import REFUSED, Failure
from mooring.cli.feature_names import FeatureNames

from .session import Session, path_of

__all__ = ["names_of"]


def names_of(session: Session, product_key: str) -> FeatureNames:
    """The names of a product's released model; without one, ids stay ids. Raises Failure when no answer comes."""
    try:
        return FeatureNames(session.get(path_of("products", product_key, "thing-model", "export")).value)
    except Failure as failure:
        if failure.exit_code != REFUSED:
            raise
        return FeatureNames(None)
