"""The prices: by region, and for each started ten kilograms."""

from wit_world.exports.shipping import ShippingOption
from wit_world.imports.types import Money

NEIGHBOURS = frozenset("AT BE BG CH CZ DK EE ES FI FR GB GR HR HU IE IT LT LU LV NL NO PL PT RO SE SI SK".split())

# The option, its carrier, cents for the first ten kilograms, cents for each further ten, days.
HOME = (("standard", "Third Post", 420, 300, 2), ("express", "Third Express", 1_050, 700, 1))
NEAR = (("standard", "Third Post", 940, 650, 5), ("express", "Third Express", 2_300, 1_500, 2))
FAR = (("standard", "Third Post", 1_850, 1_200, 13), ("express", "Third Express", 4_700, 3_400, 5))

STEP_GRAMS = 10_000


def options(country: str, weight_grams: int) -> list[ShippingOption]:
    """The options to a country, the cheapest first."""
    rates = HOME if country == "DE" else NEAR if country in NEIGHBOURS else FAR
    further = max(weight_grams - 1, 0) // STEP_GRAMS
    return [
        ShippingOption(option, carrier, Money(first + further * more, "EUR"), days)
        for option, carrier, first, more, days in rates
    ]
