"""Shapes of a bill: its lines as edges, what a walk over them gives.

Belongs here: plain data and the arithmetic of one line. Doesn't belong here: reading (`read`), walking (`walk`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Literal

Kind = Literal["component", "by_product", "co_product"]

# Rule 10: the one rounding, at the end.
PLACES = Decimal("0.000001")


def rounded(quantity: Fraction | None) -> Decimal | None:
    """A quantity to six places, halves away from zero; None stays unknown."""
    if quantity is None:
        return None
    with localcontext() as context:
        # Enough that the division itself doesn't round before the quantize.
        context.prec = max(60, len(str(abs(quantity.numerator // quantity.denominator))) + 40)
        return (Decimal(quantity.numerator) / Decimal(quantity.denominator)).quantize(PLACES, ROUND_HALF_UP)


@dataclass(frozen=True)
class Edge:
    """One line of a bill that holds at the asked instant.

    Attributes:
        quantity_per: per one piece of the parent in base units, without scrap; per order when `is_fixed`; None when
            the line's unit can't be converted.
        scrap: component scrap as a fraction, applied by `scrap_method`.
        assembly_scrap: the parent's scrap as a fraction; left out of net and fixed lines.
        is_chosen: False for a member of a group of alternates that isn't the one taken (rule 12).
        is_phantom: the line's own word, else the plant's, else the item's (rule 11).
    """

    parent: str
    component: str
    quantity_per: Decimal | None
    unit: str | None
    is_fixed: bool = False
    scrap: Decimal = Decimal(0)
    scrap_method: str = "multiply"
    assembly_scrap: Decimal = Decimal(0)
    is_net: bool = False
    is_phantom: bool = False
    kind: Kind = "component"
    is_chosen: bool = True
    alternate_group: str | None = None
    line_id: str = ""
    position: str | None = None
    source_system: str = ""
    revision: str | None = None
    component_revision: str | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    usage: str | None = None
    alternative: str | None = None
    operation_sequence: int | None = None
    alternate_priority: int | None = None
    usage_probability: Decimal | None = None
    reference_designators: str | None = None

    @property
    def required(self) -> Fraction | None:
        """Quantity with both scraps, exact; negative for what comes out of an order (rules 10 and 14)."""
        if self.quantity_per is None:
            return None
        quantity = Fraction(self.quantity_per)
        scraps = [Fraction(self.scrap)]
        if not (self.is_net or self.is_fixed):
            scraps.append(Fraction(self.assembly_scrap))
        for scrap in scraps:
            if self.scrap_method == "divide":
                if scrap >= 1:
                    return None
                quantity /= 1 - scrap
            else:
                quantity *= 1 + scrap
        return quantity if self.kind == "component" else -abs(quantity)


@dataclass(frozen=True)
class Structure:
    """All lines that one question can reach, and what is known of the items in them."""

    edges: tuple[Edge, ...]
    descriptions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One line of an indented list, in the order to print it.

    Attributes:
        depth: steps from the asked item; what the indentation shows.
        level: as depth, but what a phantom holds counts as standing in the phantom's place (rule 11).
        item: the item of this line.
        edge: the bill line by which it was reached.
        quantity: downwards what the order needs of it; upwards what one piece of it holds of the asked item.
        note: phantom, alternate, by-product, co-product, fixed quantity, quantity unknown, cycle; separated by commas.
    """

    depth: int
    level: int
    item: str
    edge: Edge
    quantity: Decimal | None
    note: str = ""


@dataclass(frozen=True)
class Total:
    """One item with everything summed over all ways to it.

    `is_end` marks items without a bill of their own (downwards) or without a use of their own (upwards);
    `is_complete` is False when a cycle or an unknown quantity lies on a way.
    """

    item: str
    kind: Kind
    quantity: Decimal
    unit: str | None
    level_min: int
    level_max: int
    paths: int
    is_end: bool
    is_complete: bool
