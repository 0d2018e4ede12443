# JND coding reproduction suite. `make help` lists what can be asked for.
# Arguments reach Snakemake through ARGS:  make demo ARGS="-n"      CONFIG=file chooses the experiment.
# PROFILE=profiles/slurm sends the jobs of demo, smoke, study and run to a cluster (docs/cluster.md); CORES then has no meaning.

SHELL := /bin/sh
.DEFAULT_GOAL := help
PY := .venv/bin/python
CORES ?= all
SUBJECTS ?= 24
WORKERS ?= 3 # of make test: browsers and clusters leave cores idle
KILLS ?= 20
FUZZ ?= 10
# Numbers are used as they are, and so are nothing else.
digitless = $(subst 9,,$(subst 8,,$(subst 7,,$(subst 6,,$(subst 5,,$(subst 4,,$(subst 3,,$(subst 2,,$(subst 1,,$(subst 0,,$1))))))))))
$(foreach name,CORES WORKERS KILLS FUZZ,$(if $(strip $(call digitless,$(filter-out all,$(value $(name))))),$(error $(name) is a number, or all),$(if $(filter 1,$(words $(value $(name)))),,$(error $(name) is one number, or all))))
CONFIG ?= config/config.yaml
PROFILE :=
START := $(PY) workflow_scripts/commands/run_snakemake.py
SNAKEMAKE := $(START) --cores $(CORES)
# With a profile of a cluster no --cores: it would cut the threads of every job to that number.
RUN := $(if $(PROFILE),$(START) --workflow-profile "$$PROFILE",$(SNAKEMAKE))
LOCK := .venv/bin/uv --system-certs pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-annotate --custom-compile-command "make lock"
RESULTS = $(PY) workflow_scripts/jndops/results_dir.py "$$CONFIG"

# Names that a user gives reach the shell as values, never as part of a command of the shell or of make.
NAMES := CONFIG PICTURE FILE NUMBERS A B VIDEO METHOD METHODS CODEC QPS CONFIGURATIONS FRAMES WEIGHTS OUT SIZE FPS DEPTH SUBJECTS PROFILE TORCH
$(foreach name,$(NAMES),$(eval override $(name) := $$(value $(name))))
export $(NAMES)
export MLFLOW_DISABLE_TELEMETRY := true
export PYTHONUNBUFFERED := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: help setup demo smoke study run where plan doctor check-data compare filter predict-jnd choose-quality ui report results-archive results-rebuild compare-runs ratings-server bench test test-robustness lint format clean lock docs site config-exists

help: ## this list
	@printf 'make TARGET [CONFIG=config/paper.yaml] [CORES=2] [PROFILE=profiles/slurm] [ARGS="snakemake options"]\n'
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile

##@ Runs of the suite
setup: ## install everything into .venv (the other targets do it by themselves); TORCH=cpu: torch without GPU libraries
	@TORCH="$$TORCH" sh envs/install.sh

demo: setup ## the main job on real clips that come with the packages: tables, figures, report
	@$(RUN) $(ARGS)

smoke: setup ## the same on two tiny clips, in results/smoke
	@$(RUN) --configfile config/smoke.yaml $(ARGS)

study: setup ## all five papers: three training seeds, all folds (config/study.yaml), in results/study
	@$(RUN) --configfile config/study.yaml $(ARGS)

run: setup config-exists ## the experiment of CONFIG
	@$(RUN) --configfile "$$CONFIG" $(ARGS)

where: ## rule, modules and configuration of a result: FILE=results/vp_jnd/tables/prediction.csv
	@test -n "$$FILE" || { echo "which file? make where FILE=results/tables/bd_rate.csv" >&2; exit 2; }
	@$(PY) workflow_scripts/commands/where.py "$$FILE"

plan: setup config-exists ## what CONFIG would do and cost, without doing it
	@$(PY) workflow_scripts/commands/plan_run.py --configfile "$$CONFIG" $(ARGS)

doctor: setup ## tools, versions and a self-test with known scores
	@$(PY) workflow_scripts/commands/doctor.py $(ARGS)

check-data: setup config-exists ## which data CONFIG needs, what is missing and how to get it
	@$(SNAKEMAKE) --quiet all --configfile "$$CONFIG" $(ARGS) -- check_data

##@ Your own videos and pictures
# One program for videos of one's own; what is not given is empty.
OWN = $(PY) workflow_scripts/commands/own_videos.py $@ --configfile "$$CONFIG" --video "$$VIDEO" \
  --methods "$$METHODS$$METHOD" --codecs "$$CODEC" --qps "$$QPS" --configurations "$$CONFIGURATIONS" \
  --frames "$$FRAMES" --weights "$$WEIGHTS" --out "$$OUT" --size "$$SIZE" --fps "$$FPS" --bit-depth "$$DEPTH" \
  --cores $(CORES) $(ARGS)

compare: setup config-exists ## methods on videos of your own: VIDEO="a.y4m b.mkv" METHODS="anchor erjnd iqnet" [CODEC= QPS= FRAMES=]
	@$(OWN)

filter: setup config-exists ## a video of your own through a prefilter: VIDEO=my.y4m METHOD=erjnd OUT=filtered.mkv
	@$(OWN)

predict-jnd: setup config-exists ## the QPs at which coding of your video becomes visible: VIDEO=my.y4m METHOD=laser_mj_lat
	@$(OWN)

choose-quality: setup config-exists ## the quality of a picture of your own by CONFIG's trained VP-JND: PICTURE=photo.png
	@test -n "$$PICTURE" || { echo "which picture? make choose-quality PICTURE=photo.png" >&2; exit 2; }
	@$(PY) workflow_scripts/commands/choose_quality.py "$$PICTURE" --configfile "$$CONFIG" $(if $(OUT),--out "$$OUT") $(ARGS)

##@ Looking at results
ui: setup config-exists ## browse CONFIG's runs in MLflow: prints links once it answers
	@$(PY) workflow_scripts/commands/browse_runs.py --configfile "$$CONFIG" $(ARGS)

report: setup config-exists ## Snakemake's HTML report of CONFIG's results
	@$(PY) workflow_scripts/commands/make_report.py --configfile "$$CONFIG" $(ARGS)

results-archive: setup config-exists ## numbers, tables, figures and report of CONFIG in one file, without video; NUMBERS=x.tar.xz: numbers alone
	@$(PY) workflow_scripts/commands/archive_results.py pack --configfile "$$CONFIG" $(if $(NUMBERS),--numbers "$$NUMBERS")

results-rebuild: setup config-exists ## tables, figures and MLflow again from an unpacked archive, without encoding
	@$(PY) workflow_scripts/commands/archive_results.py rebuild --configfile "$$CONFIG" $(ARGS)

ratings-server: setup config-exists ## serve CONFIG's rating session to browsers and keep the votes: SUBJECTS=24 or a file of names
	@$(PY) workflow_scripts/commands/ratings_server.py --configfile "$$CONFIG" --subjects "$$SUBJECTS" $(ARGS)

compare-runs: setup ## whether two runs contradict each other, and how far their numbers are apart: A=results B=/elsewhere/results, or archives
	@test -n "$$A" -a -n "$$B" || { echo "which runs? make compare-runs A=results B=/elsewhere/results" >&2; exit 2; }
	@$(PY) workflow_scripts/commands/compare_statements.py "$$A" "$$B" $(ARGS)

##@ Development
bench: setup ## speed as ratios, written to results/bench
	@$(PY) -m benchmarks $(ARGS)

test: setup ## everything that must hold before a commit
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-robustness: setup ## kills and damaged files in depth (docs/reliability.md): KILLS=200 FUZZ=100
	@JNDLAB_KILLS=$(KILLS) JNDLAB_FUZZ=$(FUZZ) $(PY) -m pytest tests/robustness $(ARGS)

lint: setup ## style, spelling, prose and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m snakefmt --check Snakefile rules
	@$(PY) -m snakemake --lint
	@.venv/bin/codespell
	@$(PY) .ci/prose.py
	@$(PY) -m mypy

format: setup ## bring the style in order
	@$(PY) -m ruff check --fix . && $(PY) -m ruff format . && $(PY) -m snakefmt Snakefile rules

docs: setup ## regenerate config/README.md, tables of documents and the conda files from their sources
	@$(PY) workflow_scripts/commands/make_docs.py

site: setup ## the documentation as a web site, in site/; needs no network once envs/docs.lock is installed
	@sh envs/install_docs.sh
	@$(PY) -m mkdocs build --quiet

lock: setup ## resolve envs/requirements.in and envs/docs.in again
	@$(LOCK) --override envs/overrides.in envs/requirements.in -o envs/requirements.lock
	@$(LOCK) --constraint envs/requirements.lock envs/docs.in -o envs/docs.lock

config-exists:
	@test -f "$$CONFIG" || { echo "there is no file '$$CONFIG': name one, for example CONFIG=config/smoke.yaml" >&2; exit 2; }
	@$(RESULTS) > /dev/null

clean: ## remove all results (not the data, not .venv)
	@find results -mindepth 1 ! -name README.md ! -name .gitkeep -delete 2>/dev/null || true
	@rm -rf .snakemake
