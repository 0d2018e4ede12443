#!/bin/sh
# Submits a job of Snakemake to Kubernetes by job.yaml, and prints the name it got there.
# usage: submit.sh RULE THREADS MEMORY_MB MINUTES GPUS SCRIPT
set -eu
here=$(dirname "$0")
# Names in Kubernetes have no underscores. Folder and script are those of the shared volume, under one path in all pods.
name=$(printf %s "$1" | tr _ -)
sed -e "s|NAME|$name|g" -e "s|THREADS|$2|g" -e "s|MEMORY|$3|g" -e "s|SECONDS|$(($4 * 60))|g" -e "s|GPUS|$5|g" \
  -e "s|SCRIPT|$6|g" -e "s|FOLDER|$(pwd)|g" "$here/job.yaml" |
  kubectl create --filename - --output name | sed 's|.*/||'
