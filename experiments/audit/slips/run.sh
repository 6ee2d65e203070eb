#!/usr/bin/env bash
# The tables of README.md; PERSPECTIVES_DATA names the folder of the corpora. About half an hour of one slow core, most of it
# 120 trainings; finished ones are skipped.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export OMP_NUM_THREADS=1 # steps on cached vectors are too small for several threads
python experiments/audit/slips/slips.py "${PERSPECTIVES_RUNS:-runs}/slips" synthetic hs_brexit popquorn_offensiveness
python experiments/assemble.py
