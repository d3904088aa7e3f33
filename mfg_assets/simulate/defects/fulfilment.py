"""Defects of customers' orders: where the ERP and those who ship tell different stories.

Belongs here: entries of the catalogue about order lines and shipments. Doesn't belong here: the stock that leaves
(`inventory`).
"""

from __future__ import annotations

from mfg_assets.simulate.defects.model import Consequence, Defect, replace_values

_OF_LINE = (Consequence("fulfilment", "json_object('object_key', object_key)::varchar"),)


def _lines(status: str, where: str = "true") -> str:
    """An ERP's order lines in a status at the first cut."""
    return f"""
    select
        'sale|' || plant_id || '|' || sales_order_number || '|' || line_number as claim, visible_from as known_at,
        visible_to as until_at, plant_id, quantity, source_system as system, row_id,
        sales_order_number || '/' || line_number as object_key, sales_order_number, line_number,
        [json_object('object_key', sales_order_number || '/' || line_number, 'item_number', item_number)::varchar]
            as keys
    from held.sales_order_line
    where status = '{status}' and visible_from <= $first and (visible_to is null or $first < visible_to) and ({where})
    """


# What left last, and when: promises are moved before it.
_LEFT = f"""
select line.*, shipped.shipped_at
from ({_lines("closed")}) as line
inner join (
    select plant_id, sales_order_number, sales_order_line_number, max(shipped_at) as shipped_at
    from held.shipment
    where status = 'delivered' and visible_from <= $first
    group by all
) as shipped on line.plant_id = shipped.plant_id and line.sales_order_number = shipped.sales_order_number
    and line.line_number = shipped.sales_order_line_number
"""
_PROMISED = "select system as source_system, row_id, planted_at, mended_at, shipped_at from chosen"

FULFILMENT: tuple[Defect, ...] = (
    Defect(
        "fulfilment",
        "order_without_shipment",
        "The ERP says that an open line was shipped, and nothing left.",
        "erp sales_order_line",
        _lines("open"),
        (replace_values("sales_order_line", {"shipped_quantity": "held_row.quantity"}),),
        consequences=_OF_LINE,
    ),
    Defect(
        "fulfilment",
        "shipment_not_in_order",
        "Goods left, and in the ERP their order line is open.",
        "erp sales_order_line",
        _lines("closed"),
        (replace_values("sales_order_line", {"shipped_quantity": "cast(0 as decimal(18, 6))", "status": "'open'"}),),
        consequences=_OF_LINE,
    ),
    Defect(
        "fulfilment",
        "late_shipment",
        "Goods left ten days after the ERP had promised them.",
        "erp sales_order_line",
        _LEFT,
        (replace_values("sales_order_line", {"promised_at": "held_row.shipped_at - interval 10 day"}, _PROMISED),),
        consequences=_OF_LINE,
    ),
    Defect(
        "fulfilment",
        "late_shipment",
        "Goods left two hours before the ERP had promised them.",
        "erp sales_order_line",
        _LEFT,
        (replace_values("sales_order_line", {"promised_at": "held_row.shipped_at + interval 2 hour"}, _PROMISED),),
        is_near_miss=True,
        name="just_in_time",
    ),
)
