#!/usr/bin/env bash
# All ratios of README.md, each measured in one process, in turns; about ten minutes on two idle cores.
set -euo pipefail
cd "$(dirname "$0")"
{
  echo "| | ours | the other way | ratio: median (quartiles, or extremes of 3) | wanted |"
  echo "|---|---:|---:|---:|---:|"
  for part in step pairs heads everyone epoch; do python $part.py; done
} | tee results.md
