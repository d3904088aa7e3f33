"""How urgent an exception is and whose it is: the estate's rules over what was seen.

Belongs here: severity, service level, owner, escalation, as SQL over the raw observations.
Doesn't belong here: what was seen (`sources`), clocks and states (`observe`).

Owner, first that is named: an exception rule, the steward of the attribute, the finding's own, the class's owner in
`finding_owners`. Severity and service level: an exception rule, else the finding's severity and its level.
"""

from __future__ import annotations

import duckdb

from mfg_assets.estate.exception_rules import service_seconds
from mfg_assets.estate.models import Estate
from mfg_assets.exceptions.model import SEVERITIES
from mfg_assets.exceptions.sources import EVIDENCE_KEPT, RECORDS_KEPT
from mfg_assets.warehouse.owners import attribute_owners

ROUTED = "routed_observation"


def route(connection: duckdb.DuckDBPyConnection, estate: Estate) -> str:
    """Fold what was seen to one row per class and key, with its severity, clock and owner.

    Returns:
        The relation's name. Its rows are the same for the same observations, whatever order they came in.
    """
    _write_rules(connection, estate)
    connection.execute(
        f"""
        create or replace temp table {ROUTED} as
        with folded as (
            select
                raw.domain, raw.finding_class, raw.business_key, min(raw.plant_id) as plant_id,
                arg_min(raw.severity, level.rank) as severity, min(raw.owner_role) as owner_role,
                min(raw.entity) as entity, min(raw.attribute) as attribute, count(*) as finding_count,
                -- Rounded, because the order of a sum of doubles would show in its last digits.
                round(sum(raw.value_at_stake), 4) as value_at_stake,
                min(raw.currency) as currency, min(raw.suggested_action) as suggested_action,
                case
                    when count(*) = 1 then min(raw.evidence)
                    else to_json(list_sort(list(raw.evidence::json::varchar) filter (raw.evidence is not null))
                        [1:{EVIDENCE_KEPT}])::varchar
                end as evidence,
                to_json(coalesce(list_sort(list_distinct(flatten(list(raw.correlation_ids)
                    filter (raw.correlation_ids is not null))))[1:{RECORDS_KEPT}], []))::varchar as correlation_ids
            from raw_observation as raw
            left join exception_severity as level on raw.severity = level.severity
            group by raw.domain, raw.finding_class, raw.business_key
        ),
        ruled as (
            select
                folded.domain, folded.finding_class, folded.business_key,
                -- A later rule counts more, for each thing that it names.
                max_by(rule.severity, rule.number) filter (rule.severity is not null) as severity,
                max_by(rule.service_seconds, rule.number) filter (rule.service_seconds is not null) as service_seconds,
                max_by(rule.owner_role, rule.number) filter (rule.owner_role is not null) as owner_role,
                max_by(rule.escalate_to, rule.number) filter (rule.escalate_to is not null) as escalate_to
            from folded
            inner join exception_rule as rule
                on rule.domain in (folded.domain, '*')
                and rule.finding_class in (folded.finding_class, '*')
                and (rule.plant_id is null or rule.plant_id = folded.plant_id)
                and (rule.value_above is null or folded.value_at_stake > rule.value_above)
            group by folded.domain, folded.finding_class, folded.business_key
        ),
        stewarded as (
            select
                folded.domain, folded.finding_class, folded.business_key,
                max_by(steward.steward, (steward.plant_id is not null)::integer) as steward
            from folded
            inner join attribute_steward as steward
                on folded.entity = steward.entity
                and folded.attribute = steward.attribute
                and (steward.plant_id is null or steward.plant_id = folded.plant_id)
            group by folded.domain, folded.finding_class, folded.business_key
        ),
        owned as (
            select
                folded.domain, folded.finding_class, folded.business_key,
                max_by(class.owner_role, (class.domain <> '*')::integer + 2 * (class.finding_class <> '*')::integer)
                    as owner_role
            from folded
            inner join finding_class_owner as class
                on class.domain in (folded.domain, '*') and class.finding_class in (folded.finding_class, '*')
            group by folded.domain, folded.finding_class, folded.business_key
        )
        select
            md5(concat_ws('|', folded.domain, folded.finding_class, folded.business_key))[1:20] as exception_id,
            folded.domain, folded.finding_class, folded.business_key, folded.plant_id,
            coalesce(ruled.severity, folded.severity, 'medium') as severity,
            coalesce(ruled.owner_role, stewarded.steward, folded.owner_role, owned.owner_role) as owner_role,
            ruled.escalate_to,
            coalesce(ruled.service_seconds, level.service_seconds)::integer as service_seconds,
            folded.finding_count::integer as finding_count, folded.value_at_stake, folded.currency,
            folded.suggested_action, folded.evidence, folded.correlation_ids
        from folded
        left join ruled using (domain, finding_class, business_key)
        left join stewarded using (domain, finding_class, business_key)
        left join owned using (domain, finding_class, business_key)
        left join exception_severity as level on coalesce(ruled.severity, folded.severity, 'medium') = level.severity
        """
    )
    return ROUTED


def _write_rules(connection: duckdb.DuckDBPyConnection, estate: Estate) -> None:
    """The estate's words as small temporary tables."""
    levels = service_seconds(estate)
    _table(
        connection,
        "exception_severity",
        "severity varchar, rank integer, service_seconds integer",
        [(severity, rank, levels[severity]) for rank, severity in enumerate(SEVERITIES)],
    )
    rules = []
    for number, rule in enumerate(estate.file.exception_rules):
        seconds = int(rule.service_level.total_seconds()) if rule.service_level else None
        scope = _scope(rule.finding)
        rules += [
            (number, *scope, plant, rule.value_above, rule.severity, seconds, rule.owner, rule.escalate_to)
            for plant in rule.plants or [None]
        ]
    _table(
        connection,
        "exception_rule",
        "number integer, domain varchar, finding_class varchar, plant_id varchar, value_above double, "
        "severity varchar, service_seconds integer, owner_role varchar, escalate_to varchar",
        rules,
    )
    stewards = {
        (owner.entity, owner.attribute, owner.plant_id, owner.steward)
        for owner in attribute_owners(estate)
        # A rule for some item types only says nothing about an exception, which knows no item type.
        if owner.steward is not None and owner.item_type is None
    }
    _table(
        connection,
        "attribute_steward",
        "entity varchar, attribute varchar, plant_id varchar, steward varchar",
        sorted(stewards, key=str),
    )
    _table(
        connection,
        "finding_class_owner",
        "domain varchar, finding_class varchar, owner_role varchar",
        [(*_scope(key), role) for key, role in estate.file.finding_owners.items()],
    )


def _scope(key: str) -> tuple[str, str]:
    """`bom.*` → all of a domain, `bom.unit` → one class of it, `unit` → a class in any domain, `*` → everything."""
    domain, dot, finding_class = key.partition(".")
    if dot:
        return domain, finding_class
    return "*", domain


def _table(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    connection.execute(f"create or replace temp table {name} ({columns})")
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"insert into {name} values ({marks})", [list(row) for row in rows])
