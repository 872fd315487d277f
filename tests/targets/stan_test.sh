#!/usr/bin/env bash
# stan_test.sh RIFFLE TESTS SOURCE: compiles Stan models, checks their libraries, and fits one.
. "$(dirname "$0")/../cli/lib.sh"
tests=$(realpath "$2")
source=$(realpath "$3")
stan_model=$source/tools/stan_model.sh

[ -z "${BRIDGESTAN:-}" ] || unset BRIDGESTAN
for package in r-cran-rstan r-cran-stanheaders; do
  [ -d "/usr/lib/R/site-library/$([ $package = r-cran-rstan ] && echo rstan || echo StanHeaders)" ] ||
    skip "no $package: apt-get install -y --no-install-recommends r-cran-rstan r-cran-stanheaders dpkg-dev"
done
version=$(sed -n 's/^Version: \([0-9]*\.[0-9]*\).*/\1/p' /usr/lib/R/site-library/StanHeaders/DESCRIPTION)

# Libraries of unchanged models come from the cache.
mkdir models
for model in "$source"/examples/stan/eight_schools_{centered,noncentered}.stan \
  "$(dirname "$0")"/{arrays,generated,nested}.stan; do
  "$stan_model" "$model" -o "models/$(basename "$model" .stan).so" >"$log/out" 2>"$log/err" ||
    fail "$model does not compile: $(cat "$log/err")"
done
RIFFLE_STAN_MODELS=$PWD/models RIFFLE_STAN_VERSION=$version RIFFLE_EXAMPLES=$source/examples "$tests" || fail "tests of the libraries"

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
printf 'parameters {\n  real x\n}\nmodel { x ~ normal(0, 1); }\n' >broken.stan
complains 65 "in 'broken'" broken.stan
complains 65 'line 3, column ' broken.stan
complains 65 "this is Stan $version of the distribution" broken.stan
if grep -E 'codetools|Execution halted|Error in' "$log/err"; then fail "words of R's"; fi
[ "$(wc -l <"$log/err")" -le 12 ] || fail "not shortened: $(cat "$log/err")"
[ ! -e broken.so ] || fail "a library of a broken model"
complains 73 'no folder' broken.stan -o nowhere/broken.so
BRIDGESTAN=nowhere complains 66 'no BridgeStan checkout' broken.stan
complains 64 '--cached' broken.stan -o broken.so --cached
XDG_CACHE_HOME=/proc complains 73 'set XDG_CACHE_HOME' broken.stan
STAN_HEADERS=nowhere complains 69 'apt-get install -y --no-install-recommends r-cran-rstan' broken.stan

# What a Stan does not read yet, or no longer: each of a model that is refused is told with its line.
mkdir -p checkout/stan/src/stan
printf '%%_model.so: %%.stan\n\t@echo "its own words"; false\n' >checkout/Makefile
reads_not() { # MINOR LINE-OF-THE-MODEL TEXT
  echo "#define STAN_MINOR $1" >checkout/stan/src/stan/version.hpp
  printf '// a model\n%s\n' "$2" >language.stan
  BRIDGESTAN=$PWD/checkout complains 65 "$3" language.stan
  grep -q 'its own words' "$log/err" || fail "Stan's own words are missing: $(cat "$log/err")"
}
for line in 'data { int N; array[N] real x; }' 'array [2, 3] int k;' 'real f(data array[] real x) {'; do
  reads_not 21 "$line" 'line 2: `array[N] real x` is syntax of Stan 2.26 and later; this is Stan 2.21'
  reads_not 21 "$line" 'write `real x[N]`, or take a newer BridgeStan'
  reads_not 36 "$line" 'this is Stan 2.36'
  if grep -q 'line 2' "$log/err"; then fail "array is blamed of Stan 2.36: $(cat "$log/err")"; fi
done
for line in 'real x[N];' 'data { int<lower=1, upper=G> group[N]; }' 'vector<lower=0>[3] v[2, N];' \
  'simplex[4] p[3];' 'cholesky_factor_corr[3] L[2];' 'real y[2] = x;'; do
  reads_not 36 "$line" 'line 2: Stan 2.33 removed `real x[N]`; this is Stan 2.36'
  reads_not 36 "$line" 'write `array[N] real x`'
  reads_not 32 "$line" 'this is Stan 2.32'
  if grep -q 'line 2' "$log/err"; then fail "old arrays are blamed of Stan 2.32: $(cat "$log/err")"; fi
done
for line in 'array[N] real x;' 'vector[N] x;' 'x[1] = y[2];' 'real a = y[2];'; do
  reads_not 36 "$line" 'this is Stan 2.36'
  if grep -q 'line 2' "$log/err"; then fail "blamed of Stan 2.36: $line"; fi
done
reads_not 32 'tuple(real, int) t;' 'line 2: `tuple` is syntax of Stan 2.33'
reads_not 21 'model { profile("x") { } }' '`profile` is syntax of Stan 2.26'
reads_not 21 'target += normal_lupdf(x | 0, 1);' 'write _lpdf'
reads_not 32 'sum_to_zero_vector[3] v;' '`sum_to_zero_vector` is syntax of Stan 2.36'
reads_not 36 'x <- 3;' 'Stan 2.33 removed `<-`'
reads_not 36 'mu ~ foo(1);' 'this is Stan 2.36'
rm -r checkout

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

# Generated quantities: the same on any number of threads, in later draws, and left out where told.
observed='{"N": 4, "y": [3, 6, 4, 5]}'
for threads in 1 2; do
  ends 0 fit --stan models/generated.so --data "$observed" --out "generated-$threads" --no-plots \
    --threads "$threads"
done
same_file generated-1/draws.csv generated-2/draws.csv
head -n 1 generated-1/draws.csv | grep -q '^lp__,lp_approx__,mu,sigma,twice,standard,log_lik.1,' ||
  fail "no generated quantities: $(head -n 1 generated-1/draws.csv)"
if grep -l log_lik generated-1/inits_*.json; then fail "generated quantities among initial values"; fi
grep -q '"log_lik.4": {' generated-1/summary.json || fail "summary.json has no log_lik.4"
missing=$(awk -F, 'NR > 1 && $3 > 5' generated-1/draws.csv | wc -l)
[ "$missing" -gt 0 ] || fail "these data give no draw with mu > 5"
grep -q "^warning: $missing of 4,000 draws have generated quantities that are nan; .*poisson_rng" "$log/err" ||
  fail "$missing draws are not told of: $(cat "$log/err")"
awk -F, 'NR > 1 && ($3 > 5) != ($6 == "nan")' generated-1/draws.csv | grep -q . &&
  fail "nan elsewhere than where mu > 5"
ends 0 sample generated-1 -n 6000 -o more.csv
grep -q '^warning: .* of 6,000 draws' "$log/err" || fail "sample does not tell of nan: $(cat "$log/err")"
head -n 4001 more.csv >first.csv
same_file first.csv generated-1/draws.csv
ends 0 fit --stan models/generated.so --data "$observed" --out without --no-plots \
  --set target.generated_quantities=false
grep -q '"generated_quantities": 0' without/summary.json || fail "generated quantities were not wanted"
cut -d, -f 1-5 generated-1/draws.csv >parameters.csv
same_file parameters.csv without/draws.csv

# A run leaves nothing behind where the model cannot be had.
refuses 66 'none.so' fit --stan none.so
refuses 66 'none.json' fit --stan models/eight_schools_centered.so --data none.json
refuses 65 'variable name=J' fit --stan models/eight_schools_centered.so
refuses 65 'line 1, column 7' fit --stan models/eight_schools_centered.so --data '{"J": oops}'

finish
