"""IQNet (OJCAS 2024): Fig. 13-18 from points and streams, saving at equal quality, the trade-off."""

IQNET_BARS = {
    "vmaf_drop": "iqnet/figures/fig15_vmaf_drop",
    "psnr_drop_db": "iqnet/figures/fig16_psnr_drop",
    "saving_pct": "iqnet/figures/fig17_saving",
}

IQNET_POINT_CODEC = settings.config["codecs"][0]
IQNET_FRAMES = settings.config["iqnet"]["frames"]
IQNET_BESIDE = [name for name in settings.config["methods"] if name != settings.config["anchor"]]
# The paper's pictures show these two beside the anchor; a run without them shows what it has.
IQNET_PICTURED = [
    settings.config["anchor"],
    *([name for name in ("cnn_jnqd", "iqnet") if name in IQNET_BESIDE] or IQNET_BESIDE),
]
IQNET_POINT = "{codec}/{{configuration}}/{{sequence}}/{method}/qp{{qp}}"
# Fig. 13 and 18 (the paper does not say which configuration Fig. 18 shows), where the run has them.
IQNET_PRINTED_SCENES = [
    (configuration, sequence, qp)
    for configuration, sequence, qp in [
        ("AI", "B_BQTerrace", 27),
        ("AI", "C_PartyScene", 22),
        ("LDP", "C_PartyScene", 22),
    ]
    if configuration in settings.config["configurations"]
    and sequence in settings.config["sequences"]
    and qp in settings.config["qps"]
]
IQNET_FIRST_SCENES = [
    (configuration, settings.config["sequences"][0], min(settings.config["qps"]))
    for configuration in settings.config["configurations"]
]
IQNET_SCENES = (
    [(scene["configuration"], scene["sequence"], scene["qp"]) for scene in IQNET_FRAMES["scenes"] or []]
    or IQNET_PRINTED_SCENES
    or IQNET_FIRST_SCENES
)


rule plot_iqnet_figures:
    """Plot Fig. 15-17 with the printed values, the trade-off and savings at equal VMAF and PSNR."""
    input:
        points=points_of("prefilter"),
        printed=rules.audit_iqnet.input.printed,
    output:
        *(
            report(
                f"{RESULTS}/{stem}.png",
                caption="../../report/iqnet/bars.rst",
                category="IQNet",
                labels={"figure": stem.removeprefix("iqnet/figures/")},
            )
            for stem in IQNET_BARS.values()
        ),
        table("iqnet/tables/equal_quality"),
        *(figure_data(stem) for stem in [*IQNET_BARS.values(), "iqnet/figures/trade_off"]),
        trade_off=report(
            "<results>/iqnet/figures/trade_off.png",
            caption="../../report/iqnet/trade_off.rst",
            category="IQNet",
            labels={"figure": "saving over VMAF of the prefiltered video"},
        ),
        equal_quality=report(
            "<results>/iqnet/tables/equal_quality.html",
            caption="../../report/iqnet/equal_quality.rst",
            category="IQNet",
            labels={"table": "saving at equal VMAF and PSNR"},
        ),
    log:
        "<logs>/plot_iqnet_figures.log",
    benchmark:
        "<benchmarks>/plot_iqnet_figures.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        codec=IQNET_POINT_CODEC,
        anchor=settings.config["anchor"],
        labels=labels(),
        bars={quantity: f"{RESULTS}/{stem}" for quantity, stem in IQNET_BARS.items()},
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_figures.py"


rule plot_iqnet_frames:
    """Plot Fig. 13, 14, 18: a reconstructed frame of the anchor and of the methods, with crops."""
    input:
        source="<results>/sequences/{sequence}.mkv",
        streams=expand(
            f"<results>/streams/{IQNET_POINT}.{{suffix}}",
            codec=IQNET_POINT_CODEC,
            method=IQNET_PICTURED,
            suffix=STREAM_SUFFIX[settings.codecs[IQNET_POINT_CODEC]["adapter"]],
        ),
        points=expand(f"<results>/points/{IQNET_POINT}.json", codec=IQNET_POINT_CODEC, method=IQNET_PICTURED),
        frames=expand(f"<results>/points/{IQNET_POINT}.frames.csv", codec=IQNET_POINT_CODEC, method=IQNET_PICTURED),
        printed=rules.audit_iqnet.input.printed,
    output:
        figure=report(
            "<results>/iqnet/figures/frames_{configuration}_{sequence}_qp{qp}.png",
            caption="../../report/iqnet/frames.rst",
            category="IQNet",
            labels={"figure": "frames: {sequence}, {configuration}, QP {qp}"},
        ),
        numbers="<results>/iqnet/figures/frames_{configuration}_{sequence}_qp{qp}.csv",
    log:
        "<logs>/plot_iqnet_frames/{configuration}.{sequence}.qp{qp}.log",
    benchmark:
        "<benchmarks>/plot_iqnet_frames/{configuration}.{sequence}.qp{qp}.tsv"
    conda:
        "../../envs/codecs.yaml"
    params:
        clip=clip_of,
        labels=[labels()[method] for method in IQNET_PICTURED],
        frame=IQNET_FRAMES["number"],
        crop=IQNET_FRAMES["crop"],
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_frames.py"


rule iqnet_figures:
    """Fig. 13-18, the trade-off and the table of savings at equal quality."""
    input:
        rules.plot_iqnet_figures.output,
        [
            f"{RESULTS}/iqnet/figures/frames_{configuration}_{sequence}_qp{qp}.{suffix}"
            for configuration, sequence, qp in IQNET_SCENES
            for suffix in ("png", "csv")
        ],
