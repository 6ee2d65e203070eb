#!/usr/bin/env bash
# Both tables of README.md; PERSPECTIVES_DATA names the folder of the corpora. About a quarter of an hour of one core. Needs
# kronfluence.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export OMP_NUM_THREADS=1
here=experiments/audit/influence
written() { # NAME, and what retraining.py is given
  python $here/retraining.py "${@:2}" > "$here/tables/$1.partial"
  mv "$here/tables/$1.partial" "$here/tables/$1.md"
}
mkdir -p $here/tables
written synthetic synthetic encoder=ngrams encoder.hidden=32
written hs_brexit hs_brexit
python experiments/assemble.py
