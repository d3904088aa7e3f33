"""Defects of stock: movements that one system lacks, has twice, or has otherwise than they were.

Belongs here: entries of the catalogue about movements. Doesn't belong here: balances, which follow (`stock`).

Items are unlucky by themselves, so that several causes often share one difference. What is posted wrongly is mended by
a linked reversal and a right posting, never overwritten.
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Defect, Edit, add_rows, change_event, post_movement_late

_ROW = (
    "select claim, document, known_at, luck, plant_id, keys, quantity, system, row_id, object_key, item_number, "
    "location from posting where serial_number is null"
)
_ERP = f"{_ROW} and left(system, 3) = 'erp'"
_OF_OBJECT = tuple(
    Consequence(domain, "json_object('object_key', object_key)::varchar") for domain in ("production", "procurement")
)
_SIDES = ("plant_id", "location", "status", "lot", "ownership")
_SWAPPED = {f"{a}_{side}": f"held_row.{b}_{side}" for a, b in (("from", "to"), ("to", "from")) for side in _SIDES}
_BY_ORDER = "and sides = 1 and reference_type in ('production_order', 'purchase_order')"
_MADE = f"and movement_class in ('receipt', 'issue') {_BY_ORDER}"
_RECEIVED = f"and movement_class = 'receipt' {_BY_ORDER}"


def _added(values: dict[str, str], where: str = "true", *, at: str = "held_row.visible_from") -> Edit:
    """Another movement made of the chosen one."""
    named = {"row_id": "held_row.row_id || 'D'", "event_id": "held_row.event_id || 'D'", "visible_from": at, **values}
    replaced = ", ".join(f"{sql} as {column}" for column, sql in named.items())
    return add_rows(
        "inventory_movement",
        f"select held_row.* replace ({replaced}) from chosen inner join held.inventory_movement as held_row "
        f"on chosen.system = held_row.source_system and chosen.row_id = held_row.row_id where {where}",
    )


def _mended(
    suffix: str = "", *, quantity: str = "held_row.quantity", and_posted_right: dict[str, str] | None = None
) -> tuple[Edit, ...]:
    """The linked reversal of a wrong movement, and what should have been posted."""
    posted_at = {
        "event_at": "chosen.mended_at",
        "posting_date": "cast(chosen.mended_at as date)",
        "reversal_of": "null",
    }
    wrong = f"held_row.event_id || '{suffix}'"
    reversal = _added(
        {
            **posted_at,
            **_SWAPPED,
            "row_id": f"held_row.row_id || '{suffix}R'",
            "event_id": f"{wrong} || 'R'",
            "reversal_of": wrong,
            "quantity": quantity,
            "movement_class": "'reversal'",
            "movement_type": "case left(held_row.movement_type, 3) when '101' then '102' when '261' then '262' "
            "else held_row.movement_type end",
        },
        "chosen.mended_at is not null",
        at="chosen.mended_at",
    )
    if and_posted_right is None:
        return (reversal,)
    right = _added(
        {
            **posted_at,
            "row_id": "held_row.row_id || 'N'",
            "event_id": "held_row.event_id || 'N'",
            **and_posted_right,
        },
        "chosen.mended_at is not null",
        at="chosen.mended_at",
    )
    return (reversal, right)


def _missing(finding_class: str, does: str, where: str, *, wms: bool = False, share: float = 0.5) -> Defect:
    rows = f"{_ROW} and left(system, 3) = 'wms'" if wms else _ERP
    return Defect(
        "inventory",
        finding_class,
        does,
        f"{'wms' if wms else 'erp'} inventory_movement, inventory_balance",
        f"{rows} {where}",
        (post_movement_late(),),
        share=share,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    )


_TWO_LOTS = """
with follows as (
    select
        *,
        lag(coalesce(to_lot, from_lot)) over (
            partition by system, plant_id, item_number, location order by known_at, row_id
        ) as other_lot
    from posting
    where left(system, 3) = 'erp' and serial_number is null and sides = 1 and coalesce(to_lot, from_lot) is not null
)
select
    claim, document, known_at, luck, plant_id, quantity, system, row_id, object_key, other_lot,
    coalesce(to_lot, from_lot) as right_lot,
    list_concat(keys, [
        stock_key(
            location, item_number, other_lot, coalesce(to_status, from_status), coalesce(to_ownership, from_ownership)
        )
    ]) as keys
from follows
where other_lot <> coalesce(to_lot, from_lot) and movement_class in ('receipt', 'issue')
"""
_TWO_PLACES = f"""
with places as (
    select source_system, plant_id, list(distinct location order by location) as places
    from held.plant_location
    where kind = 'storage' and left(source_system, 3) = 'erp' and visible_from <= $first
    group by all
),
drawn as (
    select posting.*, places.places[1 + chance_int('other place', posting.claim, len(places.places))] as other_location
    from posting
    inner join places on posting.system = places.source_system and posting.plant_id = places.plant_id
    where posting.serial_number is null {_RECEIVED}
)
select
    claim, document, known_at, luck, plant_id, quantity, system, row_id, object_key, other_location,
    to_location as right_location,
    list_concat(keys, [stock_key(other_location, item_number, to_lot, to_status, to_ownership)]) as keys
from drawn
where other_location <> to_location
"""
_IN_BOXES = f"""
select
    posting.claim, posting.document, posting.known_at, posting.luck, posting.plant_id, posting.keys,
    posting.system, posting.row_id, posting.object_key, cast(boxes.numerator as integer) as pieces,
    cast(cast(posting.quantity as decimal(28, 6)) * cast(boxes.numerator - 1 as integer) as decimal(18, 6))
        as quantity,
    posting.quantity as right_quantity
from posting
inner join held.item_unit_conversion as boxes on posting.system = boxes.source_system
    and posting.item_number = boxes.item_number and boxes.denominator = 1 and boxes.numerator > 1
    and boxes.visible_to is null
where posting.serial_number is null and posting.quantity < 1000000 {_RECEIVED}
"""
_AT_THE_CUT = """
with stock as (
    select
        plant_id, max(struct_pack(luck, item_number, unit, location, wms := system)) as piece
    from posting
    where left(system, 3) = 'wms' and movement_class = 'receipt' and sides = 1 and lot_number is null
        and serial_number is null and to_status = 'unrestricted' and coalesce(to_ownership, 'own') = 'own'
        and known_at <= $first
    group by plant_id
),
ledger as (
    select plant_id, any_value(system order by system) as erp, any_value(currency order by currency) as currency
    from posting where left(system, 3) = 'erp' and known_at <= $first and to_plant_id is not null group by plant_id
)
select
    plant_id || '|returned|' || day as claim, $first + to_days(day) - interval 10 minute as known_at,
    $first + to_days(day) + interval 5 minute as until_at, plant_id, piece, erp, currency,
    'RET' || plant_id || lpad(cast(day as varchar), 4, '0') as event_id,
    [stock_key(piece.location, piece.item_number, null, 'unrestricted', 'own')] as keys,
    cast(1 as decimal(18, 6)) as quantity
from stock
inner join ledger using (plant_id)
cross join (select cast(unnest(range(0, 4000)) as integer) as day) as days
"""
_RETURNED = """
select
    event_id as row_id, event_id, '651' as movement_type, 'return' as movement_class, piece.item_number as item_number,
    quantity, piece.unit as unit, plant_id as to_plant_id, piece.location as to_location, 'unrestricted' as to_status,
    'own' as to_ownership, known_at as event_at,
"""

INVENTORY: tuple[Defect, ...] = (
    _missing(
        "status_mismatch",
        "The ERP hasn't heard that stock was released or blocked.",
        "and movement_class = 'status_change'",
    ),
    _missing(
        "ownership_mismatch",
        "The ERP hasn't heard that a supplier's stock became ours.",
        "and movement_class = 'transfer' and from_ownership <> to_ownership",
    ),
    _missing(
        "in_transit_timing",
        "Goods from another plant have arrived, and in the ERP they are on the road.",
        "and movement_class = 'transfer' and from_status = 'in_transit'",
    ),
    _missing(
        "count_not_posted",
        "A difference that was counted is not in the ERP.",
        "and movement_class = 'count' and reference_type = 'count'",
    ),
    _missing("scrap_not_posted", "What was scrapped is still in the ERP.", "and movement_class = 'scrap'"),
    Defect(
        "inventory",
        "lot_swapped",
        "The ERP posted another lot.",
        "erp inventory_movement, inventory_balance",
        _TWO_LOTS,
        (
            change_event(
                "inventory_movement",
                {
                    "to_lot": "case when held_row.to_plant_id is not null then target.other_lot end",
                    "from_lot": "case when held_row.from_plant_id is not null then target.other_lot end",
                },
                "select system as source_system, row_id, other_lot from chosen",
            ),
            *_mended(
                and_posted_right={
                    "to_lot": "case when held_row.to_plant_id is not null then chosen.right_lot end",
                    "from_lot": "case when held_row.from_plant_id is not null then chosen.right_lot end",
                }
            ),
        ),
        share=0.5,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "location_swapped",
        "The ERP posted a receipt into another location.",
        "erp inventory_movement, inventory_balance",
        _TWO_PLACES,
        (
            change_event(
                "inventory_movement",
                {"to_location": "target.other_location"},
                "select system as source_system, row_id, other_location from chosen",
            ),
            *_mended(and_posted_right={"to_location": "chosen.right_location"}),
        ),
        share=0.3,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "unit_of_measure",
        "The ERP took pieces for boxes.",
        "erp inventory_movement, inventory_balance",
        _IN_BOXES,
        (
            change_event(
                "inventory_movement",
                {"quantity": "cast(cast(held_row.quantity as decimal(28, 6)) * target.pieces as decimal(18, 6))"},
                "select system as source_system, row_id, pieces from chosen",
            ),
            *_mended(and_posted_right={"quantity": "chosen.right_quantity"}),
        ),
        share=0.5,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "sign_reversed",
        "The ERP posted a receipt as an issue.",
        "erp inventory_movement, inventory_balance",
        f"select * replace (cast(2 * quantity as decimal(18, 6)) as quantity) from ({_ERP} {_RECEIVED})",
        (
            change_event("inventory_movement", _SWAPPED),
            *_mended(and_posted_right=_SWAPPED),
        ),
        share=0.2,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "backflush_double_count",
        "The ERP backflushed what the shop floor had reported as taken.",
        "erp inventory_movement, inventory_balance",
        f"{_ERP} and movement_class = 'issue' and movement_type = '261' and sides = 1",
        (
            _added({"movement_type": "'261B'", "movement_class": "'backflush'"}),
            *_mended("D"),
        ),
        share=0.3,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    _missing("unposted_in_wms", "The warehouse lacks a receipt or issue.", _MADE, wms=True, share=0.2),
    _missing("unposted_in_erp", "The ERP lacks a receipt or issue.", _MADE, share=0.3),
    Defect(
        "inventory",
        "duplicate_posting",
        "The ERP posted a receipt twice.",
        "erp inventory_movement, inventory_balance",
        f"{_ERP} {_RECEIVED}",
        (_added({}), *_mended("D")),
        share=0.3,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "posted_into_closed_period",
        "The ERP posted a receipt or issue with a date of the month before, when that had been closed.",
        "erp inventory_movement",
        f"{_ERP} {_MADE} and date_part('day', posting_date) > 10",
        (
            change_event(
                "inventory_movement",
                {"posting_date": "cast(date_trunc('month', held_row.posting_date) as date) - 1"},
            ),
            *_mended(and_posted_right={}),
        ),
        share=0.2,
        kind="event",
        has_unique_claims=True,
        consequences=_OF_OBJECT,
    ),
    Defect(
        "inventory",
        "unexplained",
        "Somebody adjusted the ERP's stock without any document.",
        "erp inventory_movement, inventory_balance",
        f"select * replace (least(quantity, 5) as quantity) from ({_ERP} {_RECEIVED})",
        (
            _added(
                {
                    "movement_type": "'711'",
                    "movement_class": "'adjustment'",
                    "quantity": "least(held_row.quantity, 5)",
                    "reference_type": "null",
                    "reference_number": "null",
                    "reference_line": "null",
                }
            ),
            *_mended("D", quantity="least(held_row.quantity, 5)"),
        ),
        share=0.2,
        kind="event",
        has_unique_claims=True,
    ),
    Defect(
        "inventory",
        "unposted_in_erp",
        "A return minutes before the cut, which the ERP hears of after it.",
        "wms inventory_movement before the erp's",
        _AT_THE_CUT,
        (
            add_rows(
                "inventory_movement",
                f"{_RETURNED} piece.wms as source_system, known_at + interval 20 second as visible_from from chosen",
            ),
            add_rows(
                "inventory_movement",
                f"{_RETURNED} erp as source_system, cast(known_at as date) as posting_date, currency, "
                "cast(0 as decimal(18, 6)) as amount, until_at as visible_from from chosen",
            ),
            # it is there, so whoever counts later counts it
            change_event(
                "cycle_count",
                {"counted_quantity": "held_row.counted_quantity + target.returned"},
                """
                select counted.source_system, counted.row_id, sum(chosen.quantity) as returned
                from held.cycle_count as counted
                inner join chosen on counted.plant_id = chosen.plant_id
                    and counted.location = chosen.piece.location and counted.item_number = chosen.piece.item_number
                    and chosen.known_at < counted.counted_at
                where counted.lot_number is null
                group by counted.source_system, counted.row_id
                """,
            ),
        ),
        share=100,
        kind="event",
        has_unique_claims=True,
        is_near_miss=True,
        name="cutoff_timing",
        consequences=(Consequence("inventory", "keys[1]", "cutoff_timing"),),
    ),
)
