"""Figures of all points: rate-distortion curves, savings and losses at equal QP."""

RD_CURVES = coding.rd_curves()


rule plot_figures:
    """Plot saving over loss, and saving and loss of every method at equal QP."""
    input:
        points=coding.points_table(),
    output:
        **outputs_of("coding", "plot_figures"),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        labels=coding.labels(),
    script:
        "../../workflow_scripts/coding/plot_figures.py"


rule plot_rd_curves:
    """Plot rate-distortion curves, a figure per metric and codec."""
    input:
        points=coding.points_table(),
    output:
        **outputs_of(
            "coding", "plot_rd_curves", curve={n: {"metric": m, "codec": c} for n, (m, c) in RD_CURVES.items()}
        ),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        bd_rate=settings.config["bd_rate"],
        labels=coding.labels(),
        rd_curves=RD_CURVES,
    script:
        "../../workflow_scripts/coding/plot_rd_curves.py"


rule figures:
    """All figures that every run makes."""
    input:
        rules.plot_figures.output,
        rules.plot_rd_curves.output,
