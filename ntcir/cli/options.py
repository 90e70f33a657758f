"""Options that several verbs have."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

data_option = click.option(
    "--data", type=FOLDER,
    help="The corpus folder: a Lifelog-6 export; images/ with records.csv (columns: file, timestamp in ISO 8601, "
    "EXIF or epoch time, optionally session, readings); or captioned pictures (Flickr8k, Flickr30k, COCO, Karpathy's "
    "splits, NUS-WIDE-LITE). --set data.outside=true reads photographs outside images/ as well, and --set "
    "data.pictures=DIR names one more folder of captioned pictures. [default: $NTCIR_DATA, the config's data.path, "
    "data/demo]",
)  # fmt: skip
config_option = click.option(
    "--config",
    type=FILE,
    help="The configuration, a YAML file. [default: ntcir.yaml in the corpus folder, if there is one; it may not name "
    "places outside that folder]",
)
set_option = click.option(
    "--set", "settings", multiple=True, metavar="KEY.SUB=VALUE", help="Change one key of the configuration; repeatable."
)
blocks_option = click.option(
    "--blocks", metavar="COLUMN|N|TIME|none",
    help="Topics that are not independent, which intervals and tests keep together: those with the same cell in a "
    "column of the topics, N topics of a direction that follow one another in time, those of a length of time such as "
    "30s, 5min, 2h or 1d, or none. [default: where topics have times, N is the cube root of their number]",
)  # fmt: skip
