#!/usr/bin/env bash
# The ablations of the jury model on POPQUORN offensiveness; PERSPECTIVES_DATA names the folder of the corpora.
# Frozen encoder: about half an hour on one core; fine-tuned: some hours. Finished runs are skipped.
#   run.sh [items|annotators] [frozen|finetuned]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=experiments/popquorn_jury
split=${1:-items} tuning=${2:-frozen}
export PERSPECTIVES_RUNS=${PERSPECTIVES_RUNS:-runs}/popquorn_jury/${split}_$tuning OMP_NUM_THREADS=1
folds=split.fold=0,1,2,3,4
options="experiment=popquorn_jury split=$split $folds trainer.progress=false"
groups=joint,per_attribute
if [ "$tuning" = finetuned ]; then
  options+=" encoder.tune=full trainer=finetune trainer.max_epochs=4 optim.encoder_lr=5e-5 optim.lr=1e-3"
  options+=" optim.warmup=0.1 optim.decay=linear"
  groups=$([ "$split" = items ] && echo joint || echo per_attribute) # what did better on validation when frozen
else
  options+=" seed=0,1,2"
fi
perspectives train -m model=jury_text,jury_id $options
perspectives train -m model=jury_attributes,jury model.groups=$groups $options
perspectives compare "$PERSPECTIVES_RUNS/popquorn_offensiveness" --best --baseline jury_text --metrics individual \
  --format markdown --output "$here/tables/${split}_$tuning.md"
python experiments/assemble.py
