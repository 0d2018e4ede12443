#!/bin/sh
# Makes the suite's one virtual environment in .venv from envs/requirements.lock; called by make, safe to call again.
# usage: envs/install.sh            from the root of the suite; PYTHON=python3.12 chooses another interpreter
#        TORCH=cpu envs/install.sh  torch without its GPU libraries (5 GB less), from an index that has its wheels "+cpu"
set -eu
fail() { printf 'set-up: %s\n' "$1" >&2; exit 1; }

python=${PYTHON:-python3}
lock=envs/requirements.lock
stamp=.venv/installed-from

[ -f "$lock" ] || fail "start this from the root of the suite: $lock is not here."
# A copied folder brings its .venv along, which would run the code of the place that it was made in.
torch=${TORCH:-$(cat .venv/torch 2>/dev/null || true)} # what was chosen once stays
[ -z "$torch" ] || [ "$torch" = cpu ] || [ "$torch" = gpu ] || fail "TORCH=$torch is unknown: write TORCH=cpu, or TORCH=gpu (the default)."
wanted="$(cat "$lock" pyproject.toml | cksum) $(pwd)$([ "$torch" != cpu ] || printf ' cpu')"
[ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$wanted" ] && exit 0

command -v "$python" >/dev/null 2>&1 || fail "no $python on the PATH. Install Python 3.11 to 3.13, or name one: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  fail "$("$python" --version) is not supported: Python 3.11 to 3.13 is needed. Name one: make PYTHON=python3.12"
[ -w . ] || fail "this folder cannot be written: $(pwd). Clone the suite to a folder of your own."
free_kb=$(df -Pk . | awk 'NR == 2 { print $4 }')
[ "$free_kb" -gt 9000000 ] || [ "$torch" = cpu ] || printf 'set-up: only %s MB free here; the environment needs about 8 GB.\n' "$((free_kb / 1000))" >&2

size='about 8 GB with the GPU libraries of torch'
[ "$torch" != cpu ] || size='about 3 GB, torch for CPUs'
printf 'set-up: making .venv (%s; a minute or two) ...\n' "$size" >&2
if [ ! -x .venv/bin/python ]; then
  rm -rf .venv
  "$python" -m venv .venv || fail "$python cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check uv ||
  fail "pip could not install uv. Is the package registry reachable (proxy, mirror: see pip's configuration)?"

# uv keeps its own list of certificates; the system's is the one that an administrator looks after.
certificates=
[ -f /etc/ssl/certs/ca-certificates.crt ] && certificates=--system-certs
# uv does not read pip's configuration: a mirror that is set there is passed on.
mirror=$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)
[ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"

if [ "$torch" = cpu ]; then # the lock without torch and what only its GPU wheels ask for
  cpu_wheels=$(sed -n 's/^\(torch\(vision\)\{0,1\}==[0-9.]*\).*/\1+cpu/p' "$lock")
  awk '/^[^ ]/ { left_out = /^(nvidia-|cuda-|triton==|torch==|torchvision==)/ } !left_out' "$lock" > .venv/without-gpu.lock
  lock=.venv/without-gpu.lock
fi
# shellcheck disable=SC2086 # the option is one word or none
.venv/bin/uv $certificates pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes "$lock" ||
  fail "the packages of $lock could not be installed (see above); run the same command again to go on."
if [ "$torch" = cpu ]; then # no hashes: the lock has those of the default wheels
  # shellcheck disable=SC2086 # one word each
  .venv/bin/uv $certificates pip install --quiet --compile-bytecode --python .venv/bin/python --no-deps $cpu_wheels ||
    fail "this package index has no $(echo $cpu_wheels). Name one that has: UV_INDEX=<its address>, or leave TORCH=cpu out (TORCH=gpu)."
fi
printf '%s\n' "$torch" > .venv/torch
sh envs/install_package.sh .venv/bin/python || fail "the suite's own packages could not be installed (see above)."
printf '%s\n' "$wanted" > "$stamp"
printf 'set-up: done.\n' >&2
