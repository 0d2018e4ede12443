"""IQNet and ERJND next to a peer's published BD-rates (config/fjndf.yaml), on request."""


rule tabulate_iqnet_peer:
    """Tabulate the run's BD-rates next to those that a peer published."""
    input:
        bd_rates="<results>/tables/bd_rate.csv",
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "tabulate_iqnet_peer"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=iqnet_inputs.point_codec,
    script:
        "../../workflow_scripts/iqnet_pilot/tabulate_iqnet_peer.py"


rule iqnet_peer:
    """The comparison with the peer's BD-rates: made on request."""
    input:
        rules.tabulate_iqnet_peer.output,
