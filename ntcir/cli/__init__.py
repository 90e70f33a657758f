"""The verbs: parse, call one function, print. What is slow to import is imported where it is used."""

from __future__ import annotations

from ntcir.system.interruption import importing

with importing():
    import click

    from ntcir import __version__
    from ntcir.cli import corpora, explaining, features, fusing, handing_in, models, results, serving
    from ntcir.verbs import Verbs


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ntcir")
def main() -> None:
    """Dense retrieval between lifelog photographs and sensor readings, for the NTCIR Transfer task.

    \b
    Without a lifelog of your own, run these in one folder:
      ntcir demo
      ntcir build-topics
      ntcir train --iters 500
      ntcir run topics.tsv > run.txt
      ntcir score
    """


# Each verb and the file that it is in, in the order in which they are used.
for _verb in (
    corpora.demo,
    corpora.build_topics,
    features.features,
    models.train,
    models.run,
    models.evaluate,
    models.search,
    serving.serve,
    explaining.explain,
    handing_in.predict,
    results.score,
    results.compare,
    fusing.fuse,
    results.show,
    handing_in.bundle,
    results.ablate,
    results.tune,
):
    main.add_command(_verb)
