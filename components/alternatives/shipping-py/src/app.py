"""A third shipping service for the shop's contract: one JSON document for each parcel.

componentize-py looks in this module for a class of each exported interface. An error of a `result` is raised as `Err`.
"""

from typing import Optional

from componentize_py_types import Err
from wit_world.exports import Migration as MigrationExport, Shipping as ShippingExport
from wit_world.exports import migration, shipping
from wit_world.imports import caller
from wit_world.imports.shipment_events import shipment_status_changed
from wit_world.imports.types import Problem_NotFound, Problem_Unauthenticated

import parcels
import prices
import rules
from parcels import Event, Parcel
from shipping_state import State as State
from wit_world.exports.shipping import ShipmentStatus

STAFF = ("staff", "operator")


class Migration(MigrationExport):
    def describe(self) -> migration.Data:
        return migration.Data(format="alternative-shipping-py", version=0, reads_up_to=0, pause_ms_max=0)

    def migrate(self, from_: int) -> None:
        # The host calls it only for data of an earlier version, and 0 is the first.
        raise Err(f"there is no data of version {from_}")


class Shipping(ShippingExport):
    def quote(self, request: shipping.QuoteRequest) -> shipping.Quotes:
        faults = rules.Faults()
        rules.check_destination(faults, request.country, request.postal_code)
        faults.end()
        return shipping.Quotes(prices.options(request.country, request.weight_grams))

    def get_shipment(self, id: str) -> shipping.Shipment:
        identity = caller.current()
        if identity is None:
            raise Err(Problem_Unauthenticated("sign in first"))
        parcel = parcels.load(id)
        if parcel is None or (identity.role not in STAFF and parcel.account_id != identity.id):
            raise no_such_shipment()
        return answer(parcel)

    def record_event(self, id: str, change: shipping.StatusChange) -> shipping.Shipment:
        parcel = parcels.load(id)
        if parcel is None:
            raise no_such_shipment()
        faults = rules.Faults()
        recordable = change.status not in (ShipmentStatus.SCHEDULED, ShipmentStatus.CANCELLED)
        faults.check(recordable, "/status", "must be packed, shipped, delivered or lost")
        faults.line("/note", change.note or "", 0, rules.NOTE_CHARACTERS_MAX)
        faults.end()
        return move(parcel, change.status, change.note)

    def schedule(self, details: shipping.ShipmentDetails) -> shipping.Shipment:
        faults = rules.Faults()
        rules.check_destination(faults, details.country, details.postal_code)
        rules.check_addressee(faults, details.order_id, details.account_id, details.recipient)
        offered = (option.option for option in prices.options(details.country, details.weight_grams))
        faults.check(details.option in offered, "/option", "must be an option that is offered to the country")
        faults.end()
        parcel = parcels.of_order(details.order_id)
        if parcel is None:
            parcel = Parcel(
                id=parcels.new_id(),
                order_id=details.order_id,
                account_id=details.account_id,
                option=details.option,
                recipient=details.recipient,
                country=details.country,
                postal_code=details.postal_code,
                weight_grams=details.weight_grams,
                tracking_number=parcels.new_tracking_number(),
                events=[Event(ShipmentStatus.SCHEDULED, None, parcels.now())],
            )
            parcels.save(parcel)
        return answer(parcel)

    def cancel(self, order_id: str) -> None:
        parcel = parcels.of_order(order_id)
        if parcel is not None and parcel.status is not ShipmentStatus.CANCELLED:
            move(parcel, ShipmentStatus.CANCELLED, None)


def move(parcel: Parcel, status: ShipmentStatus, note: Optional[str]) -> shipping.Shipment:
    """Adds an event to a parcel, stores it and tells the subscribers."""
    rules.check_move(parcel.status, status)
    parcel.events.append(Event(status, note, parcels.now()))
    parcels.save(parcel)
    shipment_status_changed(parcel.id, parcel.order_id, status.name.lower())
    return answer(parcel)


def answer(parcel: Parcel) -> shipping.Shipment:
    return shipping.Shipment(
        id=parcel.id,
        order_id=parcel.order_id,
        option=parcel.option,
        tracking_number=parcel.tracking_number,
        status=parcel.status,
        events=[shipping.ShipmentEvent(event.status, event.note, parcels.answered(event.at)) for event in parcel.events],
    )


def no_such_shipment() -> Err:
    return Err(Problem_NotFound("no such shipment"))
