"""Who is asked for what is bought: one supplier per node, in that supplier's order unit.

The first active and preferred supplier of the item; its order unit decides in which steps can be bought, so that
every ordered quantity is exact in the base unit as well.
"""

from duckdb import DuckDBPyConnection


def create(con: DuckDBPyConnection) -> None:
    """Make flow.offer: node, supplier, order unit, and an order's steps and limits in millionths."""
    con.execute(
        """
        create or replace table flow.offer as
        with offers as (
            select
                node.node_id,
                node.node_key,
                node.is_counted,
                source.supplier_number,
                coalesce(source.order_unit, node.unit) as order_unit,
                source.price,
                source.currency,
                source.minimum_quantity,
                source.maximum_quantity,
                cast(case when coalesce(source.order_unit, node.unit) = node.unit then 1 else units.numerator
                    end * 1000000000
                    as hugeint) as numerator,
                cast(case when coalesce(source.order_unit, node.unit) = node.unit then 1 else units.denominator
                    end * 1000000000
                    as hugeint) as denominator
            from flow.node as node
            inner join world.supplier_item as source on node.item_number = source.item_number
            inner join world.supplier as supplier on source.supplier_number = supplier.supplier_number
            left join world.item_unit as units
                on node.item_number = units.item_number and source.order_unit = units.unit
            where node.source_kind in ('buy', 'subcontract') and coalesce(supplier.status, 'active') = 'active'
            qualify row_number() over (
                partition by node.node_id
                order by coalesce(supplier.is_preferred, false) desc, source.price asc, source.supplier_number asc
            ) = 1
        ),
        -- the smallest power of ten of order units that is a whole number of pieces, or of millionths
        steps as (
            select
                offers.*,
                powers.units,
                powers.units * 1000000 * offers.numerator // offers.denominator as step_q
            from offers
            cross join (select unnest([1, 10, 100, 1000, 10000, 100000, 1000000]::hugeint[]) as units) as powers
            where offers.numerator > 0
                and (powers.units * 1000000 * offers.numerator) % offers.denominator = 0
                and (
                    not offers.is_counted
                    or (powers.units * 1000000 * offers.numerator // offers.denominator) % 1000000 = 0
                )
            qualify row_number() over (partition by offers.node_id order by powers.units) = 1
        )
        select
            node_id,
            supplier_number,
            order_unit,
            price,
            currency,
            units as step_units,
            step_q::bigint as lot_q,
            coalesce(cast(cast(minimum_quantity as decimal(18, 6)) * 1000000 as hugeint) * numerator // denominator,
                0)::bigint
                as minimum_q,
            (cast(cast(maximum_quantity as decimal(18, 6)) * 1000000
                as hugeint) * numerator // denominator)::bigint as maximum_q
        from steps
        """
    )
