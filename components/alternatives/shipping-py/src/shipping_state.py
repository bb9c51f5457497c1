"""The state of the service as its contract has it: `shipment/<id>`."""

import re
from datetime import datetime
from typing import Optional

from componentize_py_types import Err
from wit_world.exports import State as StateExport
from wit_world.exports import state

import parcels
import rules
from parcels import Event, Parcel

SHIPMENT = "shipment/"

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z", re.ASCII)


class State(StateExport):
    def export_state(self, after: Optional[str], until: Optional[str], limit: int) -> list[state.Entry]:
        entries: list[state.Entry] = []
        position = None
        if after is not None:
            if after.startswith(SHIPMENT):
                position = after.removeprefix(SHIPMENT) or None
            elif after > SHIPMENT:
                return entries
        more = True
        while more and len(entries) < limit:
            page, more = parcels.behind(position, limit - len(entries))
            for parcel in page:
                position = parcel.id
                key = SHIPMENT + parcel.id
                if until is not None and key > until:
                    return entries
                entries.append(state.Entry(key, state.Entity_Shipment(shipment_state(parcel))))
        return entries

    def import_state(self, changes: list[state.Change]) -> None:
        for change in changes:
            parcel_id = change.key.removeprefix(SHIPMENT)
            if not change.key.startswith(SHIPMENT) or not rules.is_id(parcel_id):
                raise Err(f"{change.key}: no entity of this service has such a key")
            after = None if change.value is None else parse(change.key, parcel_id, change.value.value)
            parcels.remove(parcel_id)
            if after is not None:
                parcels.save(after)


def shipment_state(parcel: Parcel) -> state.ShipmentState:
    return state.ShipmentState(
        order_id=parcel.order_id,
        account_id=parcel.account_id,
        option=parcel.option,
        recipient=parcel.recipient,
        country=parcel.country,
        postal_code=parcel.postal_code,
        weight_grams=parcel.weight_grams,
        tracking_number=parcel.tracking_number,
        events=[state.EventState(event.status, event.note, event.at) for event in parcel.events],
    )


def parse(key: str, parcel_id: str, shipment: state.ShipmentState) -> Parcel:
    """The parcel; its option need not be one of this implementation."""
    faults = rules.Faults()
    rules.check_destination(faults, shipment.country, shipment.postal_code)
    rules.check_addressee(faults, shipment.order_id, shipment.account_id, shipment.recipient)
    faults.line("/trackingNumber", shipment.tracking_number, 1, 200)
    events, before = [], None
    faults.check(bool(shipment.events), "/events", "must begin with scheduled")
    for place, event in enumerate(shipment.events):
        at = parse_time(event.at)
        faults.check(at is not None, f"/events/{place}/at", "must be a time in UTC")
        faults.check(rules.follows(event.status, before), "/events", "must begin with scheduled, and follow each other")
        before = event.status
        events.append(Event(event.status, event.note, at or ""))
    if faults.list:
        raise Err(f"{key}: " + "; ".join(f"{fault.field}: {fault.detail}" for fault in faults.list))
    return Parcel(
        id=parcel_id,
        order_id=shipment.order_id,
        account_id=shipment.account_id,
        option=shipment.option,
        recipient=shipment.recipient,
        country=shipment.country,
        postal_code=shipment.postal_code,
        weight_grams=shipment.weight_grams,
        tracking_number=shipment.tracking_number,
        events=events,
    )


def parse_time(text: str) -> Optional[str]:
    """A time in UTC with six digits behind the second; nothing for any other text, and for a day that no month has."""
    parts = TIME.fullmatch(text)
    if parts is None:
        return None
    seconds, fraction = parts.groups(default="")
    try:
        datetime.fromisoformat(seconds)
    except ValueError:
        return None
    return f"{seconds}.{fraction:0<6}Z"
