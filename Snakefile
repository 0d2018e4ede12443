"""JND coding reproduction suite: table of contents. `make help` tells what can be asked for."""

import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.16")
sys.path.insert(0, str(Path(workflow.basedir) / "workflow_scripts"))  # this copy, whichever is installed

if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"


pathvars:
    results=settings.config["results_dir"],
    logs=f"{settings.config['results_dir']}/logs",
    benchmarks=f"{settings.config['results_dir']}/benchmarks",


# `make report` writes a page with the results of the run.
report: os.environ.get("JND_REPORT_PAGE", "report/workflow.rst")


wildcard_constraints:
    sequence=one_of(settings.sequences),
    codec=one_of(settings.codecs_in_use()),
    method=one_of(settings.config["methods"]),
    configuration="AI|LDP",
    variant=r"all|qp\d+",
    qp=r"\d+",
    segment=r"\d+",


include: "rules/coding/config.smk"
include: "rules/coding/sequences.smk"
include: "rules/coding/prefilter.smk"
include: "rules/coding/jnd_predictor.smk"
include: "rules/coding/block_qp.smk"
include: "rules/coding/encode.smk"
include: "rules/coding/segments.smk"
include: "rules/coding/measure.smk"
include: "rules/coding/points.smk"
include: "rules/coding/tables.smk"
include: "rules/coding/figures.smk"
include: "rules/coding/viewer.smk"
include: "rules/iqnet/data.smk"
include: "rules/iqnet/train.smk"
include: "rules/iqnet/tables.smk"
include: "rules/iqnet/figures.smk"
include: "rules/iqnet/pictures.smk"
include: "rules/iqnet/scorers.smk"
include: "rules/iqnet_pilot/readings.smk"
include: "rules/iqnet_pilot/peer.smk"
include: "rules/iqnet/all.smk"
include: "rules/jnd_networks/common.smk"
include: "rules/jnd_networks/frames.smk"
include: "rules/jnd_networks/networks.smk"
include: "rules/jnd_networks/results.smk"
include: "rules/vp_jnd/common.smk"
include: "rules/vp_jnd/data.smk"
include: "rules/vp_jnd/train.smk"
include: "rules/vp_jnd/tables.smk"
include: "rules/vp_jnd/all.smk"
include: "rules/bl_juniper/all.smk"
include: "rules/subjective/session.smk"
include: "rules/coding/description.smk"
include: "rules/tracking.smk"


# Seconds each, and most at a run's end: on a cluster they run beside Snakemake, at most `local-cores` at a time.
localrules:
    collect_points,
    tabulate_points,
    compare_methods,
    plot_figures,
    describe_run,
    audit_iqnet,
    tabulate_iqnet,
    plot_iqnet_figures,
    plot_iqnet_weights,
    plot_iqnet_scorers,
    tabulate_iqnet_readings,
    tabulate_iqnet_peer,
    plot_iqnet_training_pictures,
    plot_iqnet_ablations,
    tabulate_laser_jnd,
    plot_laser_jnd,
    tabulate_mtjnd,
    plot_mtjnd,
    tabulate_bl_juniper,
    bl_juniper_experiment,
    plot_bl_juniper,
    tabulate_vp_jnd,
    split_jnd_frames,
    split_vp_jnd_pictures,
    label_vp_jnd_pictures,
    mirror_mlflow,


rule all:
    """Everything that the configuration asks for."""
    default_target: True
    input:
        coding.point_files(),
        rules.tables.input,
        rules.figures.input,
        rules.describe_run.output,
        [getattr(rules, paper).input for paper in settings.config["papers"]],
        rules.track.input if settings.config["mlflow"] else [],
        rules.keep_config.output,


# Trainings are the longest chains of a run: their data and they themselves go first, encodes (10 to 11.9) last.
complete_rules(
    workflow.rules,
    SCRIPTS,
    priorities=dict.fromkeys(["data", "frames", "networks", "train"], 30)
    | dict.fromkeys(["block_qp", "jnd_predictor", "stages"], 20)
    | {"measure": 15},
    note=cache(coding.recorded_note),
)
keep_imports(SCRIPTS, modules_known)
if workflow.is_main_process:
    if not workflow.output_settings.dryrun and was_cut_off(RESULTS):
        note_failure(f"{RESULTS}/logs/keep_config.log")  # a job to do, and so a summary
        if left := orphans(RESULTS):  # as long as Snakemake's own lock lasts, it goes no further
            print(left, file=sys.stderr)
    retry_failed(workflow.rules, failed_jobs(f"{RESULTS}/logs", starting=not workflow.output_settings.dryrun))


onstart:
    from jndlab.datasets.fetch import remove_leftovers
    from jndops.plan.needs import missing_data, too_few_for_bd_rates
    from jndops.workflow.progress import follow

    with workflow_errors():
        start_run(RESULTS)
        remove_leftovers(settings.config["data_dir"])
        for line in [] if "check_data" in sys.argv else missing_data(settings):  # says it itself
            print(f"missing, jobs that need it will fail: {line}", file=sys.stderr)
    if any(job.rule.name == "compare_methods" for job in workflow.dag.needrun_jobs()):
        for line in too_few_for_bd_rates(settings):
            print(f"warning: {line}", file=sys.stderr)
    follow(workflow, settings)
    gc.freeze()


onsuccess:
    from jndops.workflow.progress import finish

    finish()
    subprocess.run(summarise)
    end_run()


onerror:
    from jndops.workflow.progress import finish

    finish()
    subprocess.run([*summarise, "--failed", *([log] if isinstance(log, str) else log)])
    end_run()
