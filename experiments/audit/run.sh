#!/usr/bin/env bash
# Every number of README.md; PERSPECTIVES_DATA names the folder of the corpora. Minutes; the runs that are audited with their
# predictions are those of experiments/juries/run.sh. Tables and pages hold texts and ids: they stay in a temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
here=experiments/audit
runs=${PERSPECTIVES_RUNS:-runs}/juries
found=$(mktemp -d)
for data in hatecheck hs_brexit md_agreement; do
  perspectives audit data=$data output="$found/$data"
done
for data in popquorn_offensiveness gwsd perspective_taking_toxicity; do
  perspectives audit run="$runs/$data/jury-*" output="$found/$data"
done
mkdir -p $here/tables
python $here/tables.py "$found"
python $here/carelessness.py > $here/tables/carelessness.md
python experiments/assemble.py
echo "pages to look at: $found/*/audit.html"
