"""Points, trainings and references in; versions, and a description of the run for a paper, out."""

from pathlib import Path

import yaml

from jndlab.files import read_json, write_text
from jndlab.paths import ROOT
from jndlab.quality.rd_point import read_point
from jndlab.report.description import Training, as_html, as_markdown, describe
from jndlab.report.references import cited, read_references
from jndops.adapter import run, stems
from jndops.run_record import versions


def main(snakemake) -> None:
    params, stem = snakemake.params, stems(snakemake.output)
    points = [read_point(path) for path in snakemake.input.points]
    made = versions(points, ROOT)
    # Networks of other runs are described too, where their training left a record.
    own = [Path(file) for file in snakemake.input.trainings]
    beside = dict.fromkeys(Path(model).with_name("summary.json") for model in params.models)
    others = [file for file in beside if file.is_file() and file not in own]
    trainings, earlier = ([_training(file) for file in files] for files in (own, others))
    given = params.config, params.datasets, made, earlier, params.recorded
    text = describe(points, trainings, *given)
    references = cited(text, read_references())
    write_text(stem["versions"].with_suffix(".yml"), yaml.safe_dump(made, sort_keys=False))
    write_text(stem["methods"].with_suffix(".md"), as_markdown(text, references, made))
    write_text(stem["methods"].with_suffix(".html"), as_html(text, references, made))
    bibtex = "\n\n".join(reference.source for reference in references)
    write_text(stem["references"].with_suffix(".bib"), f"{bibtex}\n")


def _training(summary: Path) -> Training:
    """A training by the folder of its paper: the one above its own, or of one that is shipped."""
    above, name = summary.parts[-3:-1]
    paper = name if above == "models" else above
    return paper, name, read_json(summary, "recipe", "architecture")


run(main, snakemake)
