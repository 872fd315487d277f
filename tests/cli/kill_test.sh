#!/usr/bin/env bash
# A run that is killed, at any moment and again and again, and resumed ends with the same bits as one
# left alone, and nothing half-written ever stands under a final name.
. "$(dirname "$0")/lib.sh"

if [ "$effort" -lt 100 ]; then iterations=3000; else iterations=8000; fi
arguments=(fit U1 --iterations "$iterations" --batch 200 --threads 2 --flow planar:8 --no-plots
  --set run.evaluation_draws=20000 --set run.draws=20000 --set run.checkpoint_seconds=0)
begin=$(date +%s%N)
ends 0 "${arguments[@]}" --out whole
milliseconds=$((($(date +%s%N) - begin) / 1000000))

killed=0
# kill_after MILLISECONDS ARGUMENT...
kill_after() {
  local wait=$1
  shift
  "$riffle" "$@" >/dev/null 2>&1 &
  sleep "$(printf '%d.%03d' $((wait / 1000)) $((wait % 1000)))"
  if kill -9 $! 2>/dev/null; then killed=$((killed + 1)); fi
  wait $! 2>/dev/null
}

# resume_or_begin DIR: a run that was killed before its spec was written is begun anew.
resume_or_begin() {
  if [ -e "$1/spec.toml" ]; then
    if [ -e "$1/summary.json" ] && [ ! -e "$1/checkpoint.riffle" ]; then return; fi
    ends 0 fit "$1" --resume
  else
    ends 0 "${arguments[@]}" --out "$1" --force
  fi
}

# Once, at moments spread over the whole run, its end included.
if [ "$effort" -lt 100 ]; then rounds=4; else rounds=10; fi
for ((i = 0; i < rounds; ++i)); do
  kill_after $(((2 * i + 1) * milliseconds / (2 * rounds))) "${arguments[@]}" --out "once-$i"
  only_whole_files "once-$i" whole
  resume_or_begin "once-$i"
  same_run "once-$i" whole
  same_file "once-$i/spec.toml" whole/spec.toml
  no_temporaries "once-$i"
  [ ! -e "once-$i/checkpoint.riffle" ] || fail "a checkpoint is left after the end"
  rm -rf "once-$i"
done
[ $killed -gt 0 ] || fail "nothing was killed: the test does not test"

# Again and again.
kill_after $((milliseconds / 4)) "${arguments[@]}" --out again
for _ in 1 2 3 4; do
  only_whole_files again whole
  [ -e again/spec.toml ] && [ ! -e again/summary.json ] || break
  kill_after $((milliseconds / 4)) fit again --resume
done
resume_or_begin again
same_run again whole

# While a checkpoint is being written.
caught=0
for ((i = 0; i < $(repetitions 6); ++i)); do
  rm -rf writing
  "$riffle" "${arguments[@]}" --out writing >/dev/null 2>&1 &
  process=$!
  # The first checkpoints are small; it is the later ones that take time to write.
  sleep "$(printf '0.%03d' $((milliseconds / 4 > 900 ? 900 : milliseconds / 4)))"
  while kill -0 $process 2>/dev/null; do
    for part in writing/.checkpoint.riffle.part-*; do
      if [ -e "$part" ]; then
        kill -9 $process
        break 2
      fi
    done
  done
  wait $process 2>/dev/null
  if compgen -G 'writing/.checkpoint.riffle.part-*' >/dev/null; then caught=$((caught + 1)); fi
  only_whole_files writing whole
  resume_or_begin writing
  same_run writing whole
  no_temporaries writing
done
echo "caught in the middle of writing a checkpoint: $caught"

# On another number of threads, and with --force in place of --resume.
kill_after $((milliseconds / 2)) "${arguments[@]}" --out threads
if [ ! -e threads/summary.json ] && [ -e threads/spec.toml ]; then
  ends 0 fit threads --resume --threads 1 --quiet
  same_run threads whole
fi
kill_after $((milliseconds / 2)) "${arguments[@]}" --out forced
ends 0 "${arguments[@]}" --out forced --force
same_run forced whole
no_temporaries forced

finish
