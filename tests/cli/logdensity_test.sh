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
  [ "$(head -1 "$log/out")" = lp_approx__,percentile ] || fail "header: $(head -1 "$log/out")"
  [ "$(wc -l <"$log/out")" -eq 51 ] || fail "not one line for each draw"
  tail -n +2 "$log/out" | cut -d, -f1 >"$log/inverse"
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
tail -n +2 q.csv | cut -d, -f1 >"$log/inverse"
tail -n +2 sampled.csv | cut -d, -f1 >"$log/forward"
close "$log/inverse" "$log/forward" 1e-9
tail -n +2 sampled.csv | cut -d, -f2- >plain.csv
ends 0 logdensity double plain.csv -o plain-q.csv
same_file q.csv plain-q.csv
"$riffle" logdensity double /dev/stdin <plain.csv | cmp -s - q.csv || fail "no points from a pipe"
printf 'x,y\n' >none.csv
ends 0 logdensity double none.csv
[ "$(cat "$log/out")" = lp_approx__,percentile ] || fail "no points are not a header alone"
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

# The percentile is the share of the flow's draws that are less likely: of its own draws it is
# spread evenly, at the mode it is 1, far out 0.
ends 0 sample double -n 4000 --seed 7 -o many.csv
ends 0 logdensity double many.csv -o q.csv
tail -n +2 q.csv | awk -F, '
  { n++; sum += $2; low += $2 < 0.1; if ($2 < 0 || $2 > 1) bad++ }
  END { m = sum / n; exit !(bad + 0 == 0 && m > 0.47 && m < 0.53 && low / n > 0.08 && low / n < 0.12) }' ||
  fail "percentiles of the flow's own draws are not spread evenly"
sort -t, -k1,1g q.csv | cut -d, -f2 | tail -n +2 >sorted
sort -g sorted | cmp -s - sorted || fail "percentiles do not grow with ln q"
printf '60,60\n' >out.csv
ends 0 logdensity double out.csv
[ "$(tail -1 "$log/out" | cut -d, -f2)" = 0 ] || fail "a point far out has the percentile $(tail -1 "$log/out")"

# ln p, by the run's target, as draws.csv has it.
ends 0 logdensity double double/draws.csv --log-p -o q.csv
[ "$(head -1 q.csv)" = lp__,lp_approx__,percentile ] || fail "header with --log-p: $(head -1 q.csv)"
tail -n +2 q.csv | cut -d, -f1 >"$log/now"
tail -n +2 double/draws.csv | cut -d, -f1 >"$log/then"
close "$log/now" "$log/then" 1e-12
refuses $usage 'has no ln p' logdensity double/model.riffle plain.csv --log-p

# Of a posterior: parameters on their own scale, by their names; transformed ones are passed over.
for format in plain cmdstan; do
  ends 0 fit eight-schools-noncentered "${brief[@]}" --flow affine --precision double \
    --output-format $format --out schools-$format
  ends 0 logdensity schools-$format schools-$format/draws.csv --log-p -o q.csv
  [ ! -s "$log/err" ] || fail "riffle logdensity says: $(cat "$log/err")"
  for column in lp__ lp_approx__; do
    of() { grep -v '^#' "$1" | awk -F, -v name=$column '
      NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i; next } { print $c }'; }
    of q.csv >"$log/now"
    of schools-$format/draws.csv >"$log/then"
    close "$log/now" "$log/then" 1e-9
  done
done
# The columns in another order, as R names them, and others beside them.
awk -F, 'BEGIN { OFS = FS } {
  line = NR == 1 ? "kind" : "word"
  for (i = 12; i >= 3; i--) { cell = $i; if (NR == 1 && sub(/\./, "[", cell)) cell = "\"" cell "]\""; line = line OFS cell }
  print line }' schools-plain/draws.csv >reversed.csv
grep -q '"theta_raw\[8\]",' reversed.csv || fail "reversed.csv: $(head -1 reversed.csv)"
ends 0 logdensity schools-plain schools-plain/draws.csv -o q.csv
ends 0 logdensity schools-plain reversed.csv -o q2.csv
same_file q.csv q2.csv
# The flow's own coordinates, which must not be taken for parameters.
ends 0 sample schools-plain -n 50 --unconstrained -o z.csv
refuses $data 'give --unconstrained' logdensity schools-plain z.csv
ends 0 logdensity schools-plain z.csv --unconstrained -o q2.csv
cut -d, -f1 q.csv | tail -n +2 >"$log/now"
cut -d, -f1 q2.csv | tail -n +2 >"$log/then"
close "$log/now" "$log/then" 1e-9
cut -d, -f2- z.csv | tail -n +2 >nameless.csv
refuses $data 'has no names, and' logdensity schools-plain nameless.csv
cut -d, -f3-11 schools-plain/draws.csv >short.csv
refuses $data 'no column is named "theta_raw.8"' logdensity schools-plain short.csv
# Outside the support.
{
  head -1 schools-plain/draws.csv
  printf '0,0,1,-2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n0,0,1,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n'
} >negative.csv
ends 0 logdensity schools-plain negative.csv --log-p
grep -q '^warning: 1 of 2 points are outside the support of the parameters.*row 1$' "$log/err" ||
  fail "no word of a negative tau: $(cat "$log/err")"
[ "$(sed -n 2p "$log/out")" = nan,nan,nan ] || fail "a negative tau: $(sed -n 2p "$log/out")"
if sed -n 3p "$log/out" | grep -q nan; then fail "a good point is nan: $(sed -n 3p "$log/out")"; fi

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
