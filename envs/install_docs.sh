#!/bin/sh
# Adds what `make site` needs to .venv, once for each envs/docs.lock.
set -eu
stamp=.venv/docs-installed-from
wanted=$(cat envs/docs.lock envs/requirements.lock | cksum)
[ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && .venv/bin/python -c "import mkdocs, mkdocstrings" 2>/dev/null && exit 0
certificates=
[ -f /etc/ssl/certs/ca-certificates.crt ] && certificates=--system-certs
mirror=$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)
[ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
# shellcheck disable=SC2086 # the option is one word or none
.venv/bin/uv $certificates pip install --quiet --python .venv/bin/python --require-hashes -r envs/docs.lock || {
  echo "site: the packages of envs/docs.lock could not be installed (see above)." >&2
  exit 1
}
printf '%s\n' "$wanted" > "$stamp"
