"""What follows from movements: balances of the systems, stock below zero, and changes whose stock is gone.

Belongs here: sums over movements as the systems hold them. Doesn't belong here: what is wrong with movements
(`inventory`).
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

from mfg_assets.simulate.held import inventory
from mfg_assets.simulate.options import Options
from mfg_assets.simulate.truth import instant


def settle(con: DuckDBPyConnection, options: Options) -> None:
    """Leave out movements that come after the cut, add up the balances anew, and write down what follows from them."""
    cut = instant(options.cut)
    con.execute(f"delete from held.inventory_movement where visible_from > {cut}")
    con.execute("delete from held.inventory_balance")
    inventory.add_balances(con, options.cut)
    con.execute(
        f"""
        insert into truth.finding
        with stock as (
            select
                source_system, plant_id, stock_key(location, item_number, lot_number, stock_status, ownership) as key,
                sum(quantity) as quantity
            from held.inventory_balance
            group by all
        ),
        causes as (
            select plant_id, business_key as key, max(planted_at) as planted_at
            from truth.finding
            where domain = 'inventory' and planted_at <= {cut}
            group by all
        )
        select
            'inventory', plant_id, key, 'negative_balance', max(-stock.quantity),
            coalesce(any_value(causes.planted_at), {cut}), null, 'Stock is below zero in a system.'
        from stock
        left join causes using (plant_id, key)
        where stock.quantity < 0
        group by plant_id, key
        """
    )
    # nobody has to decide any more what becomes of stock that is used up
    con.execute(
        f"""
        update truth.finding set mended_at = {cut}
        from change_at
        where finding_class = 'regulated_stock' and (mended_at is null or mended_at > {cut})
            and finding.plant_id = change_at.plant_id
            and (finding.business_key->>'$.change_number') = change_at.change_number
            and not exists (
                select 1 from held.inventory_balance as balance
                where balance.plant_id = change_at.plant_id and balance.item_number = change_at.old_component
                    and balance.quantity > 0
            )
        """
    )
