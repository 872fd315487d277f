#!/usr/bin/env bash
# What a run shares with others: folders with other processes, files with other commands, and the
# streams and the working folder with whoever started it.
. "$(dirname "$0")/lib.sh"
cp "$FAKES/fake_plugin.so" . || skip "the fake plug-in was not built"

ends 0 fit U1 "${brief[@]}" --out run

# Two at once in one folder: the second is refused, whatever path leads there, and the first ends as
# if alone. A fit that only another signal ends holds the folder.
slow=(fit --plugin fake_plugin.so --data '20 ms a call' --no-plots --quiet)
mkdir held
ln -s held linked
"$riffle" "${slow[@]}" --out held --force >/dev/null 2>&1 &
holder=$!
for _ in $(seq 500); do [ -e held/spec.toml ] && break; sleep 0.01; done
[ -e held/spec.toml ] || fail "the first fit did not start"
at_work='another riffle is at work in'
for name in held linked held/../held "$PWD/held"; do
  refuses 73 "$at_work $name" fit U2 "${brief[@]}" --out "$name" --force
  refuses 73 "$at_work $name" fit U2 "${brief[@]}" --out "$name"
done
refuses 73 "$at_work held" fit figure3 --out held --force
refuses 73 "$at_work linked" fit linked --resume
refuses 73 "$at_work linked" plot linked
refuses 73 "$at_work held" diagnose held
kill -9 $holder
wait $holder 2>/dev/null
ends 0 fit U1 "${brief[@]}" --out linked --force  # the lock ended with its process
same_run run held
# Nothing is left of it.
[ "$(cd run && find . | sort)" = "$(cd held && find . | sort)" ] || fail "files: $(ls -A held)"

# Two that start at the same moment.
"$riffle" fit U1 --iterations 20000 --no-plots --quiet --seed 2 --out two --force \
  >/dev/null 2>&1 &
first=$!
"$riffle" fit U1 --iterations 20000 --no-plots --quiet --seed 3 --out two --force \
  >/dev/null 2>&1
second_code=$?
wait $first
case "$?,$second_code" in 0,73 | 73,0) ;; *) fail "two at once end with $?, $second_code" ;; esac
seed=$(sed -n 's/^seed = //p' two/spec.toml)
grep -q "\"seed\": $seed," two/summary.json || fail "spec.toml and summary.json are of two runs"

# No command writes over a file of a run, whatever name leads there.
cp -r run kept
ln -s run/model.riffle to-model
ln run/loss.csv to-loss
ln -s run other-name
for name in run/draws.csv run/model.riffle run/spec.toml ./run/../run/summary.json run/loss.csv \
  run/inputs.json run/posterior.png run/samples/flow_result_10.png to-model to-loss \
  other-name/draws.csv "$PWD/run/samples.csv"; do
  refuses 64 "$name belongs to a run" sample run -n 5 -o "$name"
  refuses 64 "$name belongs to a run" logdensity run run/samples.csv -o "$name"
  [ "$name" = to-loss ] || refuses 64 "$name belongs to a run" sample two -n 5 -o "$name"
done
(cd run && refuses 64 'draws.csv belongs to a run' sample . -n 5 -o draws.csv)
(cd run && refuses 64 'draws.csv belongs to a run' sample model.riffle -n 5 -o draws.csv)
same_run run kept
cp run/model.riffle alone.riffle
refuses 64 'alone.riffle is the model' sample alone.riffle -n 5 -o alone.riffle
printf 'z.1,z.2\n0,0\n' >points.csv
refuses 64 'points.csv is read from' logdensity run points.csv -o points.csv
ends 0 fit --samples run/draws.csv --iterations 20 --no-plots --out learned
refuses 64 'run/draws.csv belongs to a run' sample learned -n 5 -o run/draws.csv
cp run/draws.csv here.csv
ends 0 fit --samples here.csv --iterations 20 --no-plots --out learned --force
refuses 64 'here.csv is what the run in learned was made from' sample learned -n 5 -o here.csv
# What is nobody's may be written, beside a run and in its folder, and what is gone made again.
ends 0 sample run -n 5 -o run/more.csv
ends 0 sample run -n 6 -o run/more.csv
[ "$(wc -l <run/more.csv)" -eq 7 ] || fail "not 6 draws"
rm run/draws.csv
ends 0 sample run -n 50 -o run/draws.csv
echo '[run]' >spec.toml
ends 0 sample run -n 5 -o draws.csv
ends 0 sample run -n 6 -o draws.csv
rm spec.toml

# Standard streams that are closed or take no more: the results are there all the same, with the
# bits that they have otherwise.
fit=(fit U1 "${brief[@]}" --set run.log_every=1)
# with CODE NAME: runs $command by the shell, with its redirections.
with() {
  local code=$1 name=$2 got
  rm -rf streams
  bash -c "$3" riffle "$riffle" "${fit[@]}" --out streams
  got=$?
  [ $got -eq "$code" ] || fail "$name: exit code $got, not $code"
  same_run streams kept
  [ -s streams/summary.json ] || fail "$name: no summary"
  no_temporaries streams
}
with 0 'nothing' '"$@" >/dev/null'
with 0 'stderr closed' '"$@" >/dev/null 2>&-'
with 0 'stdin closed' '"$@" >/dev/null <&-'
with 74 'stdout closed' '"$@" >&- 2>/dev/null'
with 74 'all closed' '"$@" <&- >&- 2>&-'
with 0 'all closed, and quiet' '"$@" --quiet <&- >&- 2>&-'
with 74 'a reader that goes away' '"$@" 2>/dev/null | head -1 >/dev/null; exit ${PIPESTATUS[0]}'
if [ -c /dev/full ]; then
  with 74 'stdout full' '"$@" >/dev/full 2>/dev/null'
  with 74 'both full' '"$@" >/dev/full 2>/dev/full'
  with 0 'stderr full' '"$@" >/dev/null 2>/dev/full'
  "$riffle" fit U1 --set nonsense >/dev/null 2>/dev/full
  [ $? -eq 64 ] || fail "an error that cannot be told has another exit code"
  "$riffle" sample run -n 100000 >/dev/full 2>"$log/err"
  [ $? -eq 74 ] || fail "sample to a full device"
  one_clear_line 'standard output' "sample to a full device"
  # With warnings to tell, and a verdict.
  "$riffle" fit --plugin fake_plugin.so --data nothing --iterations 50 --flow planar:2 --no-plots \
    --set run.evaluation_draws=1000 --strict --out warned >"$log/out" 2>/dev/full
  code=$?
  "$riffle" fit --plugin fake_plugin.so --data nothing --iterations 50 --flow planar:2 --no-plots \
    --set run.evaluation_draws=1000 --strict --out warned --force >"$log/out" 2>"$log/err"
  [ $code -eq $? ] || fail "a full standard error changes the exit code to $code"
  [ -s "$log/err" ] || fail "there was nothing to tell: the test does not test"
fi
"$riffle" fit U1 --set nonsense >/dev/null 2>&-
[ $? -eq 64 ] || fail "an error that cannot be told has another exit code"
"$riffle" sample run -n 10 >&- 2>/dev/null
[ $? -eq 74 ] || fail "draws to a closed standard output are taken for written"

# A target that leaves the working folder.
moved=(--plugin fake_plugin.so --data 'leave the folder' --no-plots --set run.draws=50
  --set run.evaluation_draws=2000)
ends 0 fit "${moved[@]}" --out moved
ends 0 fit "${moved[@]}" --method flow --iterations 100 --out moved-flow
ends 0 fit "${moved[@]}" --method flow --iterations 100 --set run.out=moved-set
for name in moved moved-flow moved-set; do
  for file in spec.toml inputs.json model.riffle draws.csv summary.json; do
    [ -s "$name/$file" ] || fail "no $name/$file"
  done
done
ends 0 sample moved -n 50 -o again.csv
same_file again.csv moved/draws.csv
ends 0 diagnose moved -n 2000
[ -s moved/diagnose.json ] || fail "no diagnose.json of a target that leaves the folder"
ends 0 plot moved
[ -s moved/posterior.png ] || ! command -v gnuplot >/dev/null || fail "no picture"
ends 0 fit "${moved[@]}" --out moved --force
grep -q "^wrote moved/summary.json$" "$log/out" || fail "says another folder: $(tail -1 "$log/out")"

finish
