#!/bin/sh
# LSF's bsub, printing the number of the job alone, as Snakemake's cluster-generic executor wants it.
# usage: bsub.sh OPTIONS... SCRIPT
set -eu
said=$(bsub "$@")
printf '%s\n' "$said" | sed -n 's/^Job <\([0-9]*\)>.*/\1/p'
