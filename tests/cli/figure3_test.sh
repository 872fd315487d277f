# riffle fit figure3: every cell, the same figures on any number of threads, and what it refuses.
# shellcheck shell=bash
. "$(dirname "$0")/lib.sh"

small=(--iterations 10 --no-plots --set run.evaluation_draws=1000 --set run.draws=0)

ends 0 fit figure3 "${small[@]}" --threads 2 --out two
[ "$(wc -l <two/figure3.csv)" -eq 49 ] || fail "figure3.csv has not 48 fits"
[ "$(find two -name '*.riffle' | wc -l)" -eq 48 ] || fail "there are not 48 trained flows"
says '48 of 48' 'fit figure3'
ends 0 fit figure3 "${small[@]}" --threads 1 --out one --quiet
[ ! -s "$log/out" ] || fail "--quiet is not quiet: $(head -3 "$log/out")"
# The ninth column is the time it took.
for run in one two; do cut -d, -f1-8 "$run/figure3.csv" >"$run/figures"; done
same_file one/figures two/figures
same_file one/U1-planar-8.riffle two/U1-planar-8.riffle
same_file one/U4-nice-orthogonal-32.riffle two/U4-nice-orthogonal-32.riffle

refuses 73 'not empty' fit figure3 "${small[@]}" --out one
refuses 64 'flows of its own' fit figure3 --flow planar:2 --out other
refuses 64 'run.batch' fit figure3 --batch 0 --out other

finish
