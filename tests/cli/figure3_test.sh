# riffle fit figure3: every cell, the same figures on any number of threads, a folder like those of
# other runs, and what it refuses.
# shellcheck shell=bash
. "$(dirname "$0")/lib.sh"

quick=(--no-plots --set run.evaluation_draws=1000 --set run.draws=0)
small=(--iterations 10 "${quick[@]}")

# same_figure A B: two folders hold the same figure to the bit. The ninth column is the time it took.
same_figure() {
  local run name
  for run in "$1" "$2"; do cut -d, -f1-8,10- "$run/figure3.csv" >"$log/${run%/}-figures"; done
  same_file "$log/${1%/}-figures" "$log/${2%/}-figures"
  [ "$(find "$2" -name '*.riffle' | wc -l)" -eq "$(find "$1" -name '*.riffle' | wc -l)" ] ||
    fail "$1 and $2 have not as many models"
  for name in "$1"/*.riffle; do same_file "$name" "$2/${name##*/}"; done
}

# in_summary DIR TEXT
in_summary() {
  grep -qF -- "$2" "$1/summary.json" || fail "$1/summary.json does not say $2"
}

ends 0 fit figure3 "${small[@]}" --threads 2 --out two
[ "$(wc -l <two/figure3.csv)" -eq 49 ] || fail "figure3.csv has not 48 fits"
[ "$(find two -name '*.riffle' | wc -l)" -eq 48 ] || fail "there are not 48 trained flows"
says '48 of 48' 'fit figure3'
ends 0 fit figure3 "${small[@]}" --threads 1 --out one --quiet
[ ! -s "$log/out" ] || fail "--quiet is not quiet: $(head -3 "$log/out")"
same_figure one two

# What the folder says of the run, and how to repeat it.
[ "$(grep -c '"seed": [0-9]*,$' one/summary.json)" -eq 49 ] || fail "not every fit has its seed"
in_summary one '"stop_reason": "completed"'
in_summary one '"threads": 1,'
in_summary one '"method": "figure3"'
grep -q '^method = "figure3"$' one/spec.toml || fail "spec.toml does not say that it is the figure"
ends 0 fit one/spec.toml --out again --quiet
same_figure one again
refuses 64 'is complete' fit one --resume
ends 0 plot one
if command -v gnuplot >"$log/out"; then
  [ -s one/figure3.png ] && [ -s one/figure3-kl.svg ] || fail "riffle plot drew nothing"
fi

mkdir begun
cp one/spec.toml begun
refuses 64 'no fit of the figure in begun is finished' plot begun

# Each model can be used; where a folder does not do, it says so.
ends 0 sample one/U1-planar-2.riffle -n 5 -o draws.csv
[ "$(wc -l <draws.csv)" -eq 6 ] || fail "not five draws of a model file"
ends 0 logdensity one/U1-nice-orthogonal-2.riffle draws.csv -o density.csv
[ "$(wc -l <density.csv)" -eq 6 ] || fail "not five densities of a model file"
ends 0 check one/U1-nice-orthogonal-2.riffle --draws 200
for command in 'sample one -n 5' 'logdensity one draws.csv' 'check one'; do
  # shellcheck disable=SC2086  # words
  refuses 64 'one/U1-nice-orthogonal-2.riffle' $command
done
refuses 64 'not one of a posterior: it is a figure' diagnose one
refuses 66 'none.riffle' sample none.riffle -n 5

# Stopped, by Ctrl-C or for good, it goes on where it was.
if [ "$effort" -lt 100 ]; then longer=100; else longer=400; fi
long=("${quick[@]}" --iterations "$longer" --threads 2)
ends 0 fit figure3 "${long[@]}" --out whole --quiet
for signal in INT KILL; do
  : >"$log/out"
  "$riffle" fit figure3 "${long[@]}" --out "$signal" >"$log/out" 2>"$log/err" &
  process=$!
  for _ in $(seq 3000); do
    [ "$(wc -l <"$log/out")" -lt 5 ] || break
    sleep 0.01
  done
  [ -s "$log/out" ] || fail "no line arrives while it runs"
  kill -$signal $process
  wait $process 2>"$log/wait"
  code=$?
  if [ $code -eq 0 ]; then
    echo "the figure was over before it could be interrupted"
    continue
  fi
  in_summary "$signal" '"stop_reason": "interrupted"'
  made=$(find "$signal" -name '*.riffle' | wc -l)
  [ "$made" -gt 0 ] && [ "$made" -lt 48 ] || fail "SIG$signal: $made models when stopped"
  if [ $signal = INT ]; then
    [ $code -eq 130 ] || fail "SIG$signal: exit code $code, not 130"
    [ "$(cat "$log/err")" = "interrupted; \`riffle fit $signal --resume\` goes on" ] ||
      fail "SIG$signal: says $(cat "$log/err")"
    no_temporaries "$signal"
    refuses 64 'does not go with it' fit "$signal" --resume --iterations 5
    cp -r "$signal" edited
    sed -i 's/^batch = .*/batch = 64/' edited/spec.toml
    refuses 65 'edited/spec.toml' fit edited --resume
    rm "$(find "$signal" -name '*.riffle' | head -1)"  # is made again
  fi
  ends 0 fit "$signal" --resume --threads 1
  [ "$(grep -c ' of 48 ' "$log/out")" -lt 48 ] || fail "SIG$signal: every fit was made again"
  in_summary "$signal" '"stop_reason": "completed"'
  same_figure "$signal" whole
  no_temporaries "$signal"
  [ ! -e "$signal/model.riffle" ] || fail "--resume of a figure fits something else"
done

# Of starts that diverge, none is kept where another did not.
diverging=("${quick[@]}" --set optimizer.name=sgd --lr 2 --iterations 100)
ends 0 fit figure3 "${diverging[@]}" --threads 1 --out diverging-1 --quiet
ends 0 fit figure3 "${diverging[@]}" --threads 2 --out diverging-2 --quiet
same_figure diverging-1 diverging-2
grep '^U4,radial,8,' diverging-1/figure3.csv | grep -qv nan || fail "a start that diverged was kept"
grep -q '"diverged": [1-9]' diverging-1/summary.json || fail "no start diverged"
grep nan diverging-1/figure3.csv | cut -d, -f1-3 >diverged
[ -s diverged ] || fail "there is no fit of which every start diverged"
while IFS=, read -r target flow length; do
  [ ! -e "diverging-1/$target-$flow-$length.riffle" ] || fail "a model of $flow, which diverged"
  grep -qF "$target $flow K = $length" "$log/err" || fail "no warning of $target, $flow, $length"
done <diverged
in_summary diverging-1 'every start diverged of'

# A folder that is given up keeps nothing of the figure, and nothing else is touched.
echo mine >two/notes.txt
ends 0 fit U1 "${brief[@]}" --out two --force
[ "$(find two -name 'figure3*' | wc -l)" -eq 0 ] || fail "files of the figure are left"
[ "$(find two -name '*.riffle')" = two/model.riffle ] || fail "models of the figure are left"
[ -s two/notes.txt ] || fail "--force removes what is not of the run"
ends 0 fit figure3 "${small[@]}" --out two --force --quiet
[ ! -e two/model.riffle ] && [ ! -e two/loss.csv ] || fail "the run before the figure is left"

refuses 73 'not empty' fit figure3 "${small[@]}" --out one
own='figure3 has targets and flows of its own'
refuses 64 "$own: --flow" fit figure3 --flow planar:2 --out other
refuses 64 "$own: --method" fit figure3 --method flow --out other
refuses 64 "$own: --set target.name" fit figure3 --set target.name=U3 --out other
refuses 64 "$own: --set flow.layers" fit figure3 --set flow.layers=planar:3 --out other
refuses 64 "$own: --data" fit figure3 --data draws.csv --out other
refuses 64 'leave out target.name' fit U3 --method figure3 --out other
printf '[flow]\nlayers = "planar:2"\n[run]\nmethod = "figure3"\n' >flow.toml
refuses 64 'leave out [flow]' fit flow.toml --out other
refuses 64 'run.batch' fit figure3 --batch 0 --out other

finish
