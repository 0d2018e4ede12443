"""Tables of all points: the points themselves, savings at equal QP, BD-rates with their means."""

from itertools import product


rule tabulate_points:
    """Tabulate every rate-distortion point."""
    input:
        points=coding.points_table(),
    output:
        **outputs_of("coding", "tabulate_points"),
    conda:
        "../../envs/tables.yaml"
    script:
        "../../workflow_scripts/coding/tabulate_points.py"


rule compare_methods:
    """Compare each method with the anchor: saving at equal QP, BD-rate at equal quality."""
    input:
        points=coding.points_table(),
    output:
        **outputs_of(
            "coding",
            "compare_methods",
            parts=["between"] if settings.config["bd_rate"]["between"] else [],
            bd_metric=settings.config["bd_rate"]["metrics"],
            coding=settings.config["configurations"],
        ),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        bd_rate=settings.config["bd_rate"],
        classes=coding.classes(),
        labels=coding.labels(),
        trained=coding.trained_methods(),
        by_sequence=list(product(settings.config["configurations"], settings.config["bd_rate"]["metrics"])),
    script:
        "../../workflow_scripts/coding/compare_methods.py"


rule tables:
    """All tables that every run makes."""
    input:
        rules.tabulate_points.output,
        rules.compare_methods.output,
