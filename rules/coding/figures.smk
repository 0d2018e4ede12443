"""Figures of all points: rate-distortion curves, savings and losses at equal QP."""

RD_CURVES = coding.rd_curves()


rule plot_figures:
    """Plot rate-distortion curves per metric, and saving and loss of every method at equal QP."""
    input:
        points=coding.points_table(),
    output:
        **outputs_of("coding", "plot_figures", curve={n: {"metric": m, "codec": c} for n, (m, c) in RD_CURVES.items()}),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        bd_rate=settings.config["bd_rate"],
        labels=coding.labels(),
        rd_curves=RD_CURVES,
    script:
        "../../workflow_scripts/coding/plot_figures.py"


rule figures:
    """All figures that every run makes."""
    input:
        rules.plot_figures.output,
