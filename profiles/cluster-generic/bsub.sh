#!/bin/sh
# LSF's bsub, printing the number of the job alone, as Snakemake's cluster-generic executor wants it.
# usage: bsub.sh OPTIONS... SCRIPT
set -eu
answer=$(bsub "$@")
printf '%s\n' "$answer" | sed -n 's/^Job <\([0-9]*\)>.*/\1/p'
