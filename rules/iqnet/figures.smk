"""IQNet (OJCAS 2024): Fig. 13-18 from points and streams, saving at equal quality, the trade-off."""

IQNET_FRAMES = settings.config["iqnet"]["frames"]


rule plot_iqnet_figures:
    """Plot Fig. 15-17 with the printed values, the trade-off and savings at equal VMAF and PSNR."""
    input:
        points=coding.points_table("iqnet"),
        trainings=rules.tabulate_iqnet.input.trainings,
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "plot_iqnet_figures"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=iqnet_inputs.point_codec,
        anchor=ANCHOR,
        labels=coding.labels(),
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_figures.py"


rule plot_iqnet_frames:
    """Plot Fig. 13, 14, 18: a reconstructed frame of the anchor and of the methods, with crops."""
    input:
        source="<results>/sequences/{sequence}.mkv",
        streams=iqnet_inputs.pictured_streams(),
        points=iqnet_inputs.pictured_points("points", "json"),
        frames=iqnet_inputs.pictured_points("points", "frames.csv"),
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "plot_iqnet_frames"),
    conda:
        "../../envs/codecs.yaml"
    params:
        clip=coding.clip,
        labels=[coding.labels()[method] for method in iqnet_inputs.pictured()],
        frame=IQNET_FRAMES["number"],
        crop=IQNET_FRAMES["crop"],
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_frames.py"


rule iqnet_figures:
    """Fig. 13-18, the trade-off and the table of savings at equal quality."""
    input:
        rules.plot_iqnet_figures.output,
        [expand(rules.plot_iqnet_frames.output, **scene._asdict()) for scene in iqnet_inputs.scenes()],
