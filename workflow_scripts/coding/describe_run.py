"""Points, trainings and references in; versions, and a description of the run for a paper, out."""

from pathlib import Path

import yaml

from jndlab.files import read_json, write_text
from jndlab.paths import ROOT
from jndlab.quality.rd_point import read_point
from jndlab.report.description import as_html, as_markdown, describe
from jndlab.report.references import cited, read_references
from jndops.adapter import run, stems
from jndops.run_record import versions


def main(snakemake) -> None:
    params, stem = snakemake.params, stems(snakemake.output)
    points = [read_point(path) for path in snakemake.input.points]
    made = versions(points, ROOT)
    # Networks of other runs are described too, where their training left a record.
    beside = [Path(model).with_name("summary.json") for model in params.models]
    files = dict.fromkeys([*map(Path, snakemake.input.trainings), *filter(Path.is_file, beside)])
    trainings = [(*file.parts[-3:-1], read_json(file, "recipe", "architecture")) for file in files]
    text = describe(points, trainings, params.config, params.datasets, made)
    references = cited(text, read_references())
    write_text(stem["versions"].with_suffix(".yml"), yaml.safe_dump(made, sort_keys=False))
    write_text(stem["methods"].with_suffix(".md"), as_markdown(text, references, made))
    write_text(stem["methods"].with_suffix(".html"), as_html(text, references, made))
    bibtex = "\n\n".join(reference.source for reference in references)
    write_text(stem["references"].with_suffix(".bib"), f"{bibtex}\n")


run(main, snakemake)
