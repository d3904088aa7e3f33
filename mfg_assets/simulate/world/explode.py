"""What each order consumes: the bill in force at its scheduled start, phantoms passed through, alternates chosen.

The rules are those by which structures are judged everywhere (3, 8 to 14): the bill by usage, lot size and
alternative, one member of each group of alternates, fixed quantities per order, scrap by its method, pieces rounded
up once at the leaf. Works on the orders of one level in the temporary table `timed`.
"""

from duckdb import DuckDBPyConnection

DEEPEST = 30
"""Ends what a cycle of phantoms would never end; no sound structure nests them as deep."""


def create_tables(con: DuckDBPyConnection) -> None:
    """Make the empty flow.component, flow.order_bill and flow.order_operation."""
    con.execute(
        """
        create or replace table flow.component (
            number varchar, parent_id bigint, line varchar, node_id bigint, q bigint, operation_sequence integer,
            tick bigint, is_by_product boolean, path varchar
        )
        """
    )
    con.execute("create or replace table flow.order_bill (number varchar, alternative varchar, usage varchar)")
    con.execute(
        """
        create or replace table flow.order_operation (
            number varchar, node_id bigint, operation_sequence integer, work_center varchar,
                work_instruction_version varchar,
            position integer, operations integer, start_tick bigint, end_tick bigint
        )
        """
    )


def explode(con: DuckDBPyConnection) -> None:
    """Explode the made and subcontracted orders in `timed`; their components become requirements."""
    _operations(con)
    con.execute(
        """
        create or replace temp table asked as
        select
            timed.number,
            timed.node_id as order_node_id,
            timed.node_id,
            instant(timed.scheduled_start_tick, node.timezone) as starts_at,
            cast(cast(timed.order_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(28, 6)) as lot_quantity,
            cast(cast(timed.order_q as decimal(38, 0)) * 0.000001::decimal(7, 6) as decimal(38, 12)) as quantity,
            '' as path,
            cast(null as integer) as operation_sequence
        from timed
        inner join flow.node as node using (node_id)
        where timed.source_kind in ('make', 'subcontract')
        """
    )
    con.execute("create or replace temp table leaf as select *, false as is_by_product from asked where false")
    for depth in range(DEEPEST):
        _step(con, depth)
        row = con.execute("select count(*) from asked").fetchone()
        if row is None or row[0] == 0:
            break
    _components(con)


def _operations(con: DuckDBPyConnection) -> None:
    # the order's time is split evenly over the steps of the routing in force
    con.execute(
        """
        create or replace temp table step as
        with steps as (
            select
                timed.number,
                timed.node_id,
                operation.operation_sequence,
                operation.work_center,
                operation.work_instruction_version,
                timed.start_tick,
                timed.end_tick,
                row_number() over (partition by timed.number order by operation.operation_sequence) as position,
                count(*) over (partition by timed.number) as operations
            from timed
            inner join flow.node as node using (node_id)
            inner join flow.operation as operation using (node_id)
            where timed.source_kind = 'make'
                and coalesce(operation.effective_from <= instant(timed.scheduled_start_tick, node.timezone), true)
                and coalesce(operation.effective_to > instant(timed.scheduled_start_tick, node.timezone), true)
        )
        select
            number, node_id, operation_sequence, work_center, work_instruction_version,
            cast(position as integer) as position,
            cast(operations as integer) as operations,
            start_tick + (end_tick - start_tick) * (position - 1) // operations as start_tick,
            start_tick + (end_tick - start_tick) * position // operations as end_tick
        from steps
        """
    )
    con.execute("insert into flow.order_operation select * from step")


def _step(con: DuckDBPyConnection, depth: int) -> None:
    con.execute(
        """
        create or replace temp table chosen_bill as
        select asked.*, bill.alternative, bill.usage
        from asked
        inner join flow.bill as bill using (node_id)
        where coalesce(bill.effective_from <= asked.starts_at, true)
            and coalesce(bill.effective_to > asked.starts_at, true)
        qualify row_number() over (
            partition by asked.number, asked.path
            order by
                case coalesce(bill.usage, 'production') when 'production' then 1 when 'universal' then 2 else 3 end,
                asked.lot_quantity >= coalesce(bill.lot_size_from, 0)
                    and coalesce(asked.lot_quantity <= bill.lot_size_to, true) desc,
                try_cast(bill.alternative as bigint) asc nulls last,
                bill.alternative asc nulls first,
                bill.effective_from desc nulls last
        ) = 1
        """
    )
    if depth == 0:
        con.execute("insert into flow.order_bill select number, alternative, usage from chosen_bill")
    con.execute(
        """
        create or replace temp table chosen_line as
        select
            bill.number,
            bill.order_node_id,
            line.component_id as node_id,
            bill.starts_at,
            component.lot_size as lot_quantity,
            -- rule 9: a fixed quantity is per order, whatever its size
            cast(
                case when line.is_fixed then cast(line.quantity_per as decimal(38, 12))
                    else cast(
                        cast(bill.quantity as decimal(22, 12)) * cast(line.quantity_per as decimal(16, 12))
                            as decimal(38, 12)
                    )
                end as decimal(38, 12)
            ) as quantity,
            bill.path || '/' || coalesce(line.alternative, '') || ':' || line.line_id as path,
            coalesce(bill.operation_sequence, line.operation_sequence) as operation_sequence,
            line.is_phantom and line.line_type in ('component', 'consumable') and passed.node_id is not null
                as is_passed,
            line.line_type not in ('component', 'consumable') as is_by_product
        from chosen_bill as bill
        inner join flow.line as line
            on bill.node_id = line.node_id and bill.alternative is not distinct from line.alternative
        inner join flow.node as component on line.component_id = component.node_id
        left join (select distinct node_id from flow.bill) as passed on line.component_id = passed.node_id
        where coalesce(line.effective_from <= bill.starts_at, true) and coalesce(line.effective_to > bill.starts_at,
            true)
        -- rule 12: one member of each group
        qualify line.alternate_group is null or row_number() over (
            partition by bill.number, bill.path, line.alternate_group
            order by
                line.alternate_priority asc nulls last,
                line.usage_probability desc nulls last,
                component.item_number asc,
                line.line_id asc
        ) = 1
        """
    )
    con.execute(
        """
        insert into leaf by name
        select number, order_node_id, node_id, starts_at, lot_quantity, quantity, path, operation_sequence,
            is_by_product
        from chosen_line where not is_passed
        """
    )
    con.execute(
        """
        create or replace temp table asked as
        select * exclude (is_passed, is_by_product) from chosen_line where is_passed
        """
    )


def _components(con: DuckDBPyConnection) -> None:
    con.execute(
        """
        create or replace temp table component as
        with leaves as (
            select
                leaf.*,
                node.is_counted,
                -- rule 10: rounded once, at the leaf; pieces upwards
                case when node.is_counted then ceil(cast(leaf.quantity as decimal(28, 6)))::bigint * 1000000
                    else greatest(cast(round(leaf.quantity * 1000000) as bigint), 1) end as q
            from leaf
            inner join flow.node as node on leaf.node_id = node.node_id
        ),
        placed as (
            select
                leaves.*,
                coalesce(step.operation_sequence, first_step.operation_sequence) as sequence,
                coalesce(step.start_tick, first_step.start_tick, timed.start_tick) as step_start,
                coalesce(step.end_tick, first_step.end_tick, timed.start_tick) as step_end,
                timed.end_tick
            from leaves
            inner join timed on leaves.number = timed.number
            left join step on leaves.number = step.number and leaves.operation_sequence = step.operation_sequence
            left join step as first_step on leaves.number = first_step.number and first_step.position = 1
        )
        select
            placed.number,
            placed.order_node_id as parent_id,
            lpad(cast(10 * row_number() over (partition by placed.number order by placed.path) as varchar), 4,
                '0') as line,
            placed.node_id,
            placed.q,
            placed.sequence as operation_sequence,
            -- what a step used is reported when the step is
            case when placed.is_by_product then placed.end_tick else placed.step_end end as tick,
            placed.is_by_product,
            placed.path
        from placed
        inner join flow.node as node on placed.node_id = node.node_id
        """
    )
    con.execute("insert into flow.component select * from component")
    con.execute(
        """
        insert into flow.requirement
        select node_id, tick, q, 'component', number, line from component where not is_by_product
        """
    )
