"""What each part of a method contributes: a grid of trainings, asked the same topics, as a table with intervals.

``grid`` reads what is varied and resolves every configuration, ``folds`` the topics that all of them are asked,
``results`` keeps what a training came to, ``rows`` works out means and intervals, ``run`` trains what is missing.
"""

from ntcir.ablation.rows import Estimate, Row, Table
from ntcir.ablation.run import run_ablation

__all__ = ["Estimate", "Row", "Table", "run_ablation"]
