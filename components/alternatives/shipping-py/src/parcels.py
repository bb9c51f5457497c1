"""The stored parcels: `parcel/<id>` is a JSON document, and `of/<order>/<id>` finds it by its order.

The second key has the id, so that two shipments of one order may be there for a moment while state is imported.
"""

import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Optional

from wit_world.exports.shipping import ShipmentStatus
from wit_world.imports import store
from wit_world.imports.store import Direction

import rules

PARCEL = "parcel/"

# The host gives at most so many entries in one scan.
SCAN_MAX = 1_000


@dataclass
class Event:
    status: ShipmentStatus
    note: Optional[str]
    at: str


@dataclass
class Parcel:
    id: str
    order_id: str
    account_id: str
    option: str
    recipient: str
    country: str
    postal_code: str
    weight_grams: int
    tracking_number: str
    events: list[Event]

    @property
    def status(self) -> ShipmentStatus:
        return self.events[-1].status


def load(parcel_id: str) -> Optional[Parcel]:
    """The parcel of that id; nothing for a text that is no id."""
    if not rules.is_id(parcel_id):
        return None
    value = store.get(PARCEL + parcel_id)
    return None if value is None else decode(value)


def of_order(order_id: str) -> Optional[Parcel]:
    if not rules.is_id(order_id):
        return None
    prefix = f"of/{order_id}/"
    found = store.scan(prefix, None, Direction.ASCENDING, 1).entries
    return load(found[0].key.removeprefix(prefix)) if found else None


def save(parcel: Parcel) -> None:
    store.set(PARCEL + parcel.id, encode(parcel))
    store.set(order_key(parcel), b"")


def remove(parcel_id: str) -> None:
    parcel = load(parcel_id)
    if parcel is not None:
        store.delete(PARCEL + parcel_id)
        store.delete(order_key(parcel))


def behind(parcel_id: Optional[str], limit: int) -> tuple[list[Parcel], bool]:
    """The parcels whose ids are above `parcel_id`, and whether there are more."""
    after = None if parcel_id is None else PARCEL + parcel_id
    page = store.scan(PARCEL, after, Direction.ASCENDING, min(limit, SCAN_MAX))
    return [decode(entry.value) for entry in page.entries], page.more


def order_key(parcel: Parcel) -> str:
    return f"of/{parcel.order_id}/{parcel.id}"


def encode(parcel: Parcel) -> bytes:
    document = asdict(parcel)
    document["events"] = [[event.status.name, event.note, event.at] for event in parcel.events]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def decode(value: bytes) -> Parcel:
    document = json.loads(value)
    events = [Event(ShipmentStatus[status], note, at) for status, note, at in document.pop("events")]
    return Parcel(events=events, **document)


def now() -> str:
    """The host's time, which stands still during a call. A call that runs again has the same."""
    micros = time.time_ns() // 1_000
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(micros // 1_000_000))
    return f"{seconds}.{micros % 1_000_000:06}Z"


def answered(at: str) -> str:
    """A time as answers have it: with milliseconds, like those of the shop's own service."""
    return f"{at[:-4]}Z"


# `secrets` asks the host at each call. What is made while the modules are imported is the same in every call.
def new_id() -> str:
    return f"shp_{secrets.token_hex(13)}"


def new_tracking_number() -> str:
    return f"3P{secrets.token_hex(12).upper()}"
