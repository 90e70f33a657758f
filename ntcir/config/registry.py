"""What a configuration can name that is defined further on: a line each, loaded when it is named.

An objective is a section of the configuration, whose keys must be known when the configuration is read; what it
computes needs torch, which most commands do without.

A new objective is a module with a subclass of ``ntcir.config.Objective``, or of ``ntcir.config.Solved``, and a line in
``OBJECTIVES``. One that lies outside this package adds its line before a configuration is read::

    OBJECTIVES["hinge"] = "my_package.hinge:Hinge"
"""

from __future__ import annotations

# kind -> module:class
OBJECTIVES: dict[str, str] = {
    "info_nce": "ntcir.objectives.info_nce:InfoNCE",
    "pairwise": "ntcir.objectives.pairwise:Pairwise",
    "triplet": "ntcir.objectives.triplet:Triplet",
    "soft_weighted": "ntcir.objectives.soft_weighted:SoftWeighted",
    "soft_margin": "ntcir.objectives.soft_margin:SoftMargin",
    "ranking": "ntcir.objectives.ranking:Ranking",
    "instance": "ntcir.objectives.instance:Instance",
    "procrustes": "ntcir.objectives.procrustes:Procrustes",
    "least_squares": "ntcir.objectives.least_squares:LeastSquares",
    "cca": "ntcir.objectives.cca:Cca",
}
