"""IQNet (OJCAS 2024): its tables compared with the printed ones, and the printed ones recomputed."""


rule audit_iqnet:
    """Recompute the claims of IQNet's printed tables, one row per claim."""
    input:
        printed=iqnet_inputs.printed(),
    output:
        **outputs_of("iqnet", "audit_iqnet"),
    conda:
        "../../envs/networks.yaml"
    script:
        "../../workflow_scripts/iqnet/audit_iqnet.py"


rule audit:
    """Audits of all papers' printed numbers."""
    input:
        rules.audit_iqnet.output,


rule tabulate_iqnet:
    """Tabulate Tables I, III, IV and the headline savings, each compared with the printed one."""
    input:
        points=coding.points_table("iqnet"),
        trainings=iqnet_inputs.trainings(),
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "tabulate_iqnet"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=iqnet_inputs.point_codec,
        anchor=ANCHOR,
        interpolation=settings.config["bd_rate"]["interpolation"],
    script:
        "../../workflow_scripts/iqnet/tabulate_iqnet.py"
