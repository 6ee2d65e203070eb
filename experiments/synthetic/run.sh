#!/usr/bin/env bash
# What is planted in the generated population, and who finds it: about twenty minutes on one core.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=experiments/synthetic
export OMP_NUM_THREADS=1
options="split.fold=0,1,2,3,4 data=synthetic trainer.progress=false"
root=${PERSPECTIVES_RUNS:-runs}/synthetic_controls
for split in items annotators; do
  export PERSPECTIVES_RUNS=$root/$split
  perspectives train -m model=jury_text,jury_id,multitask_shared split=$split $options
  perspectives train -m model=jury_attributes,jury model.groups=per_attribute split=$split $options
  perspectives train -m model=jury_attributes model.groups=per_attribute control=shuffled_demographics split=$split $options
  perspectives train -m model=jury_id,multitask_shared control=shuffled_ids split=$split $options
  perspectives compare "$PERSPECTIVES_RUNS" --baseline jury_text --metrics individual/macro_f1,individual/cross_entropy \
    --format markdown --output $here/tables/$split.md
done
perspectives compare "$root/items" --groups gender,region --metrics calibration/bias_rude \
  --format markdown --output $here/tables/rates.md
python experiments/assemble.py
