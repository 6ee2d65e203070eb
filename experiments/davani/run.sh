#!/usr/bin/env bash
# The modes of Davani et al. 2022 and the jury model on the corpora of LeWiDi-2023; PERSPECTIVES_DATA names their folder.
# Frozen encoders, three seeds, tuned on validation: about an hour on one core. Finished runs are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=experiments/davani
export PERSPECTIVES_RUNS=${PERSPECTIVES_RUNS:-runs}/davani OMP_NUM_THREADS=1
tuned="optim.lr=3e-4,1e-3 model.dropout=0,0.5 seed=0,1,2 trainer.progress=false"
methods=majority,softlabel,multilabel,multitask,multitask_shared,embedding,jury

perspectives train -m model=$methods,ensemble data=hs_brexit $tuned
perspectives train -m model=$methods,ensemble data=armis encoder=ngrams $tuned
perspectives train -m model=$methods data=md_agreement $tuned # 819 members are too many for an ensemble
for data in hs_brexit armis md_agreement; do
  perspectives train -m model=multitask_shared,jury control=shuffled_ids data=$data seed=0,1,2 trainer.progress=false \
    optim.lr=3e-4 model.dropout=0.5 $([ $data = armis ] && echo encoder=ngrams)
  perspectives compare $PERSPECTIVES_RUNS/$data --best --format markdown --output $here/tables/$data.md
done

# Uncertainty against disagreement: one configuration with dropout, which MC dropout needs.
for data in hs_brexit armis md_agreement; do
  PERSPECTIVES_RUNS=$PERSPECTIVES_RUNS/uncertainty perspectives train -m model=majority,multitask,multitask_shared,jury \
    data=$data optim.lr=3e-4 model.dropout=0.5 seed=0,1,2 trainer.progress=false $([ $data = armis ] && echo encoder=ngrams)
  python $here/uncertainty.py "$PERSPECTIVES_RUNS/uncertainty/$data" > $here/tables/${data}_uncertainty.md
done
python experiments/assemble.py
