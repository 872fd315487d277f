#!/usr/bin/env bash
# Many fits: the same table however they are split, killed and resumed; what fails is a row that says why.
. "$(dirname "$0")/lib.sh"

# Data sets for logistic regression, of which one is no table.
mkdir tables
for i in 1 2 3 4 5; do
  awk -v i=$i 'BEGIN { srand(i); for (n = 0; n < 40; ++n) { x = rand() - 0.5; print x "," (rand() < 1 / (1 + exp(-4 * x)) ? 1 : 0) } }' >tables/t$i.csv
done
echo 'no table' >tables/t6.csv
few=(--iterations 3000 --batch 16 --flow affine-full --set run.evaluation_draws=1000 --set run.draws=20)
fits=(logistic --data tables --seeds 1:4 "${few[@]}")

ends 0 batch "${fits[@]}" --out whole
same_rows=$(wc -l <whole/results.csv)
[ "$same_rows" -eq 25 ] || fail "$same_rows lines in results.csv, not 25"
grep -q '^20,t6.csv,failed,.*t6.csv' whole/results.csv || fail "a bad table is no row that says why: $(tail -4 whole/results.csv)"
head -1 whole/results.csv | grep -q '^number,data,status,message,run.seed,' || fail "columns: $(head -1 whole/results.csv)"

# A row is the fit that riffle fit makes.
ends 0 fit logistic --set target.data=tables/t2.csv --seed 3 "${few[@]}" --no-plots --out alone
elbo=$(sed -n 's/^ *"elbo": \([^,]*\),/\1/p' alone/summary.json)
grep -q "^6,t2.csv,done,,3,.*$elbo" whole/results.csv || fail "row 6 has not the ELBO $elbo of its fit: $(sed -n 8p whole/results.csv)"

# Shards, at once, on any number of threads.
for shards in 3 7; do
  for threads in 1 2; do
    out=of-$shards-$threads
    pids=()
    for k in $(seq $shards); do
      "$riffle" batch "${fits[@]}" --out $out --shard "$k/$shards" --threads $threads --quiet >"$log/$k" 2>&1 &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || fail "a shard of $shards: $(cat "$log"/[0-9]*)"; done
    same_file whole/results.csv $out/results.csv
  done
done

# Killed at any moment, and begun again.
for i in $(seq "$(repetitions 20)"); do
  "$riffle" batch "${fits[@]}" --out killed --threads 2 --quiet >/dev/null 2>&1 &
  pid=$!
  sleep "0.0$((RANDOM % 10))"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
done
ends 0 batch "${fits[@]}" --out killed
same_file whole/results.csv killed/results.csv
[ "$(cat killed/rows-*.jsonl | wc -l)" -eq 24 ] || fail "rows were lost, or made twice"
# Half a row, as a power failure may leave it.
head -c -20 killed/rows-1-of-1.jsonl >half && cp half killed/rows-1-of-1.jsonl
rm killed/results.csv
ends 0 batch "${fits[@]}" --out killed
says '1 fit done' "half a row"
same_file whole/results.csv killed/results.csv
ends 0 batch "${fits[@]}" --out killed # again: nothing is left to do
says '0 fits done' "a batch that is done"

# Ctrl-C
"$riffle" batch crescents --seeds 1:100000 "${few[@]}" --out stopped >"$log/out" 2>"$log/err" &
pid=$!
sleep 1
refuses 73 'at work on shard 1/1' batch crescents --seeds 1:100000 "${few[@]}" --out stopped
kill -INT $pid
wait $pid
[ $? -eq 130 ] || fail "SIGINT: $(cat "$log/err")"
grep -q 'the same command goes on' "$log/err" || fail "SIGINT: $(cat "$log/err")"
rows=$(wc -l <stopped/rows-1-of-1.jsonl)
"$riffle" merge stopped >"$log/out" 2>"$log/err" || fail "merge of a part: $(cat "$log/err")"
[ "$(wc -l <"$log/out")" -eq $((rows + 1)) ] || fail "merge of a part has not $rows rows"
grep -q 'of 100000 fits have no row yet' "$log/err" || fail "merge of a part: $(cat "$log/err")"

# A full disk: what is there are whole rows, and room lets it go on.
(
  ulimit -f 8 # blocks of 1 kB
  trap '' XFSZ
  "$riffle" batch crescents --seeds 1:40 "${few[@]}" --out full --quiet >"$log/out" 2>"$log/err"
  [ $? -eq 74 ]
) || fail "a full disk: $(cat "$log/err")"
tail -c 1 full/rows-1-of-1.jsonl | od -c | grep -q '\\n' || fail "a full disk leaves half a row"
ends 0 batch crescents --seeds 1:40 "${few[@]}" --out full
ends 0 batch crescents --seeds 1:40 "${few[@]}" --out roomy
same_file full/results.csv roomy/results.csv

# A grid, JSON lines, and what cannot be.
ends 0 batch crescents --grid flow.layers=planar:2,planar:3 --grid run.precision=float,double --iterations 20 --out grid
[ "$(wc -l <grid/results.csv)" -eq 5 ] || fail "a grid of 4"
grep -q 'planar:3,float' grid/results.csv || fail "a grid: $(cat grid/results.csv)"
refuses 73 'holds another batch' batch crescents --seeds 1:3 --out grid
mkdir occupied && touch occupied/file
refuses 73 'holds no batch' batch crescents --seeds 1:3 --out occupied
refuses 64 '3:1' batch crescents --seeds 3:1
refuses 64 '"x"' batch crescents --seeds 1,x
refuses 64 'K/N' batch crescents --shard 4/3
refuses 64 'layerz' batch crescents --grid flow.layerz=planar:2
refuses 64 'WHAT is missing' batch --seeds 1:2
refuses 66 'holds no batch' merge tables
mkdir empty
refuses 66 'has no files' batch logistic --data empty
echo '{"format": "riffle-batch-1"' >whole/batch.json
refuses 65 'batch.json is damaged' merge whole

finish
