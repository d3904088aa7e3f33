"""Bills of material on demand: explosion, where-used and comparison of single items.

Belongs here: reading the published lines, choosing those that hold, walking them up or down, exact quantities.
Doesn't belong here: the bulk explosion of every item (dbt's `item_requirement`), layout (cli).
"""

from mfg_assets.bom.compare import Change, Comparison, Need, Row, Rules, compare, net_requirement
from mfg_assets.bom.lookup import items_like, plants_of
from mfg_assets.bom.model import Edge, Step, Structure, Total, rounded
from mfg_assets.bom.read import Question, read_structure
from mfg_assets.bom.walk import Walk, explode, where_used

__all__ = [
    "Change",
    "Comparison",
    "Edge",
    "Need",
    "Question",
    "Row",
    "Rules",
    "Step",
    "Structure",
    "Total",
    "Walk",
    "compare",
    "explode",
    "items_like",
    "net_requirement",
    "plants_of",
    "read_structure",
    "rounded",
    "where_used",
]
