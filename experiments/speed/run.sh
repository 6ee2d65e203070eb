#!/usr/bin/env bash
# All ratios of README.md, each measured in one process, in turns; about fifteen minutes on two idle cores.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p tables
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} # what else the machine does disturbs one thread less
{
  echo "| | ours | the other way | ratio: median (quartiles, or extremes of 3) | wanted |"
  echo "|---|---:|---:|---:|---:|"
  for part in step pairs heads everyone dynamics epoch; do python "$part.py"; done
} | tee tables/results.md
python ../assemble.py
