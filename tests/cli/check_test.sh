#!/usr/bin/env bash
# The audit of a trained flow.
. "$(dirname "$0")/lib.sh"

usage=64 data=65 no_input=66
checks="check vectors|injectivity|round trip|log-det|ln q both ways|normalisation|extremes"

# fails NAME: that line of the table, and no other.
fails() {
  grep -qE "^$1 .* FAILED$" "$log/out" || fail "$1 does not fail: $(cat "$log/out")"
  [ "$(grep -c 'FAILED' "$log/out")" -eq 1 ] || fail "more than $1 fails: $(cat "$log/out")"
}

# seal FILE: the digest that belongs to the rest of a model file (FNV-1a of 64 bits).
seal() {
  local hash=$((0xCBF29CE484222325)) byte length
  length=$(($(wc -c <"$1") - $(tail -n 2 "$1" | wc -c) - 2))
  head -c $length "$1" >"$log/body"
  for byte in $(od -An -v -tu1 "$log/body"); do
    hash=$(((hash ^ byte) * 0x100000001B3))
  done
  {
    cat "$log/body"
    printf ',\n "digest": "%016x"\n}\n' $hash
  } >"$log/sealed"
  cp "$log/sealed" "$1"
}

for precision in double float; do
  ends 0 fit U1 "${brief[@]}" --precision $precision --out $precision
  ends 0 check $precision
  [ ! -s "$log/err" ] || fail "riffle check says: $(cat "$log/err")"
  [ "$(grep -cE "^($checks) .* ok$" "$log/out")" -eq 7 ] || fail "not 7 checks: $(cat "$log/out")"
  says '7 checks, 0 failed' "riffle check $precision"
  says "planar:32 on standard-normal, D = 2, $precision: 4096 draws of seed 1" "riffle check"
  if grep -nE '[[:space:]]$' "$log/out"; then fail "blanks at the ends of lines"; fi
  [ "$(LC_ALL=C.UTF-8 wc -L <"$log/out")" -le 80 ] || fail "lines of more than 80 characters"
done

# The same seed says the same, another does not.
cp "$log/out" "$log/first"
ends 0 check float
same_file "$log/out" "$log/first"
ends 0 check float --seed 2
! cmp -s "$log/out" "$log/first" || fail "another seed says the same"
ends 0 check double --draws 100 --seed 18446744073709551615
says ', 100 draws' 'riffle check --draws 100'
ends 0 check double --draws 1
ends 0 fit gaussian "${brief[@]}" --set target.dim=5 --flow planar:4 --out five
ends 0 check five
says 'effective draws of a Student-t' 'riffle check in five dimensions'
[ "$(LC_ALL=C.UTF-8 wc -L <"$log/out")" -le 80 ] || fail "lines of more than 80 characters"

# A parameter that was edited, and the file sealed again: the flow is another than that saved.
cp -r double edited
seal edited/model.riffle
same_file edited/model.riffle double/model.riffle
first=$(grep -n '"values": \[' edited/model.riffle | head -1 | cut -d: -f1)
sed -i "$((first + 1))s/[-0-9.e]*\(,*\)$/0.75\1/" edited/model.riffle
refuses $data 'changed after it was written' check edited
seal edited/model.riffle
refuses $data 'check vectors' sample edited -n 3
ends $data check edited
fails 'check vectors'
[ ! -s "$log/err" ] || fail "riffle check says: $(cat "$log/err")"
says '7 checks, 1 failed' 'riffle check edited'

# A flow that folds.
for seed in $(seq 1 40); do
  ends 0 fit tutorial --no-plots --quiet --force --out fold --seed "$seed" \
    --set schedule.name=constant --set run.evaluation_draws=1000 --set run.snapshot_every=10000
  if grep -q '"injective": false' fold/summary.json; then break; fi
done
ends $data check fold
fails 'injectivity'
says 'folds' 'riffle check fold'
says '7 checks, 1 failed, 3 cannot tell' 'riffle check fold'

# Misuse.
refuses $usage DIR check
refuses $usage '--seed' check double --seed -1
refuses $usage '--draws' check double --draws many
refuses $usage '1 to 1000000' check double --draws 0
refuses $usage '1 to 1000000' check double --draws 1000001
refuses $no_input 'model.riffle' check missing
head -c 1000 double/model.riffle >edited/model.riffle
refuses $data 'model.riffle' check edited

if [ -c /dev/full ]; then
  "$riffle" check double >/dev/full 2>"$log/err"
  [ $? -eq 74 ] || fail "a full disk behind standard output is not noticed"
  one_clear_line 'standard output' 'check >/dev/full'
fi

# A target's gradient.
ends 0 check --target banana
says '8 points, 16 derivatives compared, 0 wrong' 'check --target banana'
ends 0 check --target funnel --set target.dim=5 --points 3 --seed 4
says '3 points, 15 derivatives compared, 0 wrong' 'check --target funnel'
ends 0 check --log-density '-x^4 - y^2'
ends $data check --log-density 'sqrt(x - 5)'
says 'nothing could be compared: FAILED' 'check of a density that is nowhere'
refuses $usage 'did you mean "banana"' check --target bananas
refuses $usage 'nothing to check' check
refuses $usage 'DIR and --target are two things' check double --target banana
refuses $usage '--target and --density are two things' check --target banana --density x
refuses $usage '--draws is of a flow' check --target banana --draws 5
refuses $usage 'leave them out' check double --points 5
refuses $usage '0 points' check --target banana --points 0
refuses $usage 'write target.KEY=VALUE' check --target banana --set run.seed=3
if [ -n "${FAKES:-}" ] && cp "$FAKES/fake_plugin.so" .; then
  ends 0 check --plugin fake_plugin.so --data 'gradient times 1'
  ends $data check --plugin fake_plugin.so --data 'gradient times 0.9'
  says '8 points, 8 derivatives compared, 8 wrong' 'check of a wrong gradient'
  grep -qE '^z\.1 .* FAILED$' "$log/out" || fail "does not say which coordinate is wrong"
  [ "$(LC_ALL=C.UTF-8 wc -L <"$log/out")" -le 80 ] || fail "lines of more than 80 characters"
fi

finish
