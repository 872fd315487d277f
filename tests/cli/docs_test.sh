#!/usr/bin/env bash
# Every command of README and docs runs as it is printed there, in order, in a tree as a fresh clone has it, and what
# is shown below a command is what it prints: words to the letter, numbers to a few percent. An indented
# block is a command where its first word is one; the lines below it, up to the next command or to unindented text, are
# what it prints, with "..." for any number of words left out.
. "$(dirname "$0")/lib.sh"
source_tree=${SOURCE:?the source tree}

documents=(README.md docs/tutorial.md docs/evidence.md docs/tables.md docs/batch.md docs/sbc.md docs/stan.md docs/plugins.md docs/formulas.md docs/targets.md docs/posteriors_output.md docs/figure3.md)

# The table of summary.json's keys is that of the program.
table=$("$riffle" list summary)
case "$(cat "$source_tree/docs/summary.md")" in
  *"$table"*) ;;
  *) fail "docs/summary.md: its table is not what riffle list summary prints" ;;
esac

# reason COMMAND: why it is left out here; nothing where it is run.
reason() {
  case "$1" in
    ./demo.sh* | ./test.sh*) echo "builds all of this" ;;
    *"fit figure3"*) [ -n "${RIFFLE_DOCS_ALL:-}" ] || echo "takes minutes (RIFFLE_DOCS_ALL=1)" ;;
    *"--iterations 60000"*) [ -n "${RIFFLE_DOCS_ALL:-}" ] || echo "takes minutes (RIFFLE_DOCS_ALL=1)" ;;
    *apt-get*) echo "installs packages" ;;
    *BRIDGESTAN*) echo "needs a checkout of BridgeStan" ;;
    *gfortran* | *regression.so*) command -v gfortran >/dev/null || echo "no Fortran compiler" ;;
    *stan*) Rscript -e 'find.package("rstan")' >/dev/null 2>&1 || echo "no rstan" ;;
    *cmdstan* | *"./model "*) echo "of another program" ;;
  esac
}

# One line for each block of a document: C, the line's number and a command; or P and what is printed.
blocks() {
  awk '
    function starts(line) {
      return line ~ /^(build\/release\/riffle|riffle|tools\/[a-z_]+\.sh|cc|gfortran|\.\/demo\.sh|\.\/test\.sh|apt-get|BRIDGESTAN=[^ ]*) /
    }
    /^```/ { fenced = !fenced; next }
    fenced { next }
    /^    / {
      line = substr($0, 5)
      if (joined != "") { joined = joined " " line }
      else if (starts(line)) { joined = line; at = NR }
      else { if (command) print "P " line; next }
      if (joined ~ /\\$/) { sub(/ *\\$/, "", joined); next }
      print "C " at " " joined; command = 1; joined = ""; next
    }
    /^$/ { if (command) print "P "; next }
    { command = 0 }
  ' "$1"
}

# shows PRINTED OUTPUT: the words that are printed in the document and not in the output; nothing where all are. Where
# lines are broken does not count, since that hangs on how long numbers are.
shows() {
  awk '
    function number(w) { return w ~ /^[-+(]?[0-9.]+(e[-+]?[0-9]+)?[.,;:%)]*$/ }
    function value(w) { sub(/^\(/, "", w); return w + 0 }
    function alike(a, b, after_a, after_b,    x, d) {
      if (a == b) return 1
      if (!number(a) || !number(b)) return 0
      x = value(a); d = x - value(b); if (d < 0) d = -d
      if (d <= 0.02 + 0.1 * (x < 0 ? -x : x)) return 1
      return after_a ~ /^(ns|µs|ms|s)[,;:)]*$/ && after_b ~ /^(ns|µs|ms|s)[,;:)]*$/   # times are of a machine
    }
    NR == FNR { for (i = 1; i <= NF; ++i) want[++wanted] = $i; next }
    { for (i = 1; i <= NF; ++i) have[++had] = $i }
    END {
      at = 1
      for (first = 1; first <= wanted; first = last + 2) {
        for (last = first - 1; last < wanted && want[last + 1] != "...";) ++last
        length_found = -1
        for (start = at; start <= had + 1; ++start) {
          for (k = 0; first + k <= last && start + k <= had; ++k) {
            if (!alike(want[first + k], have[start + k], want[first + k + 1], have[start + k + 1])) break
          }
          if (k > length_found) { length_found = k; found_at = start }
          if (first + k > last) break
        }
        if (first + length_found <= last) {
          for (k = first; k <= last && k <= first + length_found; ++k) printf "%s ", want[k]
          exit
        }
        at = found_at + length_found
      }
    }' "$1" "$2"
}

mkdir -p build/release bin
for name in examples include tools recipes; do cp -r "$source_tree/$name" .; done
mkdir bench && cp -r "$source_tree/bench/calibration" bench
ln -s "$riffle" build/release/riffle
ln -s "$riffle" bin/riffle
export PATH=$PWD/bin:$PATH
ends 0 fit tutorial --quiet # what ./demo.sh leaves behind
# What is shown was made with AVX-512; other instruction sets round differently, and a fit may end elsewhere.
simd=$(sed -n 's/.*"simd": "\(.*\)".*/\1/p' runs/tutorial-1/summary.json)

checked=0
run_block() {
  local where=$1 command=$2 why missing
  why=$(reason "$command")
  if [ -n "$why" ]; then
    echo "left out: $where: $command ($why)"
    return
  fi
  bash -c "$command" >"$log/shown" 2>&1 </dev/null || fail "$where: $command: exit code $?: $(tail -3 "$log/shown")"
  if [ "$simd" = AVX3 ] && grep -q '[^ ]' "$log/printed"; then
    missing=$(shows "$log/printed" "$log/shown")
    [ -z "$missing" ] || fail "$where: $command does not print \"$missing\" but: $(head -40 "$log/shown")"
  fi
  checked=$((checked + 1))
}

for document in "${documents[@]}"; do
  [ -e "$source_tree/$document" ] || { [ "$document" = docs/formulas.md ] && continue; fail "$document is gone"; }
  where="" command=""
  : >"$log/printed"
  while IFS= read -r line; do
    case "$line" in
      "P "*) printf '%s\n' "${line#P }" >>"$log/printed" ;;
      "C "*)
        [ -z "$command" ] || run_block "$where" "$command"
        : >"$log/printed"
        line=${line#C }
        where=$document:${line%% *}
        command=${line#* }
        ;;
    esac
  done < <(blocks "$source_tree/$document")
  [ -z "$command" ] || run_block "$where" "$command"
done
[ "$checked" -ge 20 ] || fail "only $checked commands were found and run"
echo "$checked commands"

finish
