#!/usr/bin/env bash
# What fits by default is sound: `riffle check` finds no fault in any fit of a built-in target or of
# simulated points that is called reliable, or, of points, that says nothing against itself.
. "$(dirname "$0")/lib.sh"

# sound NAME: of the fit in that folder.
sound() {
  ends 0 check "$1"
  says ', 0 failed' "riffle check $1"
  [ "$(LC_ALL=C.UTF-8 wc -L <"$log/out")" -le 80 ] || fail "$1: lines of more than 80 characters"
}

reliable=0
for target in gaussian banana funnel gmm40 student-t-mixture U1 crescents eight-schools \
  eight-schools-noncentered; do
  ends 0 fit "$target" --method staged --no-plots --quiet --out "$target"
  grep -q '"verdict": "unreliable"' "$target/summary.json" && continue
  reliable=$((reliable + 1))
  sound "$target"
done
[ "$reliable" -ge 7 ] || fail "only $reliable of the fits are reliable"

# points NAME COLUMNS: 300 rows of what the program on standard input prints for each; `normal` and
# `uniform` are its random numbers.
points() {
  {
    echo "$2"
    awk -v seed=7 "
      function uniform() { state = (state * 1103515245 + 12345) % 2147483648
                           return (state + 0.5) / 2147483648 }
      function normal() { return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform()) }
      BEGIN { CONVFMT = OFMT = \"%.15g\"; state = seed; for (i = 0; i < 300; ++i) { $(cat) } }"
  } >"$1.csv"
  ends 0 fit --samples "$1.csv" --no-plots --quiet --out "$1"
  sound "$1"
}
points clusters x <<<'print normal() + (uniform() < 0.4 ? 8 : 0)'
points heavy x,y <<<'print normal() / normal() "," normal() / normal()'
points units x,y <<<'print 1e-6 * normal() + 1e-3 "," 1e6 * normal() + 1e9'
points collinear x,y,z <<<'x = normal(); print x "," x + 1e-4 * normal() "," normal()'
points skewed a,b,c,d,e,f,g,h <<<'s = 0; for (d = 1; d <= 8; ++d) { s += exp(normal())
  printf("%s%.15g", d > 1 ? "," : "", s) } print ""'

finish
