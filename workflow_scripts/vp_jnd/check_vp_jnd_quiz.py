"""Fitted choices in; their recommendations for two quiz pictures as a table out."""

from jndlab.codecs.stills.store import StillStore
from jndlab.files import read_json
from jndlab.papers.vp_jnd.baselines import load_choice
from jndlab.papers.vp_jnd.quiz import CAPTION, QuizPictures, quiz_table
from jndlab.report.tables import write_table
from jndops.adapter import run, scratch, stems


def main(snakemake) -> None:
    params = snakemake.params
    quiz = QuizPictures(params.quiz_folder)
    choices = {
        name: load_choice(
            params.classes[name], options, quiz.codec, params.store, snakemake.threads
        )
        for name, options in params.options.items()
    }
    fitted = read_json(snakemake.input.fitted)[params.split]
    with scratch(snakemake) as work_dir:
        table = quiz_table(quiz, choices, fitted, StillStore(params.store), work_dir)
    caption = f"{CAPTION} Data set {params.data}, split {params.split}."
    write_table(table, stems(snakemake.output)["quiz"], caption=caption)


run(main, snakemake)
