"""Defects of where and how much is ordered: suppliers, their terms, and items that nobody needs any more.

Belongs here: entries about open orders that are placed wrongly, with their look-alikes. Doesn't belong here: what
suppliers answer and deliver (`deliveries`, `buying`), receipts (`receipts`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Defect, add_rows, replace_throughout, replace_values
from mfg_assets.simulate.defects.procurement import CURRENT, EVERY_HOLDER, OF_ITEM, OF_LIFECYCLE, order_lines

_MORE = ", line.purchase_order_number, line.line_number, line.unit, line.visible_to as line_until"

# An item's only open line anywhere, with the terms that its own ERP has for it.
_LIMITED = f"""
select
    line.* replace (
        'terms|' || line.supplier_number || '/' || line.item_number as claim,
        greatest(line.known_at, terms.visible_from) as known_at
    ),
    line.claim as document, line.quantity as ordered_quantity
from ({order_lines("line.status = 'open'", more=_MORE)}) as line
inner join (select * from held.supplier_item where {CURRENT}) as terms
    on line.system = terms.source_system and line.supplier_number = terms.supplier_number
    and line.item_number = terms.item_number and line.unit = terms.order_unit
qualify count(*) over (partition by line.item_number) = 1
"""
_EVERY_HOLDER = EVERY_HOLDER.replace("mended_at from", "mended_at, ordered_quantity from")

# Terms of ERPs that count what is on order, at the one plant that such an ERP serves.
_COUNTED = f"""
select
    'terms|' || terms.supplier_number || '/' || terms.item_number as claim, terms.visible_from as known_at,
    terms.visible_to as until_at, site.plant_id, coalesce(terms.minimum_quantity, 1) as quantity,
    terms.source_system as system, terms.row_id, terms.item_number, terms.supplier_number,
    [json_object(
        'object_key', terms.supplier_number || '/' || terms.item_number, 'item_number', terms.item_number
    )::varchar] as keys
from (select * from held.supplier_item where {CURRENT} and on_order_quantity is not null) as terms
inner join (select distinct source_system, plant_id, item_number from held.item_plant) as site
    on terms.source_system = site.source_system and terms.item_number = site.item_number
"""

# The same, of an item of which a line is open and nothing has come.
_DRAFTED = f"""
select
    counted.* replace (
        least(counted.until_at, line.until_at) as until_at, greatest(counted.known_at, line.known_at) as known_at,
        line.quantity as quantity
    ),
    line.claim as document, line.row_id as line_row
from ({_COUNTED}) as counted
inner join ({order_lines("line.status = 'open' and line.received_quantity = 0")}) as line
    on counted.system = line.system and counted.supplier_number = line.supplier_number
    and counted.item_number = line.item_number
qualify count(*) over (partition by counted.claim) = 1
"""


def _elsewhere(status: str) -> str:
    """The only line of an order with a preferred supplier, and who else sells the item to the same ERP."""
    lines = order_lines(
        f"line.status = '{status}'",
        more=", line.purchase_order_number, line.status as order_status, orders.row_id as order_row, "
        "orders.visible_from as order_from, orders.visible_to as order_until",
    )
    # each part by itself: all at once, the planner joins suppliers with suppliers before it looks at a line
    return f"""
    with line as materialized ({lines}),
    choice as materialized (
        select
            terms.source_system, terms.item_number,
            min(terms.supplier_number) filter (not seller.is_preferred) as other_supplier,
            list(terms.supplier_number) filter (seller.is_preferred) as preferred_suppliers
        from (select * from held.supplier_item where {CURRENT}) as terms
        inner join (select * from held.supplier where {CURRENT}) as seller
            on terms.source_system = seller.source_system and terms.supplier_number = seller.supplier_number
        group by terms.source_system, terms.item_number
        having other_supplier is not null and preferred_suppliers is not null
    ),
    single as materialized (
        select source_system, purchase_order_number
        from held.purchase_order_line
        where visible_from <= $first
        group by source_system, purchase_order_number
        having count(distinct line_number) = 1
    )
    select
        line.* replace (
            greatest(line.known_at, line.order_from) as known_at, least(line.until_at, line.order_until) as until_at
        ),
        choice.other_supplier,
        -- that the preferred one is inactive would be told of this line, too, and not of what is ordered elsewhere
        case when line.order_status = 'open' then 'supplier|' || line.supplier_number else line.claim end as document
    from line
    inner join choice on line.system = choice.source_system and line.item_number = choice.item_number
        and list_contains(choice.preferred_suppliers, line.supplier_number)
    semi join single on line.system = single.source_system
        and line.purchase_order_number = single.purchase_order_number
    """


_PLACED = (
    replace_values(
        "purchase_order",
        {"supplier_number": "held_row.other_supplier"},
        "select system as source_system, order_row as row_id, planted_at, mended_at, other_supplier from chosen",
    ),
)

# What one plant has on order, and another that has no bill with it; the Americans' ERP knows only numbers of its own.
_SISTER = f"""
select
    'item|*|' || line.item_number as claim, line.known_at, plm.visible_to as until_at, target.plant_id,
    line.quantity, line.system as line_system, line.row_id as line_row, line.purchase_order_number as old_number,
    line.supplier_number, line.item_number, plm.source_system as system, plm.row_id, target.erp,
    '7' || substr(line.purchase_order_number, 2) as new_number, line.line_number,
    [json_object(
        'object_key', '7' || substr(line.purchase_order_number, 2) || '/' || line.line_number,
        'item_number', line.item_number
    )::varchar] as keys
from ({order_lines("line.status = 'open'", more=_MORE)}) as line
inner join (select * from held.item where {CURRENT}) as plm on line.item_number = plm.item_number
    and left(plm.source_system, 3) = 'plm' and coalesce(plm.lifecycle_status, 'active') = 'active'
inner join (
    values ('P100', 'erp_s4'), ('P200', 'erp_s4'), ('P400', 'erp_asia')
) as target (plant_id, erp) on line.plant_id <> target.plant_id
where not exists (
    select 1 from held.bom_line as used
    where used.component_item_number = line.item_number
        and coalesce(
            used.plant_id = target.plant_id,
            used.applicable_plants is null or contains(used.applicable_plants, target.plant_id)
        )
)
qualify row_number() over (partition by line.item_number order by chance('sister', line.claim || target.plant_id)) = 1
"""


def _copied(entity: str, of: str, values: dict[str, str], where: str = "true") -> str:
    """Rows of the sister plant's ERP: what the first ERP holds at the planting, with other values."""
    replaced = ", ".join(f"{sql} as {column}" for column, sql in values.items())
    return f"""
    select held_row.* replace (
        chosen.erp as source_system, chosen.planted_at as visible_from, chosen.mended_at as visible_to, {replaced}
    )
    from chosen
    inner join held.{entity} as held_row on chosen.line_system = held_row.source_system and {of}
        and held_row.visible_from <= chosen.planted_at
        and (held_row.visible_to is null or chosen.planted_at < held_row.visible_to)
    where {where}
    """


SOURCES: tuple[Defect, ...] = (
    Defect(
        "procurement",
        "phase_out_item",
        "A plant has ordered, as its sister plant has, an item that is phased out and that none of its own bills uses.",
        "plm item, erp purchase_order, purchase_order_line, supplier_item",
        _SISTER,
        (
            replace_values("item", {"lifecycle_status": "'phase_out'"}),
            add_rows(
                "supplier_item",
                _copied(
                    "supplier_item",
                    "chosen.supplier_number = held_row.supplier_number and chosen.item_number = held_row.item_number",
                    {"on_order_quantity": "null"},
                    "not exists (select 1 from held.supplier_item as own where own.source_system = chosen.erp "
                    "and own.supplier_number = chosen.supplier_number and own.item_number = chosen.item_number)",
                ),
            ),
            add_rows(
                "purchase_order",
                _copied(
                    "purchase_order",
                    "chosen.old_number = held_row.purchase_order_number",
                    {
                        "row_id": "chosen.new_number",
                        "purchase_order_number": "chosen.new_number",
                        "ordered_at": "chosen.planted_at - interval 1 hour",
                        "shipped_at": "null",
                        "status": "'open'",
                    },
                ),
            ),
            add_rows(
                "purchase_order_line",
                _copied(
                    "purchase_order_line",
                    "chosen.line_row = held_row.row_id",
                    {
                        "row_id": "chosen.new_number || '|' || held_row.line_number",
                        "purchase_order_number": "chosen.new_number",
                        "plant_id": "chosen.plant_id",
                        "due_at": "chosen.planted_at + interval 90 day",
                        "promised_at": "null",
                        "received_quantity": "cast(0 as decimal(18, 6))",
                        "stocked_quantity": "cast(0 as decimal(18, 6))",
                        "status": "'open'",
                    },
                ),
            ),
        ),
        share=0.3,
        consequences=OF_LIFECYCLE,
    ),
    Defect(
        "procurement",
        "order_quantity_limits",
        "The smallest order that the supplier takes has become twice what is on order.",
        "procurement and erp supplier_item",
        _LIMITED,
        (
            replace_throughout(
                "supplier_item",
                {"minimum_quantity": "cast(held_row.ordered_quantity * 2 as decimal(18, 6))"},
                _EVERY_HOLDER,
            ),
        ),
        share=0.5,
        # what is ordered later is no more
        consequences=(OF_ITEM,),
    ),
    Defect(
        "procurement",
        "order_quantity_limits",
        "The smallest order that the supplier takes has become what is on order, no more.",
        "procurement and erp supplier_item",
        _LIMITED,
        (replace_throughout("supplier_item", {"minimum_quantity": "held_row.ordered_quantity"}, _EVERY_HOLDER),),
        share=0.5,
        is_near_miss=True,
        name="just_enough",
        consequences=(OF_ITEM,),
    ),
    Defect(
        "procurement",
        "on_order_quantity",
        "The ERP counts as on order one smallest order more than its open lines lack.",
        "erp supplier_item",
        _COUNTED,
        (
            replace_values(
                "supplier_item",
                {"on_order_quantity": "held_row.on_order_quantity + coalesce(held_row.minimum_quantity, 1)"},
            ),
        ),
        share=0.5,
    ),
    Defect(
        "procurement",
        "on_order_quantity",
        "A line went back to being a draft, and the quantity on order went down by it.",
        "erp supplier_item, purchase_order_line",
        _DRAFTED,
        (
            replace_values(
                "supplier_item",
                {"on_order_quantity": "held_row.on_order_quantity - held_row.drafted"},
                "select system as source_system, row_id, planted_at, mended_at, quantity as drafted from chosen",
            ),
            replace_values(
                "purchase_order_line",
                {"status": "'draft'"},
                "select system as source_system, line_row as row_id, planted_at, mended_at from chosen",
            ),
        ),
        share=0.5,
        is_near_miss=True,
        name="draft",
    ),
    Defect(
        "procurement",
        "non_preferred_supplier",
        "An order was placed with another source than the preferred supplier.",
        "erp purchase_order",
        _elsewhere("open"),
        _PLACED,
        # what the supplier's terms count as on order is another's
        consequences=(OF_ITEM,),
    ),
    Defect(
        "procurement",
        "non_preferred_supplier",
        "An order that has come had been placed with another source than the preferred supplier.",
        "erp purchase_order",
        _elsewhere("complete"),
        _PLACED,
        is_near_miss=True,
        name="has_come",
    ),
)
