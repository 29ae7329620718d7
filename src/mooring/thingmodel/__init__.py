"""The thing model (TSL): what a product's devices can report, do and be told.

Rules of this room:

- It computes and never waits: no input, no output, no clock, nothing of the other rooms.
- `check` is the only door for a document from outside. It never raises, collects every fault with its
  path, rule and value, and hands out the canonical document when there is none.
- Every other function takes documents that passed `check`, and never changes its arguments.
- Numbers inside `specs` stay texts and are compared as decimals, never as binary floats.

Contract: `tsl.md` sections 1 to 8 and 11 to 14, `tsl.schema.json`.
"""

from mooring.thingmodel.check import FEATURE_LIMIT, check
from mooring.thingmodel.compare import Change, Difference, MemberChange, compare
from mooring.thingmodel.document import canonical, release_version, same_features, with_profile
from mooring.thingmodel.labels import label_texts, translate, unknown_labels
from mooring.thingmodel.rules import RULES, Checked, Fault
from mooring.thingmodel.shape import TSL_VERSION, Document

__all__ = [
    "FEATURE_LIMIT",
    "RULES",
    "TSL_VERSION",
    "Change",
    "Checked",
    "Difference",
    "Document",
    "Fault",
    "MemberChange",
    "canonical",
    "check",
    "compare",
    "label_texts",
    "release_version",
    "same_features",
    "translate",
    "unknown_labels",
    "with_profile",
]
