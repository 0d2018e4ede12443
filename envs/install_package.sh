#!/bin/sh
# Installs the suite's own packages, editable, into the environment whose Python is given; nothing is fetched.
# usage: envs/install_package.sh PYTHON
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$1" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
  --no-index --no-deps --no-build-isolation --editable "$root"
