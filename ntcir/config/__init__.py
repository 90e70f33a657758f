"""The experiment as a value: every default in sight, every unknown key an error.

A configuration is read from YAML, changed by ``--set key.sub=value`` and by flags, and saved, resolved, beside
everything it produced. ``sections``, ``features``, ``texts``, ``towers`` and ``training`` have the keys; ``experiment``
puts them together, reads and checks them.
"""

from ntcir.config.experiment import Config, load_config, parse_config
from ntcir.config.features import Backbone, Features
from ntcir.config.objective import BaseObjective, Objective
from ntcir.config.section import Section
from ntcir.config.sections import (
    Augment,
    Data,
    Encoder,
    Negatives,
    Objects,
    Positives,
    Sensors,
    Topics,
)
from ntcir.config.solved import Solved
from ntcir.config.splits import AutoSplit, DateSplit, FractionSplit, OfficialSplit, SessionSplit, Split
from ntcir.config.supplied import is_local, load_supplied
from ntcir.config.texts import Texts
from ntcir.config.towers import Tower, Towers
from ntcir.config.training import Training

__all__ = [
    "Augment",
    "AutoSplit",
    "Backbone",
    "BaseObjective",
    "Config",
    "Data",
    "DateSplit",
    "Encoder",
    "Features",
    "FractionSplit",
    "Negatives",
    "Objective",
    "Objects",
    "OfficialSplit",
    "Positives",
    "Section",
    "Sensors",
    "SessionSplit",
    "Solved",
    "Split",
    "Texts",
    "Topics",
    "Tower",
    "Towers",
    "Training",
    "is_local",
    "load_config",
    "load_supplied",
    "parse_config",
]
