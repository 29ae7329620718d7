"""The thing model (TSL): what a product's devices can report, do and be told.

Rules of this room:

- It computes and never waits: no input, no output, no clock, nothing of the other rooms.
- `check` is the only door for a document from outside. It never raises, collects every fault with its
  path, rule and value, and hands out the canonical document when there is none.
- Every other function takes documents that passed `check`, and never changes its arguments.
- Numbers inside `specs` stay texts and are compared as decimals, never as binary floats.
- `ModelCodec` is a released model made ready for values: data strings in, reports out. What people send is refused
  with a `DataError`; what devices send is never refused, what does not fit is listed beside what does.

Contract: `tsl.md`, `tsl.schema.json`, `openapi-notes.md` sections 9 and 12.
"""

from mooring.thingmodel.check import FEATURE_LIMIT, check
from mooring.thingmodel.codec import Decoded, DecodedEvent, DecodedService, ModelCodec, Received, ServiceCall
from mooring.thingmodel.compare import Change, Difference, MemberChange, compare
from mooring.thingmodel.data_error import DataCode, DataError, Misfit
from mooring.thingmodel.data_text import MAX_DATA_CHARACTERS
from mooring.thingmodel.document import canonical, release_version, same_features, with_profile
from mooring.thingmodel.features import Feature
from mooring.thingmodel.labels import label_texts, translate, unknown_labels
from mooring.thingmodel.plain import plain_dm_data
from mooring.thingmodel.rules import RULES, Checked, Fault
from mooring.thingmodel.shape import TSL_VERSION, Document

__all__ = [
    "FEATURE_LIMIT",
    "MAX_DATA_CHARACTERS",
    "RULES",
    "TSL_VERSION",
    "Change",
    "Checked",
    "DataCode",
    "DataError",
    "Decoded",
    "DecodedEvent",
    "DecodedService",
    "Difference",
    "Document",
    "Fault",
    "Feature",
    "MemberChange",
    "Misfit",
    "ModelCodec",
    "Received",
    "ServiceCall",
    "canonical",
    "check",
    "compare",
    "label_texts",
    "plain_dm_data",
    "release_version",
    "same_features",
    "translate",
    "unknown_labels",
    "with_profile",
]
