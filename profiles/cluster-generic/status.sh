#!/bin/sh
# State of a job for Snakemake's cluster-generic executor: prints running, success or failed. For PBS, SGE and LSF.
# usage: status.sh JOB
set -u
job=$1

pbs() { # finished jobs stay visible with -x (PBS Pro, OpenPBS) or for a while without (Torque)
  facts=$(qstat -x -f "$job" 2>&1 || qstat -f "$job" 2>&1)
  case $facts in
    *"job_state = F"* | *"job_state = C"*)
      printf '%s\n' "$facts" | grep -qi '^ *exit_status = 0$' && echo success || echo failed ;;
    *"Unknown Job"* | *"has finished"*) echo failed ;; # forgotten by the scheduler: its end is unknown
    *) echo running ;; # queued, running, held; or the server did not answer this time
  esac
}

sge() { # qstat lists jobs that wait or run, qacct finished ones
  if qstat -j "$job" >/dev/null 2>&1; then echo running; return; fi
  facts=$(qacct -j "$job" 2>/dev/null) || { echo running; return; } # not booked yet
  printf '%s\n' "$facts" | awk '
    $1 == "failed" || $1 == "exit_status" { bad += $2 != 0 }
    END { print bad ? "failed" : "success" }'
}

lsf() {
  case $(bjobs -noheader -o stat "$job" 2>&1) in
    DONE) echo success ;;
    EXIT | ZOMBI | *"not found"*) echo failed ;;
    *) echo running ;;
  esac
}

if command -v bjobs >/dev/null; then lsf
elif command -v qacct >/dev/null; then sge
else pbs
fi
