# Runs once in the new environment; JND_SUITE is the suite's folder (jndops/workflow/environment.py).
sh "$JND_SUITE/envs/install_package.sh" python
