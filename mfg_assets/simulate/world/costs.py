"""Standard costs: bought items by kind and supplier's country, made ones rolled up through the bills.

Belongs here: world.item_plant.standard_cost. Doesn't belong here: prices (`suppliers`), stock values.

Costs are those of the bills before any change told here, in the plant's currency, for one base unit.
"""

from __future__ import annotations

from duckdb import DuckDBPyConnection

HIGHEST_LEVEL = 8
LABOUR_EUR_PER_MINUTE = "0.75"


def create(con: DuckDBPyConnection) -> None:
    """Fill standard_cost from the lowest level up; at each level what is fetched comes after what is made or bought."""
    con.execute("create or replace temp table costed (item_number varchar, plant_id varchar, cost decimal(18, 6))")
    _labour(con)
    for level in range(HIGHEST_LEVEL + 1):
        _own(con, level)
        _fetched(con, level)
    con.execute(
        """
        update world.item_plant as site
        set standard_cost = case plant.currency
            when 'VND' then cast(round(cast(costed.cost as decimal(28, 6)) * cast(plant.per_euro as decimal(10, 2)),
                0) as decimal(18, 6))
            else cast(round(cast(costed.cost as decimal(28, 6)) * cast(plant.per_euro as decimal(10, 2)), 4)
                as decimal(18, 6))
        end
        from costed, world.plant as plant
        where site.item_number = costed.item_number and site.plant_id = costed.plant_id
            and site.plant_id = plant.plant_id
        """
    )


def _labour(con: DuckDBPyConnection) -> None:
    con.execute(
        f"""
        create or replace temp table labour as
        select item_number, plant_id,
            cast(sum(run_time) * {LABOUR_EUR_PER_MINUTE} * any_value(case plant_id when 'P400' then 0.25 else 1 end)
                as decimal(18, 6)) as cost
        from world.routing_operation
        group by item_number, plant_id
        """
    )


def _own(con: DuckDBPyConnection, level: int) -> None:
    con.execute(
        """
        insert into costed
        with material as (
            select
                line.parent_item_number, line.plant_id,
                sum(
                    -- wider than they need be, or the product would be squeezed into 18 digits
                    cast(line.quantity_per as decimal(20, 9)) * cast(component.cost as decimal(15, 6))
                    * cast(1 + coalesce(line.component_scrap, 0) as decimal(3, 2))
                    * case when line.line_type in ('by_product', 'co_product') then -1 else 1 end
                ) as cost
            from world.bom_line as line
            inner join costed as component
                on line.component_item_number = component.item_number and line.plant_id = component.plant_id
            where line.alternative = '1' and line.change_in is null and not line.is_fixed_quantity
                and coalesce(line.alternate_priority, 1) = 1
            group by line.parent_item_number, line.plant_id
        )
        select
            site.item_number, site.plant_id,
            cast(round(case
                when site.has_bill then greatest(coalesce(material.cost, 0), 0.01) + coalesce(labour.cost, 0)
                when item.level > 0 then 60 + chance_int('bought assembly', item.item_number, 90)
                else kind.cost_from + (kind.cost_to - kind.cost_from)
                    * (chance_int('cost', item.item_number, 1000) * 0.001)
            end, 4) as decimal(18, 6))
        from world.item_plant as site
        inner join world.item as item on site.item_number = item.item_number
        inner join world.kind as kind on item.category = kind.kind
        left join material on site.item_number = material.parent_item_number and site.plant_id = material.plant_id
        left join labour on site.item_number = labour.item_number and site.plant_id = labour.plant_id
        where item.level = $level and site.sourcing <> 'transfer'
        """,
        {"level": level},
    )


def _fetched(con: DuckDBPyConnection, level: int) -> None:
    con.execute(
        """
        insert into costed
        select site.item_number, site.plant_id, cast(round(source.cost * 1.04, 4) as decimal(18, 6))
        from world.item_plant as site
        inner join world.item as item on site.item_number = item.item_number
        inner join costed as source on site.item_number = source.item_number and site.from_plant_id = source.plant_id
        where item.level = $level and site.sourcing = 'transfer'
        """,
        {"level": level},
    )
