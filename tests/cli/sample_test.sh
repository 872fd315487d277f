#!/usr/bin/env bash
# Draws of a trained flow.
. "$(dirname "$0")/lib.sh"

ends 0 fit U1 "${brief[@]}" --out run

ends 0 sample run -n 1000
cp "$log/out" "$log/thousand"
[ ! -s "$log/err" ] || fail "riffle sample says: $(cat "$log/err")"
[ "$(wc -l <"$log/thousand")" -eq 1001 ] || fail "not 1000 draws"
[ "$(head -1 "$log/thousand")" = "lp_approx__,z.1,z.2" ] || fail "header: $(head -1 "$log/thousand")"
grep -qvE '^(lp_approx__,z\.1,z\.2|-?[0-9.e+-]+,-?[0-9.e+-]+,-?[0-9.e+-]+)$' "$log/thousand" &&
  fail "a line that is not three numbers"

# The same seed gives the same draws, more of them begin with the same, another gives others.
ends 0 sample run -n 1000 --seed 1
same_file "$log/out" "$log/thousand"
ends 0 sample run -n 20000
head -1001 "$log/out" | cmp -s - "$log/thousand" || fail "more draws do not begin with the same"
[ "$(sort -u "$log/out" | wc -l)" -eq 20001 ] || fail "draws repeat"
ends 0 sample run -n 1000 --seed 2
cmp -s "$log/out" "$log/thousand" && fail "another seed, the same draws"
ends 0 sample run -n 0
[ "$(cat "$log/out")" = "lp_approx__,z.1,z.2" ] || fail "no draws are not a header alone"
ends 0 sample run -n 5 --seed 18446744073709551615

# The run's own draws.csv is of seed 1 and agrees.
cut -d, -f2- run/draws.csv | tail -n +2 >"$log/own"
sed -n 2,51p "$log/thousand" | cmp -s - "$log/own" || fail "draws.csv holds other draws"

# To a file.
ends 0 sample run -n 1000 -o draws.csv
[ ! -s "$log/out" ] || fail "-o writes to standard output too"
same_file draws.csv "$log/thousand"
ends 0 sample run -n 5 -o draws.csv
[ "$(wc -l <draws.csv)" -eq 6 ] || fail "-o does not replace a file"
no_temporaries .
refuses 73 'no/such' sample run -n 5 -o no/such/draws.csv
refuses 73 'run' sample run -n 5 -o run
refuses 64 '4294967296' sample run -n 4294967297
mkfifo pipe
cat pipe >"$log/through" &
ends 0 sample run -n 1000 -o pipe
wait
same_file "$log/through" "$log/thousand"
[ -p pipe ] || fail "-o put a file in the place of a pipe"

# Of a posterior, parameters on their own scale, as in draws.csv; or the flow's coordinates.
ends 0 fit eight-schools "${brief[@]}" --flow planar:2 --out schools
ends 0 sample schools -n 50
same_file "$log/out" schools/draws.csv
ends 0 sample schools -n 20000
head -51 "$log/out" | cmp -s - schools/draws.csv || fail "more draws do not begin with the same"
[ "$(sort -u "$log/out" | wc -l)" -eq 20001 ] || fail "draws of a posterior repeat"
ends 0 sample schools -n 0
[ "$(cat "$log/out")" = "$(head -1 schools/draws.csv)" ] || fail "no draws are not a header alone"
ends 0 sample schools -n 3 --unconstrained
[ "$(head -1 "$log/out")" = "lp_approx__,$(seq -s, -f 'z.%g' 10)" ] ||
  fail "header of coordinates: $(head -1 "$log/out")"
cut -d, -f1 "$log/out" | tail -3 >"$log/own"
sed -n 2,4p schools/draws.csv | cut -d, -f2 | cmp -s - "$log/own" || fail "other draws, by ln q"
ends 0 fit eight-schools "${brief[@]}" --flow planar:2 --output-format cmdstan --out layout
ends 0 sample layout -n 50
[ "$(grep -v '^#' "$log/out")" = "$(grep -v '^#' layout/draws.csv)" ] || fail "not laid out as cmdstan"
grep -q '^# *num_draws = 50\|^# .*50' "$log/out" || fail "no comments as CmdStan has them"
mkdir bare
cp schools/model.riffle bare
ends 0 sample bare -n 3
[ "$(head -1 "$log/out")" = "lp_approx__,$(seq -s, -f 'z.%g' 10)" ] || fail "a model alone"

# A reader that leaves early is no error to speak of.
"$riffle" sample run -n 1000000 2>"$log/err" | head -3 >"$log/three"
[ "$(wc -l <"$log/three")" -eq 3 ] || fail "not three lines"
[ ! -s "$log/err" ] || fail "complains of a closed pipe: $(cat "$log/err")"

if [ -c /dev/full ]; then
  "$riffle" sample run -n 5 >/dev/full 2>"$log/err"
  [ $? -eq 74 ] || fail "a full disk behind standard output is not noticed"
  one_clear_line 'standard output' 'sample >/dev/full'
  ends 74 sample run -n 5 -o /dev/full
  one_clear_line '/dev/full' 'sample -o /dev/full'
  [ -c /dev/full ] || fail "-o put a file in the place of a device"
fi

finish
