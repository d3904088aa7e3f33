"""The graph as Dagster sees it: unbroken lineage, gates, freshness, and what starts a run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mfg_assets.settings import Settings, get_settings
from tests.mini import DATA, write, write_mini


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The mini estate as this process's estate: definitions are made from it when they are imported."""
    folder = tmp_path_factory.mktemp("graph")
    before = {name: os.environ.get(name) for name in ("MFG_HOME", "MFG_ESTATE", "DAGSTER_HOME")}
    os.environ |= {"MFG_HOME": str(folder / "home"), "MFG_ESTATE": str(write_mini(folder))}
    get_settings.cache_clear()
    yield folder
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def definitions(folder: Path) -> dg.Definitions:
    from mfg_assets.definitions import defs

    return defs()


@pytest.fixture
def settings(folder: Path) -> Settings:
    return get_settings()


def _graph(definitions: dg.Definitions):
    return definitions.resolve_asset_graph()


def test_lineage_runs_unbroken_from_each_extract_to_what_is_published(definitions: dg.Definitions) -> None:
    graph = _graph(definitions)

    def upstream(key: dg.AssetKey) -> set[dg.AssetKey]:
        found: set[dg.AssetKey] = set()
        todo = [key]
        while todo:
            for parent in graph.get(todo.pop()).parent_keys - found:
                found.add(parent)
                todo.append(parent)
        return found

    published = {k.path[1]: upstream(k) for k in graph.get_all_asset_keys() if k.path[0] == "published"}
    assert dg.AssetKey(["extract", "plm", "bom_line"]) in published["item_requirement"]
    assert dg.AssetKey(["extract", "plm", "item"]) in published["item"]
    assert dg.AssetKey(["extract", "erp", "inventory_balance"]) in published["inventory_comparison"]
    assert dg.AssetKey(["extract", "wms", "inventory_movement"]) in published["inventory_finding"]
    reached = set().union(*published.values())
    extracts = {k for k in graph.get_all_asset_keys() if k.path[0] == "extract"}
    assert extracts <= reached


def test_no_asset_is_left_out_of_the_graph_by_a_key_that_nobody_materialises(definitions: dg.Definitions) -> None:
    assert _graph(definitions).external_asset_keys == set()


def test_a_run_starts_dbt_once(definitions: dg.Definitions) -> None:
    """An asset that waits for some models while others wait for it would split the step, at seconds for each start."""
    nodes = [node.name for node in definitions.resolve_job_def("warehouse").nodes]
    assert [name for name in nodes if name.startswith("models")] == ["models"]


def test_every_asset_says_what_it_is_and_where_it_belongs(definitions: dg.Definitions) -> None:
    graph = _graph(definitions)
    silent = [
        k.to_user_string()
        for k in graph.get_all_asset_keys()
        if not graph.get(k).description or graph.get(k).group_name in (None, "default") or not graph.get(k).kinds
    ]
    assert silent == []


def test_freshness_and_schedule_come_from_the_estate(definitions: dg.Definitions) -> None:
    graph = _graph(definitions)
    policy = graph.get(dg.AssetKey(["extract", "plm", "item"])).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
    assert graph.get(dg.AssetKey(["extract", "erp", "inventory_balance"])).freshness_policy is None
    schedule = definitions.resolve_schedule_def("plm_schedule")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 5 * * *", "Europe/Berlin"), "the plant's clock"
    assert not definitions.get_repository_def().has_schedule_def("erp_schedule")


def test_only_extracts_retry(definitions: dg.Definitions) -> None:
    for assets in definitions.resolve_asset_graph().assets_defs:
        is_extract = all(k.path[0] == "extract" for k in assets.keys)
        for node in assets.node_def.iterate_node_defs() if assets.keys else ():
            policy = getattr(node, "retry_policy", None)
            assert (policy is not None) == is_extract, node.name
            if policy is not None:
                assert policy.backoff == dg.Backoff.EXPONENTIAL


def _requested(definitions: dg.Definitions, instance: dg.DagsterInstance, cursor: Any) -> tuple[set[str], Any]:
    result = dg.evaluate_automation_conditions(
        defs=definitions,
        instance=instance,
        cursor=cursor,
        asset_selection=dg.AssetSelection.all(),  # type: ignore[arg-type]
    )
    graph = _graph(definitions)
    return {k.to_user_string() for k in graph.get_all_asset_keys() if result.get_num_requested(k)}, result.cursor


def _materialise(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey]) -> None:
    for key in keys:
        instance.report_runless_asset_event(dg.AssetMaterialization(key))


def test_a_landing_asks_for_everything_downstream_of_it_and_a_blocking_check_stops_it(
    definitions: dg.Definitions,
) -> None:
    graph = _graph(definitions)
    with dg.instance_for_test() as instance:
        _materialise(instance, graph.toposorted_asset_keys)
        _, cursor = _requested(definitions, instance, None)
        idle, cursor = _requested(definitions, instance, cursor)
        assert idle == set()
        _materialise(instance, [dg.AssetKey(["extract", "plm", "bom_line"])])
        asked, cursor = _requested(definitions, instance, cursor)
        assert {"landing/bom_line", "canonical/bom_line", "published/item_requirement"} <= asked
        assert "landing/inventory_balance" not in asked

    blocked = dg.AssetKey(["canonical", "bom_line"])
    check = next(k for k in graph.asset_check_keys if k.asset_key == blocked and graph.get(k).blocking)
    with dg.instance_for_test() as instance:
        _materialise(instance, graph.toposorted_asset_keys)
        _, cursor = _requested(definitions, instance, None)
        _materialise(instance, [blocked])
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=blocked,
                check_name=check.name,
                passed=False,
                metadata={},
                severity=dg.AssetCheckSeverity.ERROR,
            )
        )
        asked, _ = _requested(definitions, instance, cursor)
        assert "published/bom_line" not in asked


def _tick(definitions: dg.Definitions, cursor: str | None) -> tuple[list[dg.RunRequest], str | None]:
    sensor = definitions.resolve_sensor_def("files_arrived")
    with dg.instance_for_test() as instance, dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        data = sensor.evaluate_tick(context)
        return list(data.run_requests or []), data.cursor or cursor


def _age(folder: Path, seconds: float) -> None:
    for path in (folder / "data").rglob("*.csv"):
        os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_arrived_files_start_one_run_and_a_restart_starts_none(
    definitions: dg.Definitions, folder: Path, settings: Settings
) -> None:
    from mfg_assets.defs import common
    from mfg_assets.ingest import land_extract

    _age(folder, 0)
    assert _tick(definitions, None)[0] == [], "a file that may still be written has not arrived"
    _age(folder, 60)
    requests, cursor = _tick(definitions, None)
    assert len(requests) == 1
    assert len(requests[0].asset_selection or []) == 5
    assert _tick(definitions, cursor)[0] == [], "the cursor knows them"
    assert _tick(definitions, None)[0][0].run_key == requests[0].run_key, "without its cursor, Dagster knows the key"

    for system, extract in (("plm", "item"), ("wms", "inventory_movement")):
        land_extract(common.estate(), system, extract, settings)
    landed = _tick(definitions, None)[0][0].asset_selection
    assert dg.AssetKey(["extract", "plm", "item"]) not in (landed or []), "what a batch holds is not pending"

    write(folder / "data" / "wms" / "moves2.csv", DATA["wms/moves.csv"].replace("M", "N"))
    os.utime(folder / "data" / "wms" / "moves2.csv", (time.time() - 60, time.time() - 60))
    requests, after = _tick(definitions, cursor)
    assert [k.to_user_string() for k in requests[0].asset_selection or []] == ["extract/wms/inventory_movement"]
    assert json.loads(after or "{}").keys() >= {"wms.inventory_movement", "plm.item"}


def _finish(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    instance.add_run(dg.DagsterRun(job_name="extracts", status=status, tags={"dagster/run_key": request.run_key or ""}))


def test_files_of_a_failed_run_are_tried_again_and_not_for_ever(
    definitions: dg.Definitions, folder: Path, settings: Settings
) -> None:
    write(folder / "data" / "wms" / "moves3.csv", DATA["wms/moves.csv"].replace("M", "Q"))
    _age(folder, 60)
    sensor = definitions.resolve_sensor_def("files_arrived")
    with dg.instance_for_test() as instance:
        cursor, keys = None, []
        for _ in range(5):
            with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
                data = sensor.evaluate_tick(context)
            cursor = data.cursor or cursor
            for request in data.run_requests or []:
                keys.append(request.run_key)
                _finish(instance, request, dg.DagsterRunStatus.FAILURE)
    assert len(keys) == 3
    assert len(set(keys)) == 3


def test_time_and_the_estate_start_a_build_once(definitions: dg.Definitions, settings: Settings) -> None:
    from mfg_assets.defs import common
    from mfg_assets.warehouse import state

    sensor = definitions.resolve_sensor_def("time_or_estate_changed")

    def asked(definition: str, valid_until: datetime | None) -> list[str | None]:
        note = {"fingerprint": "f", "definition": definition, "run_id": "r", "as_of": "2025-01-01T00:00:00+00:00"}
        settings.warehouse_dir.mkdir(parents=True, exist_ok=True)
        (settings.warehouse_dir / "built.json").write_text(
            json.dumps({**note, "valid_until": valid_until.isoformat() if valid_until else None})
        )
        with dg.instance_for_test() as instance, dg.build_sensor_context(instance=instance) as context:
            return [r.run_key for r in sensor.evaluate_tick(context).run_requests or []]

    now, current = datetime.now(UTC), state.definition(settings, common.estate())
    assert asked(current, None) == []
    assert asked(current, now + timedelta(days=1)) == []
    due = asked(current, now - timedelta(days=1))
    assert len(due) == 1
    assert asked(current, now - timedelta(days=1)) == due, "Dagster knows the key and starts nothing twice"
    assert len(asked("an older estate", None)) == 1
    state.forget(settings)


def test_a_source_that_fails_for_a_moment_is_tried_again(
    definitions: dg.Definitions, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mfg_assets.defs.extracts import assets as wiring
    from mfg_assets.errors import Problem, TransientSourceError
    from mfg_assets.ingest import land_extract

    calls: list[int] = []

    def failing_twice(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) < 3:
            raise TransientSourceError(Problem("the share is away"))
        return land_extract(*arguments, **options)

    monkeypatch.setattr(wiring, "land_extract", failing_twice)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with dg.instance_for_test() as instance:
        result = definitions.resolve_job_def("extracts").execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(["extract", "plm", "item"])], raise_on_error=False
        )
    assert result.success
    assert len(calls) == 3


def test_a_schedule_skips_a_system_that_delivered_nothing(
    definitions: dg.Definitions, folder: Path, settings: Settings
) -> None:
    from mfg_assets.defs import common
    from mfg_assets.ingest import land_extract

    for extract in ("item", "bom_header", "bom_line"):
        land_extract(common.estate(), "plm", extract, settings)
    schedule = definitions.resolve_schedule_def("plm_schedule")
    with dg.instance_for_test() as instance, dg.build_schedule_context(instance=instance) as context:
        data = schedule.evaluate_tick(context)
    assert not data.run_requests
    assert "nothing" in (data.skip_message or "")


def test_every_model_has_an_owner_and_each_domain_its_own(definitions: dg.Definitions) -> None:
    graph = _graph(definitions)
    owners: dict[str, set[tuple[str, ...]]] = {}
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        owners.setdefault(node.group_name or "", set()).add(tuple(node.owners))
    layers = {group: found for group, found in owners.items() if group.startswith(("staging", "canonical", "recon"))}
    assert [group for group, found in layers.items() if () in found] == []
    assert layers["reconciliation_bom"] == {("team:engineering",)}
    assert layers["reconciliation_procurement"] == {("team:procurement",)}
