#!/usr/bin/env bash
# stan_test.sh RIFFLE TESTS SOURCE: compiles Stan models, checks their libraries, and fits one.
. "$(dirname "$0")/../cli/lib.sh"
tests=$(realpath "$2")
source=$(realpath "$3")
stan_model=$source/tools/stan_model.sh

[ -z "${BRIDGESTAN:-}" ] || unset BRIDGESTAN
for package in r-cran-rstan r-cran-stanheaders; do
  [ -d "/usr/lib/R/site-library/$([ $package = r-cran-rstan ] && echo rstan || echo StanHeaders)" ] ||
    skip "no $package: apt-get install -y --no-install-recommends r-cran-rstan r-cran-stanheaders"
done

# Libraries of unchanged models come from the cache.
mkdir models
for model in "$source"/examples/stan/eight_schools_{centered,noncentered}.stan \
  "$(dirname "$0")/arrays.stan"; do
  "$stan_model" "$model" -o "models/$(basename "$model" .stan).so" >"$log/out" 2>"$log/err" ||
    fail "$model does not compile: $(cat "$log/err")"
done
RIFFLE_STAN_MODELS=$PWD/models RIFFLE_EXAMPLES=$source/examples "$tests" || fail "tests of the libraries"

# What the script says of what it cannot do.
complains() { # CODE TEXT ARGUMENT...
  local code=$1 text=$2
  shift 2
  "$stan_model" "$@" >"$log/out" 2>"$log/err"
  local got=$?
  [ $got -eq "$code" ] || fail "stan_model.sh $*: exit code $got, not $code"
  grep -qF -- "$text" "$log/err" || fail "stan_model.sh $*: does not say \"$text\": $(cat "$log/err")"
}
complains 64 'usage'
complains 64 'not named' model.txt
complains 64 '--fast' --fast model.stan
complains 66 'does not exist' none.stan
printf 'parameters { real x }\n' >broken.stan
complains 65 'PARSER EXPECTED' broken.stan
[ ! -e broken.so ] || fail "a library of a broken model"
complains 73 'no folder' broken.stan -o nowhere/broken.so
BRIDGESTAN=nowhere complains 66 'no BridgeStan checkout' broken.stan
STAN_HEADERS=nowhere complains 69 'apt-get install -y --no-install-recommends r-cran-rstan' broken.stan

# BridgeStan's own make, which puts the library beside the model.
mkdir checkout
# shellcheck disable=SC2016  # make's variables
printf '%%_model.so: %%.stan\n\ttest "$(STAN_THREADS)" = true && cp %s $@\n' \
  "$PWD/models/eight_schools_centered.so" >checkout/Makefile
cp "$source/examples/stan/eight_schools_centered.stan" 'by bridgestan.stan'
BRIDGESTAN=$PWD/checkout "$stan_model" 'by bridgestan.stan' >"$log/out" 2>&1 ||
  fail "BridgeStan's make: $(cat "$log/out")"
same_file 'by bridgestan.so' models/eight_schools_centered.so

# From the shell, and again from the spec that was written, elsewhere.
ends 0 fit --stan models/eight_schools_noncentered.so --data "$source/examples/stan/eight_schools.json" \
  --seed 3 "${brief[@]}"
[ -s runs/eight_schools_noncentered-3/summary.json ] || fail "no runs/eight_schools_noncentered-3"
grep -q '"target": "eight_schools_noncentered"' runs/eight_schools_noncentered-3/summary.json ||
  fail "summary.json has no name"
grep -q '"target_description": ".*Stan version: 2' runs/eight_schools_noncentered-3/summary.json ||
  fail "summary.json does not say what made the model"
grep -q "^stan = \"$PWD/models/" runs/eight_schools_noncentered-3/spec.toml || fail "path is not absolute"
mkdir elsewhere
(cd elsewhere && "$riffle" fit ../runs/eight_schools_noncentered-3/spec.toml --out again --quiet) ||
  fail "the spec does not repeat the run"
same_file runs/eight_schools_noncentered-3/model.riffle elsewhere/again/model.riffle

# A run leaves nothing behind where the model cannot be had.
refuses 66 'none.so' fit --stan none.so
refuses 66 'none.json' fit --stan models/eight_schools_centered.so --data none.json
refuses 65 'variable name=J' fit --stan models/eight_schools_centered.so
refuses 65 'line 1, column 7' fit --stan models/eight_schools_centered.so --data '{"J": oops}'

finish
