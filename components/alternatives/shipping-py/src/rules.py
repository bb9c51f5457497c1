"""The rules, and the problems of what breaks them."""

import re
import unicodedata
from typing import Optional

from componentize_py_types import Err
from wit_world.exports.shipping import ShipmentStatus
from wit_world.imports.types import Fault, Faults as ContractFaults, Problem_Conflict, Problem_Invalid

RECIPIENT_CHARACTERS_MAX = 200
POSTAL_CODE_CHARACTERS_MAX = 16
NOTE_CHARACTERS_MAX = 500

# The assigned codes of ISO 3166-1.
COUNTRIES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
    UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()
)

# What may follow each status.
NEXT = {
    ShipmentStatus.SCHEDULED: {"PACKED", "SHIPPED", "DELIVERED", "LOST", "CANCELLED"},
    ShipmentStatus.PACKED: {"SHIPPED", "DELIVERED", "LOST", "CANCELLED"},
    ShipmentStatus.SHIPPED: {"DELIVERED", "LOST"},
}

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


class Faults:
    """All faults of a body, so that its sender learns of them at once."""

    def __init__(self) -> None:
        self.list: list[Fault] = []

    def check(self, holds: bool, field: str, detail: str) -> None:
        if not holds:
            self.list.append(Fault(field, None, detail))

    def line(self, field: str, text: str, least: int, most: int) -> None:
        """One line of `least` to `most` characters, which is not blank unless it may be empty."""
        blank = least > 0 and not text.strip()
        control = any(unicodedata.category(letter) == "Cc" for letter in text)
        fine = not blank and least <= len(text) <= most and not control
        self.check(fine, field, f"must be one line of {least} to {most} characters")

    def end(self) -> None:
        """Raises the problem if there are faults."""
        if self.list:
            raise Err(Problem_Invalid(ContractFaults("the request breaks a rule", self.list)))


def check_destination(faults: Faults, country: str, postal_code: str) -> None:
    faults.check(country in COUNTRIES, "/country", "must be a country of ISO 3166-1, such as DE")
    faults.line("/postalCode", postal_code, 1, POSTAL_CODE_CHARACTERS_MAX)


def check_addressee(faults: Faults, order_id: str, account_id: str, recipient: str) -> None:
    faults.check(is_id(order_id), "/orderId", "must be an id")
    faults.check(is_id(account_id), "/accountId", "must be an id")
    faults.line("/recipient", recipient, 1, RECIPIENT_CHARACTERS_MAX)


def follows(status: ShipmentStatus, before: Optional[ShipmentStatus]) -> bool:
    """Whether a shipment can have this status after `before`, or as its first."""
    if before is None:
        return status is ShipmentStatus.SCHEDULED
    return status.name in NEXT.get(before, ())


def check_move(before: ShipmentStatus, status: ShipmentStatus) -> None:
    if not follows(status, before):
        was, is_ = before.name.lower(), status.name.lower()
        raise Err(Problem_Conflict(f"the shipment is {was}: it cannot become {is_}"))
