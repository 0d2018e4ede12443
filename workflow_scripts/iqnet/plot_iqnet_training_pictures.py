"""Numbers and codings of two training pictures in; Table II and Fig. 7-9 out."""

from pathlib import Path

from jndlab.files import read_csv, read_json
from jndlab.papers.iqnet.frame_figures import Window
from jndlab.papers.iqnet.tables import write_paper_table
from jndlab.papers.iqnet.training_pictures import bd_rates, plot_crops, plot_pictures, table2
from jndlab.report.conditions import printed_conditions
from jndlab.report.style import figure_style, save_figure
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    qp, source = (params.conditions[f"training_{name}"] for name in ("qp", "source"))
    published = source == printed_conditions("iqnet", "iqnet")["training_source"]
    table = table2(read_csv(given.numbers), params.codec, published=published)
    write_paper_table(table, stem)
    caption = "BD-rate (%, pchip, VMAF of the reconstruction) of the pictures of Table II."
    write_table(bd_rates(table.ours), stem["table2_bd_rate"], caption=caption)

    pictures = Path(given.pictures)
    windows = {
        image: {label: Window(*window) for label, window in marked.items()}
        for image, marked in read_json(given.windows).items()
    }
    shown = table.ours[table.ours["qp"] == qp]
    coded = f"all intra, codec {params.codec}, QP {qp}"
    with figure_style():
        image, marked = next(iter(windows.items()))
        of_image = shown[shown["image"] == image]
        steps = {
            "fig07_before_coding": "Fig. 7: source, training picture and IQNet, before coding",
            "fig08_reconstruction": f"Fig. 8: their reconstructions; {coded}",
        }
        for name, title in steps.items():
            after = name == "fig08_reconstruction"
            figure = plot_pictures(of_image, image, marked, qp, pictures, title, coded=after)
            save_figure(figure, of_image, stem[name])
        figure = plot_crops(shown, windows, qp, pictures, f"Fig. 9: reconstructions; {coded}")
        save_figure(figure, shown, stem["fig09_crops"])


run(main, snakemake)
