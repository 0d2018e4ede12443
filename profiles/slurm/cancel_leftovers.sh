#!/bin/sh
# Cancel your SLURM jobs of this folder whose Snakemake is gone (killed, or its node was restarted): they would go on and
# write the same files as the jobs of the next run. Do not call it while a run of this folder is alive.
# usage: sh profiles/slurm/cancel_leftovers.sh        from the root of the suite
set -eu
here=$(pwd)
jobs=$(squeue --noheader --user "$(id -un)" --format '%i|%Z' |
  while IFS='|' read -r job folder; do
    [ "$folder" != "$here" ] || printf '%s\n' "$job"
  done)
[ -n "$jobs" ] || { echo "no jobs of $here are left"; exit 0; }
# shellcheck disable=SC2086 # one word for each job
scancel $jobs
echo "cancelled:" $jobs
# Until they are gone: a job has some seconds to end.
while squeue --noheader --user "$(id -un)" --format '%Z' | grep -qxF "$here"; do sleep 1; done
