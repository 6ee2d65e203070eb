#!/usr/bin/env bash
# Every figure and number of README.md; PERSPECTIVES_DATA names the folder of the corpora. About an hour on two cores, nearly
# all of it training; the sweeps take minutes. Finished runs are skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PERSPECTIVES_RUNS=${PERSPECTIVES_RUNS:-runs}/juries OMP_NUM_THREADS=1
here=experiments/juries
common="predictions.everyone=true trainer.progress=false"
folds="split=items split.fold=0,1,2,3,4"

perspectives train -m model=jury model.groups=per_attribute experiment=popquorn_jury $folds seed=0,1,2 $common
for data in perspective_taking_toxicity gwsd; do
  perspectives train -m model=jury model.groups=per_attribute data=$data $folds seed=0,1,2 $common
done
perspectives train -m model=jury model.groups=per_attribute data=multipico encoder=ngrams $folds seed=0 $common
perspectives train -m model=multitask_shared data=hs_brexit seed=0,1,2 $common
perspectives train -m model=multitask_shared data=armis encoder=ngrams seed=0,1,2 $common
for data in perspective_taking_toxicity gwsd popquorn_offensiveness; do
  perspectives train -m model=majority data=$data $folds seed=0,1,2 trainer.progress=false
done

found=$(mktemp -d)
jury() { # name, corpus and pattern of its runs, options
  perspectives jury run="$PERSPECTIVES_RUNS/$2" output="$found/$1" "${@:3}"
}
ages='age<30, age=30..49, age>=50'
popquorn='popquorn_offensiveness/jury-*'
jury popquorn_gender "$popquorn" 'event=label>=3' sweep='gender=Woman, gender=Man'
jury popquorn_race "$popquorn" 'event=label>=3' sweep=race
jury popquorn_race_of_11 "$popquorn" 'event=label>=3' sweep=race size=11
jury popquorn_age "$popquorn" 'event=label>=3' sweep="$ages"
jury popquorn_education "$popquorn" 'event=label>=3' sweep=education
jury gwsd_party 'gwsd/jury-*' event=label=agrees sweep=party
jury gwsd_party_of_11 'gwsd/jury-*' event=label=agrees sweep=party size=11 # an odd jury is never hung
jury gwsd_gender 'gwsd/jury-*' event=label=agrees sweep=gender
toxicity='perspective_taking_toxicity/jury-*'
jury toxicity_gender "$toxicity" sweep=gender
jury toxicity_political "$toxicity" sweep=political
jury toxicity_political_of_11 "$toxicity" sweep=political size=11
jury toxicity_race "$toxicity" sweep=race
jury toxicity_age "$toxicity" sweep="$ages"
jury multipico_gender 'multipico/jury-*' eligible=language sweep=gender
jury multipico_age 'multipico/jury-*' eligible=language sweep="$ages"
jury hs_brexit_people 'hs_brexit/multitask_shared-*' sweep=annotator size=3
jury armis_people 'armis/multitask_shared-*' sweep=annotator size=1

real="people=true composition=population"
jury toxicity_real "$toxicity" $real 'size=[3,11,25,51,99]' majority="$PERSPECTIVES_RUNS/perspective_taking_toxicity/majority-*"
jury gwsd_real 'gwsd/jury-*' $real 'size=[3,5,7]' event=label=agrees majority="$PERSPECTIVES_RUNS/gwsd/majority-*"
jury popquorn_real "$popquorn" $real 'size=[3,5,7]' 'event=label>=3' \
  majority="$PERSPECTIVES_RUNS/popquorn_offensiveness/majority-*"

for name in popquorn_race popquorn_age gwsd_party toxicity_political; do
  cp "$found/$name/sweep.svg" $here/$name.svg
done
python $here/tables.py "$found"
python experiments/assemble.py
