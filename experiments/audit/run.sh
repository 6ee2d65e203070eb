#!/usr/bin/env bash
# Every number of README.md; PERSPECTIVES_DATA names the folder of the corpora. Minutes, with five trainings on HS-Brexit; the
# other runs that are audited are those of experiments/juries/run.sh. Tables and pages hold texts and ids: they stay in a
# temporary folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
here=experiments/audit
runs=${PERSPECTIVES_RUNS:-runs}
found=$(mktemp -d)
for data in hatecheck md_agreement; do
  perspectives audit data=$data output="$found/$data"
done
perspectives train -m data=hs_brexit split=items split.fold=0,1,2,3,4 model=multitask_shared dynamics=true \
  predictions.everyone=true paths.runs="$runs/audit"
perspectives audit run="$runs/audit/hs_brexit/multitask_shared-*" output="$found/hs_brexit"
for data in popquorn_offensiveness gwsd perspective_taking_toxicity; do
  perspectives audit run="$runs/juries/$data/jury-*" output="$found/$data"
done
mkdir -p $here/tables
python $here/tables.py "$found"
python $here/carelessness.py > $here/tables/carelessness.md
python experiments/assemble.py
echo "pages to look at: $found/*/audit.html"
