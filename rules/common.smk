"""What all rules share: the checked settings, and the inputs of the rules of coding; no rules here."""

import atexit
import gc
import json
import subprocess
from functools import cache, partial

from jndops import artefacts
from jndops.ends.at_work import end_run, orphans, start_run, was_cut_off
from jndops.ends.failures import failed_jobs, note_failure, retry_failed
from jndops.inputs import one_of, workflow_errors
from jndops.inputs.coding import SEGMENT, CodingInputs
from jndops.inputs.missing import name_missing
from jndops.results_dir import refuse_links
from jndops.settings import load_settings, read_config
from jndops.workflow import forked_jobs, snakemake_patches
from jndops.workflow.environment import PYTHON
from jndops.workflow.environment import prepare as prepare_environment
from jndops.workflow.imports import digest, keep_imports, recall_imports
from jndops.workflow.rule_defaults import complete_rules, doubling, training_needs

modules_known = recall_imports(Path(workflow.basedir) / "workflow_scripts")
with workflow_errors():
    given = read_config(workflow.configfiles, workflow.config_settings.config)
    settings = load_settings(given, Path(workflow.basedir))
    coding = CodingInputs(settings)
    if workflow.is_main_process:
        name_missing(settings.written)
        refuse_links(settings.config["results_dir"])

# A plan is a million objects that stay: looking for garbage among them took a seventh of the planning.
gc.set_threshold(1_000_000, 100, 100)
atexit.register(gc.freeze)  # nor at the end, object by object
prepare_environment(mlflow=settings.config["mlflow"])
snakemake_patches.apply()
if workflow.is_main_process:
    forked_jobs.apply(lambda rule: str(workflow.get_rule(rule).conda_env))
RESULTS = settings.config["results_dir"]
SCRIPTS = coding.scripts
ANCHOR = settings.config["anchor"]
outputs_of = partial(artefacts.outputs, RESULTS)
summarise = [PYTHON, str(SCRIPTS / "commands/summarise_run.py"), "--results", RESULTS]
summarise += ["--configfile", *map(str, workflow.configfiles)]
summarise += ["--overrides", json.dumps(dict(workflow.config_settings.config))]


wildcard_constraints:
    seed=r"\d+",
