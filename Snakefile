"""JND coding reproduction suite: table of contents. `make help` tells what can be asked for."""

import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.16")
sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))

if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"


pathvars:
    results=settings.config["results_dir"],
    logs=f"{settings.config['results_dir']}/logs",
    benchmarks=f"{settings.config['results_dir']}/benchmarks",


report: "report/workflow.rst"


wildcard_constraints:
    sequence=one_of(settings.sequences),
    codec=one_of(settings.codecs_in_use()),
    method=one_of(settings.config["methods"]),
    configuration="AI|LDP",
    variant=r"all|qp\d+",
    qp=r"\d+",


include: "rules/config.smk"
include: "rules/sequences.smk"
include: "rules/prefilter.smk"
include: "rules/jnd_predictor.smk"
include: "rules/block_qp.smk"
include: "rules/encode.smk"
include: "rules/segments.smk"
include: "rules/measure.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/iqnet_data.smk"
include: "rules/iqnet_train.smk"
include: "rules/iqnet_tables.smk"
include: "rules/iqnet_figures.smk"
include: "rules/iqnet_pictures.smk"
include: "rules/iqnet.smk"
include: "rules/jnd_frames.smk"
include: "rules/jnd_networks_common.smk"
include: "rules/jnd_networks.smk"
include: "rules/laser_jnd.smk"
include: "rules/mtjnd.smk"
include: "rules/vp_jnd_common.smk"
include: "rules/vp_jnd_data.smk"
include: "rules/vp_jnd_train.smk"
include: "rules/vp_jnd_tables.smk"
include: "rules/vp_jnd.smk"
include: "rules/bl_juniper.smk"
include: "rules/subjective.smk"
include: "rules/tracking.smk"


# Seconds each, and most at a run's end: on a cluster they run beside Snakemake, at most `local-cores` at a time.
localrules:
    tabulate_points,
    compare_methods,
    draw_figures,
    audit_iqnet,
    tabulate_iqnet,
    draw_iqnet_figures,
    draw_iqnet_training_pictures,
    draw_iqnet_ablations,
    tabulate_laser_jnd,
    draw_laser_jnd,
    tabulate_mtjnd,
    draw_mtjnd,
    tabulate_bl_juniper,
    draw_bl_juniper,
    tabulate_vp_jnd,
    split_jnd_frames,
    split_vp_jnd_pictures,
    label_vp_jnd_pictures,
    mirror_mlflow,


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
        [getattr(rules, paper).input for paper in settings.config["papers"]],
        rules.track.input if settings.config["mlflow"] else [],
        rules.keep_config.output,
    message:
        "Everything asked for is there"


onsuccess:
    summarise()


onerror:
    summarise("--failed", *([log] if isinstance(log, str) else log))
