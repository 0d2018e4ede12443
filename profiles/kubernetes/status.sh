#!/bin/sh
# State of a job for Snakemake's cluster-generic executor: prints running, success or failed.
# usage: status.sh JOB
set -u
state=$(kubectl get job "$1" --output 'jsonpath={.status.succeeded}/{.status.failed}' 2>&1) || case $state in
  *NotFound*) echo failed; exit ;; # removed by someone: its end is unknown
  *) echo running; exit ;; # the server did not answer this time
esac
case $state in
  1/*) echo success ;;
  /) echo running ;; # waits or runs
  *) echo failed ;;
esac
