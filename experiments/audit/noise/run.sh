#!/usr/bin/env bash
# Both tables of README.md; PERSPECTIVES_DATA names the folder of the corpora. About half an hour of one core; finished runs
# are skipped.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export OMP_NUM_THREADS=1 # steps on cached vectors are too small for several threads
here=experiments/audit/noise
for data in hs_brexit md_agreement; do
  python $here/flips.py $data "${PERSPECTIVES_RUNS:-runs}/noise" > $here/tables/$data.partial
  mv $here/tables/$data.partial $here/tables/$data.md
done
python experiments/assemble.py
