# Shared by the tests of the command line. To be sourced with the program's path as the first
# argument; everything happens in a folder of its own, which is removed in the end.
# shellcheck shell=bash
set -u
export LC_ALL=C

riffle=$(realpath "$1")
effort=${RIFFLE_TEST_EFFORT:-100}
scratch=$(mktemp -d)
log=$scratch/log  # what a command says, kept apart from what it makes
mkdir "$log" "$scratch/work"
cd "$scratch/work" || exit 1
clean_up() {
  local jobs
  jobs=$(jobs -p)
  # shellcheck disable=SC2086  # one word for each process
  [ -z "$jobs" ] || kill -9 $jobs 2>/dev/null
  chmod -R u+rwx "$scratch" 2>/dev/null
  rm -rf "$scratch"
}
trap clean_up EXIT

# A fit of a moment.
# shellcheck disable=SC2034  # for those who source this
brief=(--iterations 300 --batch 32 --no-plots --set run.evaluation_draws=1000 --set run.draws=50)

failures=0
fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
finish() {
  echo "$failures failures"
  [ "$failures" -eq 0 ]
  exit
}
skip() {
  echo "SKIPPED: $*"
  exit 77
}

# repetitions FULL: as many, or fewer where the build is slow.
repetitions() {
  local n=$(($1 * effort / 100))
  echo $((n > 1 ? n : 1))
}

# ends CODE ARGUMENT...: riffle ends with that exit code; what it says is in $log/out and $log/err.
ends() {
  local code=$1
  shift
  "$riffle" "$@" >"$log/out" 2>"$log/err" </dev/null
  local got=$?
  [ "$got" -eq "$code" ] || fail "riffle $*: exit code $got, not $code; it said: $(cat "$log/err")"
}

# one_clear_line TEXT WHAT: $log/err is one line, by riffle, that holds TEXT.
one_clear_line() {
  [ "$(wc -l <"$log/err")" -eq 1 ] || fail "$2: said not one line but: $(cat "$log/err")"
  grep -q '^riffle: ' "$log/err" || fail "$2: does not say who speaks: $(cat "$log/err")"
  grep -qF -- "$1" "$log/err" || fail "$2: does not say \"$1\" but: $(cat "$log/err")"
  if grep -q '[[:cntrl:]]' "$log/err"; then fail "$2: control characters in its message"; fi
}

# refuses CODE TEXT ARGUMENT...: riffle says one clear line that holds TEXT, nothing else, and
# leaves everything as it was.
refuses() {
  local code=$1 text=$2 before
  shift 2
  before=$(find . | sort)
  ends "$code" "$@"
  one_clear_line "$text" "riffle $*"
  [ ! -s "$log/out" ] || fail "riffle $*: wrote to standard output: $(head -3 "$log/out")"
  [ "$before" = "$(find . | sort)" ] || fail "riffle $*: made or removed files"
}

# says TEXT WHAT: it is on standard output.
says() {
  grep -qF -- "$1" "$log/out" || fail "$2: does not say \"$1\""
}

same_file() {
  cmp -s "$1" "$2" || fail "$1 and $2 differ, or are not there"
}

# same_run A B: two folders hold the same run to the bit.
same_run() {
  local name
  for name in model.riffle loss.csv draws.csv samples.csv; do
    same_file "$1/$name" "$2/$name"
  done
}

# no_temporaries DIR: nothing half-written is left.
no_temporaries() {
  local left
  left=$(find "$1" -name '*.part-*')
  [ -z "$left" ] || fail "left behind: $left"
}

# only_whole_files DIR WHOLE: what DIR has under a final name is all there: the same as in WHOLE.
only_whole_files() {
  local name
  for name in spec.toml model.riffle loss.csv draws.csv samples.csv; do
    [ ! -e "$1/$name" ] || cmp -s "$1/$name" "$2/$name" || fail "$1/$name is not whole"
  done
  [ ! -e "$1/summary.json" ] || [ "$(tail -c 2 "$1/summary.json")" = "}" ] ||
    fail "$1/summary.json is not whole"
}
