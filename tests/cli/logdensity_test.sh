#!/usr/bin/env bash
# ln q at given points.
. "$(dirname "$0")/lib.sh"

usage=64 data=65 no_input=66

# close A B TOLERANCE: two columns of numbers agree.
close() {
  paste -d, "$1" "$2" | awk -F, -v tolerance="$3" '
    { d = $1 - $2; if (d < 0) d = -d; m = $2 < 0 ? -$2 : $2; n++
      if (!(d <= tolerance * (1 + m))) bad++ }
    END { exit !(n > 0 && bad + 0 == 0) }' || fail "$1 and $2 differ by more than $3"
}

# A run's own draws have the density that is written beside them.
for precision in double float; do
  ends 0 fit U1 "${brief[@]}" --precision $precision --out $precision
  ends 0 logdensity $precision $precision/draws.csv
  [ ! -s "$log/err" ] || fail "riffle logdensity says: $(cat "$log/err")"
  [ "$(head -1 "$log/out")" = lp_approx__ ] || fail "header: $(head -1 "$log/out")"
  [ "$(wc -l <"$log/out")" -eq 51 ] || fail "not one line for each draw"
  tail -n +2 "$log/out" >"$log/inverse"
  tail -n +2 $precision/draws.csv | cut -d, -f2 >"$log/forward"
  if [ $precision = double ]; then tolerance=1e-9; else tolerance=2e-3; fi
  close "$log/inverse" "$log/forward" $tolerance
done
cp "$log/out" "$log/float"

# To a file; draws of `riffle sample`; points without names; from a pipe.
ends 0 logdensity float float/draws.csv -o q.csv
[ ! -s "$log/out" ] || fail "-o writes to standard output too"
same_file q.csv "$log/float"
ends 0 sample double -n 300 -o sampled.csv
ends 0 logdensity double sampled.csv -o q.csv
tail -n +2 q.csv >"$log/inverse"
tail -n +2 sampled.csv | cut -d, -f1 >"$log/forward"
close "$log/inverse" "$log/forward" 1e-9
tail -n +2 sampled.csv | cut -d, -f2- >plain.csv
ends 0 logdensity double plain.csv -o plain-q.csv
same_file q.csv plain-q.csv
"$riffle" logdensity double /dev/stdin <plain.csv | cmp -s - q.csv || fail "no points from a pipe"
printf 'x,y\n' >none.csv
ends 0 logdensity double none.csv
[ "$(cat "$log/out")" = lp_approx__ ] || fail "no points are not a header alone"
no_temporaries .

# The array of two zeros, as numpy.save writes it.
{
  printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }"
  head -c 16 /dev/zero
} >zero.npy
printf '0,0\n' >zero.csv
ends 0 logdensity double zero.npy -o from-npy.csv
ends 0 logdensity double zero.csv -o from-csv.csv
same_file from-npy.csv from-csv.csv
head -c 140 zero.npy >cut.npy
refuses $data 'cut.npy: the shape (1, 2) does not fit the 12 bytes' logdensity double cut.npy

# What cannot be answered.
printf '1,2,3\n' >three.csv
refuses $data 'dimension 3, but the flow in double has 2' logdensity double three.csv
printf 'x,y\n1,2\n3,nan\n' >nan.csv
refuses $data 'nan.csv: row 2, column y: nan' logdensity double nan.csv -o q2.csv
printf 'x,y\n1,two\n' >word.csv
refuses $data 'word.csv:2: "two"' logdensity double word.csv
refuses $no_input 'missing.csv' logdensity double missing.csv
refuses $no_input 'model.riffle' logdensity missing plain.csv
refuses 73 'no/such' logdensity double plain.csv -o no/such/q.csv
refuses $usage POINTS logdensity double
refuses $usage DIR logdensity
printf '1e300,1\n' >far.csv
ends 0 logdensity float far.csv
grep -q '^warning: ln q of 1 points is not finite$' "$log/err" || fail "no warning of what is not finite"

# A flow that folds has no density to invert.
for seed in $(seq 1 40); do
  ends 0 fit tutorial --no-plots --quiet --force --out fold --seed "$seed" \
    --set schedule.name=constant --set run.evaluation_draws=1000 --set run.snapshot_every=10000
  if grep -q '"injective": false' fold/summary.json; then break; fi
done
refuses $usage 'not injective' logdensity fold plain.csv

if [ -c /dev/full ]; then
  "$riffle" logdensity double plain.csv >/dev/full 2>"$log/err"
  [ $? -eq 74 ] || fail "a full disk behind standard output is not noticed"
  one_clear_line 'standard output' 'logdensity >/dev/full'
fi

finish
