"""Figures of all points: rate-distortion curves, savings and losses at equal QP."""

# Curves of several codecs in one panel cannot be told apart: one figure for each.
RD_CODECS = settings.codecs_in_use()
RD_CURVES = {
    f"figures/rd_{metric}" + (f"_{codec}" if len(RD_CODECS) > 1 else ""): (metric, codec)
    for metric in settings.config["bd_rate"]["metrics"]
    for codec in RD_CODECS
}
SAME_QP = [f"figures/{name}" for name in ("saving_pct", "psnr_drop_db", "vmaf_drop")]


rule plot_figures:
    """Plot rate-distortion curves per metric, and saving and loss of every method at equal QP."""
    input:
        points=all_points(),
    output:
        *(
            report(
                f"{RESULTS}/{stem}.png",
                caption="../../report/coding/rd_curves.rst",
                category="Rate-distortion curves",
                labels={"figure": stem.removeprefix("figures/rd_")},
            )
            for stem in RD_CURVES
        ),
        *(
            report(
                f"{RESULTS}/{stem}.png",
                caption="../../report/coding/same_qp.rst",
                category="Saving and loss at equal QP",
                labels={"figure": stem.removeprefix("figures/")},
            )
            for stem in SAME_QP
        ),
        *(figure_data(stem) for stem in [*RD_CURVES, *SAME_QP]),
    log:
        "<logs>/plot_figures.log",
    benchmark:
        "<benchmarks>/plot_figures.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=settings.config["anchor"],
        rd_curves=[(f"{RESULTS}/{stem}", metric, codec) for stem, (metric, codec) in RD_CURVES.items()],
        same_qp={stem.removeprefix("figures/"): f"{RESULTS}/{stem}" for stem in SAME_QP},
    script:
        "../../workflow_scripts/coding/plot_figures.py"


rule figures:
    """All figures that every run makes."""
    input:
        rules.plot_figures.output,
