#!/usr/bin/env bash
# A density as a formula on the command line.
here=$(realpath "$(dirname "$0")")
. "$(dirname "$0")/lib.sh"

crescents='exp(-0.5*((sqrt(x^2+y^2)-4)/0.4)^2) * (exp(-0.5*((x-2)/0.8)^2) + exp(-0.5*((x+2)/0.8)^2))'
figure() {  # of a summary: FILE KEY
  sed -n "s/^ *\"$2\": \([^,]*\),*$/\1/p" "$1"
}
near() {  # A B ALLOWED WHAT
  awk -v a="$1" -v b="$2" -v allowed="$3" 'BEGIN { d = a - b; exit !(d < allowed && -d < allowed) }' ||
    fail "$4: $1 and $2"
}

# The tutorial on its own density, and on the same as a formula: the same fit but for rounding.
ends 0 fit tutorial --no-plots --iterations 3000 --out built-in
ends 0 fit tutorial --no-plots --iterations 3000 --density "$crescents"
[ -s runs/tutorial-density-1/summary.json ] || fail "no runs/tutorial-density-1"
near "$(figure runs/tutorial-density-1/summary.json elbo)" "$(figure built-in/summary.json elbo)" 0.01 "ELBO"
near "$(figure runs/tutorial-density-1/summary.json kl)" "$(figure built-in/summary.json kl)" 0.01 "KL"
[ "$(head -1 runs/tutorial-density-1/draws.csv)" = lp__,lp_approx__,x,y ] || fail "draws.csv has no names"
grep -q '^density = "exp(-0.5' runs/tutorial-density-1/spec.toml || fail "spec.toml has no formula"
if grep -q crescents runs/tutorial-density-1/spec.toml; then fail "spec.toml names another target"; fi
ends 0 fit runs/tutorial-density-1/spec.toml --out again --no-plots
same_run runs/tutorial-density-1 again
ends 0 sample again -n 3
[ "$(head -1 "$log/out")" = lp_approx__,x,y ] || fail "sample has no names"
ends 0 check again

# Killed by its end, it goes on with the same bits.
ends 0 fit tutorial --no-plots --log-density "r = hypot(a, b); -(r-3)^2" --iterations 400 --precision double --out whole
ends 0 fit whole/spec.toml --threads 2 --out threads
same_run whole threads

# A posterior by itself: parameters by name, evidence and verdict.
ends 0 fit --density 'exp(-0.5*mu^2 - 0.5*(tau - mu)^2/0.25)' --no-plots
says 'verdict  reliable' "a normal"
near "$(figure runs/density-1/summary.json log_z)" 1.1447299 0.02 "log Z"
head -1 runs/density-1/draws.csv | grep -q 'mu,tau$' || fail "a posterior's draws have no names"
ends 0 diagnose runs/density-1 -n 5000
ends 0 sample runs/density-1 -n 4000
same_file "$log/out" runs/density-1/draws.csv
ends 0 fit --log-density '-tau^2 - mu^2' --coordinates mu,tau --no-plots --out named
head -1 named/draws.csv | grep -q 'mu,tau$' || fail "--coordinates gives no order"
printf '[target]\ndensity = """\nr = hypot(x, y);  # from the origin\nexp(-r^2)"""\n[run]\nmethod = "staged"\nplots = false\n' >mine.toml
ends 0 fit mine.toml
near "$(figure runs/mine-1/summary.json log_z)" 1.1447299 0.02 "log Z of a spec's formula"

# Where it is negative, that is told.
ends 0 fit --density 'x*exp(-x^2)' --no-plots --out negative
grep -q 'negative or has no value at x = -' negative/summary.json || fail "no word of a negative density"

# With pictures.
if command -v gnuplot >/dev/null; then
  ends 0 fit tutorial --density "$crescents" --iterations 300 --out pictured
  for picture in densities distributions/density layers loss; do
    [ -s "pictured/$picture.png" ] || fail "no $picture.png"
  done
  rm pictured/densities.png
  ends 0 plot pictured
  [ -s pictured/densities.png ] || fail "plot draws no densities.png"
fi

# What is wrong is said with its place, before anything is made.
refuses 64 '--density: column 4: this '"'('"' is never closed' fit --density 'exp(-x^2'
refuses 64 '--log-density: column 1: no function "sqrtt"; did you mean "sqrt"?' fit --log-density 'sqrtt(x)'
refuses 64 '--density: column 1: it is empty' fit --density ''
refuses 64 '--coordinates: x is there twice' fit --density 'exp(-x^2)' --coordinates x,x
refuses 64 'column 11: y does not count' fit --density 'exp(-x^2) ' --coordinates x,y
refuses 64 'do not go together' fit --density 'exp(-x^2)' --log-density '-x^2'
refuses 64 'a run has one target' fit U1 --density 'exp(-x^2)'
refuses 64 'a run has one target' fit --density 'exp(-x^2)' --plugin p.so
refuses 64 'target.coordinates is x,y' fit U1 --set target.coordinates=x,y
refuses 64 'has 1 coordinate' fit --density 'exp(-x^2)' --set target.dim=3
refuses 64 'target.log_density: column 2' fit U1 --set 'target.log_density=-@'
refuses 64 'has targets and flows of its own' fit figure3 --density 'exp(-x^2)'

ends 0 list functions
says 'atan2(y, x)' "list functions"
documented=$here/../../docs/formulas.md
while read -r word _; do
  grep -qF "\`${word%%(*}" "$documented" || fail "docs/formulas.md does not name $word"
done < <(grep '^  [^ ]' "$log/out")  # other lines go on with a meaning

finish
