"""How supplies arrive: whole or in two parts, through inspection, on hold, on consignment, with what is thrown away.

One row per receipt. What is lost of a purchase is found at inspection and scrapped from blocked stock; what
production loses never reaches stock, so a made order's receipt is its good quantity.
"""

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.world.calendar import DAY

HOUR = 3600


def create(con: DuckDBPyConnection) -> None:
    """Make flow.receipt from flow.supply."""
    con.execute(
        f"""
        create or replace table flow.receipt as
        with supplies as (
            select
                supply.*,
                node.is_consigned,
                offer.lot_q as step_q,
                case
                    when supply.kind = 'buy' and not node.is_serial and chance('parts', supply.order_key) < 0.25
                        and supply.planned_q // offer.lot_q >= 2
                        then supply.planned_q // offer.lot_q // 2 * offer.lot_q
                    else 0
                end as first_q
            from flow.supply as supply
            inner join flow.node as node using (node_id)
            left join flow.offer as offer on supply.node_id = offer.node_id
        ),
        parts as (
            select
                node_id, n, kind, number, order_key, 1 as part, from_q,
                case when first_q > 0 then first_q when kind = 'make' then good_q else planned_q end as received_q,
                case when first_q > 0 or kind = 'make' then 0 else lost_q end as lost_q,
                end_tick - case when first_q > 0 then {HOUR} + chance_int('first part', order_key,
                    {DAY - HOUR}) else 0 end
                    as tick,
                available_tick, is_inspected, is_consigned
            from supplies
            union all
            select
                node_id, n, kind, number, order_key, 2, from_q + first_q, planned_q - first_q, lost_q, end_tick,
                available_tick, is_inspected, is_consigned
            from supplies
            where first_q > 0
        )
        select
            *,
            received_q - lost_q as good_q,
            number || '-' || part as receipt_key,
            case
                when kind = 'buy' and is_consigned then 'consigned'
                when not is_inspected then 'direct'
                when lost_q > 0 then 'rejected'
                when chance('hold', order_key || '/' || part) < 0.06 then 'held'
                else 'inspected'
            end as path,
            -- when somebody found fault, within the inspection
            tick + (available_tick - tick) // 4 as found_tick,
            -- what is thrown away is decided on later
            available_tick + {HOUR} + chance_int('scrapped', order_key || '/' || part, {2 * DAY}) as scrapped_tick
        from parts
        """
    )
