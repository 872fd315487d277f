#!/usr/bin/env bash
# Every misuse ends with one clear line and the right exit code, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

usage=64 data=65 no_input=66 cannot_create=73

# Commands and options.
refuses $usage "riffle help"
refuses $usage 'did you mean "fit"?' fti U1
refuses $usage 'no command "nonsense"' nonsense
refuses $usage 'did you mean "--seed"?' fit U1 --sed 3
refuses $usage 'did you mean "--no-plots"?' fit U1 --no-plot
refuses $usage 'no option' sample somewhere -n 3 --sed 4
refuses $usage "WHAT" fit
refuses $usage "DIR" sample
refuses $usage "-n" sample somewhere
refuses $usage "DIR" plot
refuses $usage "words" fit U1 extra words
refuses $usage "--seed" fit U1 --seed
refuses $usage "--set" fit U1 --set
refuses $usage 'did you mean "targets"?' list tagets
refuses $usage 'no benchmark' bench nothing
refuses $usage 'bench gradient' bench ladder --dim 3
refuses $usage 'bench gradient' bench --flow planar:2
refuses $usage 'did you mean "planar"?' bench gradient --flow plnar:3
refuses $usage '--dim' bench gradient --dim 0
refuses $usage '--batch' bench gradient --batch -1
refuses $usage '--threads' bench gradient --threads 0
refuses $usage 'double' bench gradient --precision half
refuses $usage 'no command "nothing"' help nothing
refuses $usage 'no option "--bogus"' --bogus
refuses $usage 'no option "--bogus"' --bogus=3
refuses $usage 'no option "-z"' -z
refuses $usage 'no option "--bogus"' --bogus fit U1
refuses $usage 'did you mean "--version"?' --vresion

# What to fit.
refuses $usage 'did you mean "tutorial"?' fit tutoril
refuses $usage 'did you mean "U1"?' fit U9
refuses $usage 'no spec file' fit ""
refuses $no_input 'missing.toml' fit missing.toml
refuses $no_input 'no/such/file' fit no/such/file
refuses $usage 'is a folder' fit .
refuses $no_input 'no spec.toml' fit . --resume
refuses $no_input 'no spec.toml' fit missing --resume
refuses $usage 'WHAT is missing' fit --resume
refuses $usage 'WHAT is missing' fit "" --resume

# Keys and values of the command line.
refuses $usage 'SECTION.KEY=VALUE' fit U1 --set nonsense
refuses $usage 'SECTION.KEY=VALUE' fit U1 --set seed=1
refuses $usage 'did you mean "run"?' fit U1 --set runn.seed=1
refuses $usage 'did you mean "seed"?' fit U1 --set run.sed=1
refuses $usage 'did you mean "seed"?' fit U1 --set run.sed=1 --set run.seed=2
refuses $usage 'did you mean "U1"?' fit U1 --set target.name=U1x
refuses $usage 'did you mean "planar"?' fit U1 --flow plnar:3
refuses $usage 'count' fit U1 --flow planar:0
refuses $usage 'count' fit U1 --flow planar:-3
refuses $usage 'count' fit U1 --flow planar:99999999999999999999
refuses $usage 'a name is missing' fit U1 --flow planar:3+
refuses $usage 'did you mean "annealed"?' fit U1 --objective aneald
refuses $usage 'double' fit U1 --precision half
refuses $usage 'run.seed' fit U1 --seed -1
refuses $usage 'run.seed' fit U1 --seed=-1
refuses $usage 'run.seed' fit U1 --seed 1.5
refuses $usage 'run.seed' fit U1 --seed one
refuses $usage 'run.seed' fit U1 --seed ""
refuses $usage 'run.seed' fit U1 --seed 18446744073709551615
refuses $usage 'run.seed' fit U1 --seed 99999999999999999999999999
refuses $usage 'run.batch' fit U1 --batch 0
refuses $usage 'run.batch' fit U1 --batch -5
refuses $usage 'run.batch' fit U1 --batch 1e3
refuses $usage 'run.batch' fit U1 --batch 100000001
refuses $usage 'run.iterations' fit U1 --iterations 9000000000000000000
refuses $usage 'run.threads' fit U1 --threads 1025
refuses $usage 'run.threads' fit U1 --threads -1
for rate in nan -nan inf 0 -0.1 fast "" 1e400; do
  refuses $usage 'optimizer.learning_rate' fit U1 --lr "$rate"
done
refuses $usage 'run.plots' fit U1 --set run.plots=maybe
refuses $usage 'run.evaluation_draws' fit U1 --set run.evaluation_draws=10
refuses $usage 'target.dim' fit U1 --set target.dim=3
refuses $usage 'target.dim' fit gaussian --set target.dim=0
refuses $usage 'target.mean' fit gaussian --set target.mean=nan
refuses $usage '"mean"' fit U1 --set target.mean=1
refuses $usage 'target.data' fit logistic
refuses $usage 'target.data' fit U1 --set target.data=table.csv
refuses $no_input 'missing.csv' fit logistic --set target.data=missing.csv
refuses $usage 'multiple of 2' fit many-well --set target.dim=3
refuses $usage 'target.sd' fit funnel --set target.sd=0
refuses $usage '0 or 1' fit logistic --set target.data=x --set target.centered=2
refuses $usage 'set "mmx"' fit U1 --set run.simd=mmx

# What a user smuggles in does not steer the terminal.
refuses $usage '\x0a' fit U1 --set $'target.name=a\nb'
refuses $usage '\x1b[31m' fit U1 --set $'target.name=\e[31mred'
refuses $usage '\x1b]0;' fit $'\e]0;title\a'
refuses $usage 'no command' $'a\nb'

# What only the model can tell, of any target, leaves no folder either.
refuses $usage 'take free-energy' fit U1 --objective bound --set base.name=full-normal
seq 20 | awk '{ print $1 % 7, $1 % 2 }' >one-feature.txt
refuses $usage 'affine-coupling' fit logistic --set target.data=one-feature.txt \
  --set target.intercept=false --flow affine-coupling:2

# Draws.
mkdir empty
refuses $no_input 'model.riffle' sample empty -n 5
refuses $no_input 'model.riffle' sample missing -n 5
for n in -5 1e3 five "" 1.5 99999999999999999999999; do
  refuses $usage '-n' sample empty -n "$n"
  refuses $usage '--seed' sample empty -n 1 --seed "$n"
done
refuses $no_input 'spec.toml' plot empty
refuses $usage 'folder is empty' plot ""
refuses $usage 'folder is empty' diagnose ""

# Spec files.
spec() {
  printf '%s\n' "$1" >spec-under-test.toml
}
spec '[target'
refuses $data 'spec-under-test.toml:1' fit spec-under-test.toml
spec $'[run]\nseed = 1\nseed = 2'
refuses $data 'spec-under-test.toml:3' fit spec-under-test.toml
spec $'[run]\nsed = 1'
refuses $usage 'did you mean "seed"?' fit spec-under-test.toml
spec $'[rnu]\nseed = 1'
refuses $usage 'did you mean "run"?' fit spec-under-test.toml
spec $'[run]\nseed = "one"'
refuses $usage 'spec-under-test.toml' fit spec-under-test.toml
spec $'[target]\nname = 5'
refuses $usage 'spec-under-test.toml' fit spec-under-test.toml
spec $'[optimizer]\nlearning_rate = nan'
refuses $usage 'optimizer.learning_rate' fit spec-under-test.toml
spec $'[run]\nbatch = 0'
refuses $usage 'run.batch' fit spec-under-test.toml
spec $'[target]\nname = "a\\nb\\u001b[2J"'
refuses $usage '\x1b[2J' fit spec-under-test.toml
spec $'[run]\nseed = """\n\n"""'
refuses $usage 'run.seed' fit spec-under-test.toml
head -c 3000 "$riffle" >binary.toml
refuses $data 'binary.toml' fit binary.toml
rm binary.toml
head -c 20000 /dev/zero | tr '\0' '[' >deep.toml
refuses $data 'deep.toml' fit deep.toml
rm deep.toml

# Points whose density is to be learned: what is wrong with them, or with what is to fit them, leaves
# no folder, and takes nothing from the run that --force gives up.
for i in $(seq 40); do echo "$i,$((i * i % 17))"; done >points.csv
seq 40 >line.csv
printf 'x,y\n1,2\n3\n' >ragged.csv
printf 'x,y\n1,2\n3,nan\n' >nan.csv
printf 'x,y\n' >none.csv
: >nothing.csv
head -c 300 "$riffle" >binary.npy
learn=(--iterations 20 --batch 32 --flow affine --no-plots)
ends 0 fit --samples points.csv "${learn[@]}" --out good
before=$(cat good/*)
for place in '--out new' '--out good --force'; do
  # shellcheck disable=SC2086  # options
  {
    refuses $no_input 'missing.csv' fit --samples missing.csv "${learn[@]}" $place
    refuses $data 'ragged.csv' fit --samples ragged.csv "${learn[@]}" $place
    refuses $data 'row 2, column y' fit --samples nan.csv "${learn[@]}" $place
    refuses $data 'none.csv holds no points' fit --samples none.csv "${learn[@]}" $place
    refuses $data 'nothing.csv' fit --samples nothing.csv "${learn[@]}" $place
    refuses $data 'binary.npy' fit --samples binary.npy "${learn[@]}" $place
    refuses $usage 'did you mean "planar"?' fit --samples points.csv --set flow.layers=plnar:3 $place
    refuses $usage 'mixture' fit --samples points.csv --set 'base.name=mixture(components=0)' $place
    refuses $usage 'affine-coupling' fit --samples line.csv --flow affine-coupling:2 $place
    refuses $usage 'holdout' fit --samples points.csv --objective 'maximum-likelihood(holdout=0.999999)' $place
  }
done
refuses $usage 'good/draws.csv belongs to the run that the new one would replace' \
  fit --samples good/draws.csv "${learn[@]}" --out good --force
[ "$before" = "$(cat good/*)" ] || fail "the run in good is another"
# A run has one target, and points one objective.
refuses $usage 'maximum-likelihood, not bound' fit --samples points.csv --objective bound
refuses $usage 'maximum-likelihood, not bound' fit --samples points.csv --set objective.name=bound
refuses $usage 'leave U1 out' fit U1 --samples points.csv
refuses $usage 'leave tutorial out' fit tutorial --samples points.csv
refuses $usage 'leave figure3 out' fit figure3 --samples points.csv
refuses $usage '--stan m.so and U1' fit U1 --stan m.so
refuses $usage '--plugin m.so and U1' fit U1 --plugin m.so
refuses $usage 'one target' fit --samples points.csv --stan m.so
refuses $usage 'target.data' fit --samples points.csv --data table.csv

# Places that cannot be written to; /proc takes no folders, not even from root.
touch plain
refuses $cannot_create 'plain' fit U1 "${brief[@]}" --out plain
refuses $cannot_create 'plain/under' fit U1 "${brief[@]}" --out plain/under
refuses $cannot_create '/proc/riffle' fit U1 "${brief[@]}" --out /proc/riffle
mkdir full
touch full/something
refuses $cannot_create '--force' fit U1 "${brief[@]}" --out full
refuses $cannot_create '--resume' fit U1 "${brief[@]}" --out full

finish
