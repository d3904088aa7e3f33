"""Genealogy: which lot or serial number each use of stock took, first in, first out.

Supplies and uses of a node are laid end to end (see plan); where their ends fall cuts both into pieces, and each
piece of a use is of the one supply that covers it. What another plant sent keeps its lot and serial numbers.
"""

from duckdb import DuckDBPyConnection


def create(con: DuckDBPyConnection, cut_tick: int) -> None:
    """Make flow.piece (supplies by lot) and flow.use (uses by lot or serial; untracked uses as they are)."""
    con.execute(
        """
        create or replace table flow.piece (
            node_id bigint, number varchar, part integer, from_q bigint, to_q bigint, lot varchar,
            serial_code varchar, serial_shift bigint
        )
        """
    )
    con.execute(
        """
        create or replace table flow.cut_use (
            node_id bigint, tick bigint, kind varchar, reference varchar, line varchar, start_q bigint, q bigint,
            from_q bigint, lot varchar, serial_code varchar, serial_shift bigint
        )
        """
    )
    con.execute(
        """
        create or replace temp table tracked as
        with recursive chain as (
            select node_id, 0 as rank from flow.node where (is_lot or is_serial) and source_kind <> 'transfer'
            union
            select node.node_id, chain.rank + 1
            from chain
            inner join flow.node as node on chain.node_id = node.from_node_id
            where node.source_kind = 'transfer' and chain.rank < 10
        )
        select node_id, max(rank) as rank from chain group by node_id
        """
    )
    con.execute(
        """
        create or replace temp table own_use as
        select
            requirement.*,
            sum(requirement.q) over (
                partition by requirement.node_id
                order by requirement.tick, requirement.kind, requirement.reference, requirement.line
                rows unbounded preceding
            )::hugeint::bigint as end_q
        from flow.requirement as requirement
        inner join tracked using (node_id)
        where requirement.tick < ?
        """,
        [cut_tick],
    )
    row = con.execute("select coalesce(max(rank), -1) from tracked").fetchone()
    for rank in range((row[0] if row else -1) + 1):
        _pieces(con, rank)
        _cut(con, rank)
    _uses(con, cut_tick)


def _pieces(con: DuckDBPyConnection, rank: int) -> None:
    con.execute(
        """
        insert into flow.piece
        select
            node.node_id, null, 0, 0, stock.opening_q,
            case when node.is_lot then 'L' || node.code || '-0000' end,
            node.code, 0
        from flow.stock as stock
        inner join flow.node as node using (node_id)
        inner join tracked using (node_id)
        where tracked.rank = ?
        """,
        [rank],
    )
    if rank == 0:
        con.execute(
            """
            insert into flow.piece
            select
                node.node_id, receipt.number, receipt.part,
                receipt.from_q + node.spare_q, receipt.from_q + node.spare_q + receipt.good_q,
                case when node.is_lot
                    then 'L' || node.code || '-' || lpad(cast(receipt.n as varchar), 4, '0')
                        || chr(64 + receipt.part) end,
                node.code, 0
            from flow.receipt as receipt
            inner join flow.node as node using (node_id)
            inner join tracked using (node_id)
            where tracked.rank = 0 and receipt.good_q > 0
            """
        )
        return
    con.execute(
        """
        insert into flow.piece
        select
            node.node_id,
            supply.number,
            cast(row_number() over (partition by supply.number order by cut.from_q) as integer),
            supply.from_q + node.spare_q + cut.from_q - cut.start_q,
            supply.from_q + node.spare_q + cut.from_q - cut.start_q + cut.q,
            cut.lot,
            cut.serial_code,
            cut.serial_shift + cut.from_q - (supply.from_q + node.spare_q + cut.from_q - cut.start_q)
        from flow.supply as supply
        inner join flow.node as node using (node_id)
        inner join tracked using (node_id)
        inner join flow.cut_use as cut
            on node.from_node_id = cut.node_id and supply.number = cut.reference and cut.kind = 'transfer'
        where tracked.rank = ? and supply.kind = 'transfer'
        """,
        [rank],
    )


def _cut(con: DuckDBPyConnection, rank: int) -> None:
    con.execute(
        """
        insert into flow.cut_use
        with here as (select own_use.* from own_use inner join tracked using (node_id) where tracked.rank = $rank),
        pieces as (select piece.* from flow.piece as piece inner join tracked using (node_id)
            where tracked.rank = $rank),
        points as (
            select node_id, end_q - q as at_q from here
            union
            select node_id, from_q from pieces
        ),
        segments as (
            select
                points.node_id,
                points.at_q,
                lead(points.at_q) over (partition by points.node_id order by points.at_q) as next_q
            from points
        ),
        used as (
            select segments.*, here.tick, here.kind, here.reference, here.line, here.q as whole_q, here.end_q
            from segments
            asof inner join (select *, end_q - q as start_q from here) as here
                on segments.node_id = here.node_id and segments.at_q >= here.start_q
            where segments.at_q < here.end_q
        )
        select
            used.node_id, used.tick, used.kind, used.reference, used.line,
            used.end_q - used.whole_q as start_q,
            least(coalesce(used.next_q, used.end_q), used.end_q) - used.at_q as q,
            used.at_q as from_q,
            pieces.lot, pieces.serial_code, pieces.serial_shift
        from used
        asof inner join pieces on used.node_id = pieces.node_id and used.at_q >= pieces.from_q
        """,
        {"rank": rank},
    )


def _uses(con: DuckDBPyConnection, cut_tick: int) -> None:
    con.execute(
        """
        create or replace table flow.use as
        with parts as (
            select
                cut.*,
                row_number() over (
                    partition by cut.node_id, cut.kind, cut.reference, cut.line order by cut.from_q
                ) as part
            from flow.cut_use as cut
        )
        select
            parts.node_id, parts.tick, parts.kind, parts.reference, parts.line, cast(parts.part as integer) as part,
            parts.q, parts.lot, cast(null as varchar) as serial
        from parts
        inner join flow.node as node using (node_id)
        where node.is_lot
        union all
        select
            node_id, tick, kind, reference, line, cast(row_number() over (
                partition by node_id, kind, reference, line order by piece_q
            ) as integer) as part,
            1000000 as q,
            null as lot,
            'SN' || serial_code || '-' || lpad(cast((piece_q + serial_shift) // 1000000 as varchar), 6, '0') as serial
        from (
            select cut.*, unnest(range(cut.from_q, cut.from_q + cut.q, 1000000)) as piece_q
            from flow.cut_use as cut
            inner join flow.node as node using (node_id)
            where node.is_serial
        )
        union all
        select requirement.node_id, requirement.tick, requirement.kind, requirement.reference, requirement.line, 1,
            requirement.q, null, null
        from flow.requirement as requirement
        inner join flow.node as node using (node_id)
        where not node.is_lot and not node.is_serial and requirement.tick < $cut_tick
        """,
        {"cut_tick": cut_tick},
    )
    # the supplying side in the same grain
    con.execute(
        """
        create or replace table flow.supplied as
        select piece.node_id, piece.number, piece.part, piece.part as sub_part, piece.to_q - piece.from_q as q,
            piece.lot,
            cast(null as varchar) as serial
        from flow.piece as piece
        inner join flow.node as node using (node_id)
        where node.is_lot and piece.to_q > piece.from_q
        union all
        select
            node_id, number, part,
            cast(row_number() over (partition by node_id, number, part order by piece_q) as integer) as sub_part,
            1000000 as q, null as lot,
            'SN' || serial_code || '-' || lpad(cast((piece_q + serial_shift) // 1000000 as varchar), 6, '0') as serial
        from (
            select piece.*, unnest(range(piece.from_q, piece.to_q, 1000000)) as piece_q
            from flow.piece as piece
            inner join flow.node as node using (node_id)
            where node.is_serial
        )
        union all
        select node_id, number, part, 1, good_q, null, null
        from flow.receipt
        inner join flow.node as node using (node_id)
        where not node.is_lot and not node.is_serial and good_q > 0
        union all
        select stock.node_id, null, 0, 1, stock.opening_q, null, null
        from flow.stock as stock
        inner join flow.node as node using (node_id)
        where not node.is_lot and not node.is_serial
        """
    )
