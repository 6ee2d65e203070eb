#!/usr/bin/env bash
# Everything behind the tables of README.md in this folder; PERSPECTIVES_DATA names the folder of the corpora.
# About an hour on two cores. Finished runs are skipped, so it can be stopped and started again.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PERSPECTIVES_RUNS=${PERSPECTIVES_RUNS:-runs}
methods=majority,softlabel,multitask,multitask_shared
here=experiments/first_results
table() { # corpus, name of the table, more options of compare
  perspectives compare "$PERSPECTIVES_RUNS/$1" --best --format markdown --output "$here/tables/$2.md" "${@:3}"
}

perspectives train -m model=priors,$methods,jury data=synthetic predictions.everyone=true trainer.progress=false
perspectives compare "$PERSPECTIVES_RUNS/synthetic" --format markdown --output $here/tables/synthetic.md --figure $here/synthetic.svg

# Steps on cached vectors are too small for several threads: one thread each, two corpora at a time.
export OMP_NUM_THREADS=1
for data in hs_brexit md_agreement; do
  perspectives train -m model=$methods data=$data optim.lr=3e-4,1e-3 seed=0,1,2 trainer.progress=false
done &
perspectives train -m model=$methods data=armis encoder=ngrams optim.lr=3e-4,1e-3 seed=0,1,2 trainer.progress=false
for data in popquorn_offensiveness dices_350; do
  perspectives train -m model=$methods data=$data optim.lr=3e-4,1e-3 split.fold=0,1,2,3,4 trainer.progress=false
done
wait
unset OMP_NUM_THREADS

for data in hs_brexit armis md_agreement popquorn_offensiveness dices_350; do
  table $data $data
done
for data in hs_brexit armis md_agreement; do
  table $data ${data}_lewidi2023 --metrics lewidi2023
done

# The encoder learns too. Its own folder, so that the frozen and the tuned table stay apart.
frozen=$PERSPECTIVES_RUNS
export PERSPECTIVES_RUNS=$frozen/finetuned
perspectives train -m model=$methods data=hs_brexit encoder.tune=full trainer=finetune trainer.max_epochs=6 \
  optim.warmup=0.1 optim.decay=linear optim.encoder_lr=5e-5 trainer.progress=false
table hs_brexit hs_brexit_finetuned
table hs_brexit hs_brexit_finetuned_lewidi2023 --metrics lewidi2023

python experiments/assemble.py
