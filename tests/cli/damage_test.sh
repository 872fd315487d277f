#!/usr/bin/env bash
# Damaged files of a run are refused.
. "$(dirname "$0")/lib.sh"

ends 0 fit U1 "${brief[@]}" --flow planar:2 --out run
cp -r run good
restore() {
  rm -rf run
  cp -r good run
}
size=$(wc -c <good/model.riffle)

# put BYTE OFFSET FILE
put() {
  printf '%b' "$1" | dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

step=$((size / $(repetitions 40) + 1))
for ((at = 0; at < size; at += step)); do
  head -c "$at" good/model.riffle >run/model.riffle
  refuses 65 'model.riffle' sample run -n 3
  cp good/model.riffle run/model.riffle
  put '\377' "$at" run/model.riffle
  refuses 65 'model.riffle' sample run -n 3
done
sed 's/"dim": 2/"dim": 3/' good/model.riffle >run/model.riffle
refuses 65 'model.riffle' sample run -n 3
tr '\n' ' ' <good/model.riffle >run/model.riffle
refuses 65 'model.riffle' sample run -n 3
echo '{"format": "riffle-model-1"}' >run/model.riffle
refuses 65 'model.riffle' sample run -n 3
head -c 1000 /dev/urandom >run/model.riffle
refuses 65 'model.riffle' sample run -n 3
head -c 1000000 /dev/zero | tr '\0' '[' >run/model.riffle
refuses 65 'model.riffle' sample run -n 3
refuses 65 'model.riffle' plot run
rm run/model.riffle
refuses 66 'model.riffle' plot run
mkdir run/model.riffle
refuses 74 'model.riffle' sample run -n 3
restore

for bad in 'iteration,loss\n1,x\n' 'iteration,loss\n1\n' 'iteration\n1\n' 'iteration,loss\n-1,2\n' \
  'iteration,loss\nnan,2\n' 'iteration,loss\n1e300,2\n'; do
  printf '%b' "$bad" >run/loss.csv
  refuses 65 'loss.csv' plot run
done
restore
for bad in 'a,b\n1,2\n' 'a,b,c\n-1,2,3\n' 'a,b,c\n1,2,3\n1,2\n'; do
  printf '%b' "$bad" >run/samples.csv
  refuses 65 'samples.csv' plot run
done
restore
sed 's/name = .U1./name = "U9"/' good/spec.toml >run/spec.toml
refuses 64 'U9' plot run
echo '[' >run/spec.toml
refuses 65 'spec.toml' plot run
refuses 65 'spec.toml' fit run --resume
rm -rf run

# A checkpoint, of a run that was interrupted.
long=(fit U1 --iterations 100000000 --batch 32 --no-plots --set run.evaluation_draws=1000)
"$riffle" "${long[@]}" --out run --set run.checkpoint_seconds=0 >/dev/null 2>&1 &
for _ in $(seq 600); do
  [ ! -e run/checkpoint.riffle ] || break
  sleep 0.05
done
kill -9 $!
wait $! 2>/dev/null
[ -e run/checkpoint.riffle ] || fail "no checkpoint in 30 s"
rm -rf good
cp -r run good
for size in 0 1 100 1000; do
  head -c $size good/checkpoint.riffle >run/checkpoint.riffle
  refuses 65 'checkpoint.riffle' fit run --resume
done
head -c -1 good/checkpoint.riffle >run/checkpoint.riffle
refuses 65 'checkpoint.riffle' fit run --resume
sed 's/"iteration": /"iteration": 1/' good/checkpoint.riffle >run/checkpoint.riffle
refuses 65 'checkpoint.riffle' fit run --resume
restore
sed -i 's/seed = 1$/seed = 2/' run/spec.toml
refuses 65 'another spec' fit run --resume

finish
