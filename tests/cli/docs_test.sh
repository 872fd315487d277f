#!/usr/bin/env bash
# Every command of README and docs runs as it is printed there, in order, in a tree as a fresh clone has it, and what
# is shown below a command is what it prints: words to the letter, numbers to a few percent. An indented
# block is a command where its first word is one; the lines below it, up to the next command or to unindented text, are
# what it prints, with "..." for any number of lines left out.
. "$(dirname "$0")/lib.sh"
source_tree=${SOURCE:?the source tree}

documents=(README.md docs/tutorial.md docs/evidence.md docs/tables.md docs/stan.md docs/plugins.md docs/formulas.md docs/targets.md docs/posteriors_output.md docs/figure3.md)

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

# shows PRINTED OUTPUT: the first line that is printed in the document and not in the output; nothing where all are.
shows() {
  awk '
    function squeeze(s) { gsub(/[ \t]+/, " ", s); sub(/^ /, "", s); sub(/ $/, "", s); return s }
    function number(w) { return w ~ /^[-+]?[0-9.]+(e[-+]?[0-9]+)?[.,;:%)]*$/ }
    function alike(a, b,    x, y, n, m, i, d) {
      n = split(a, x, " "); m = split(b, y, " ")
      if (n != m) return 0
      for (i = 1; i <= n; ++i) {
        if (x[i] == y[i]) continue
        if (!number(x[i]) || !number(y[i])) return 0
        d = x[i] - y[i]; if (d < 0) d = -d
        if (d > 0.02 + 0.1 * (x[i] < 0 ? -x[i] : x[i])) {
          if (x[i + 1] ~ /^(ns|µs|ms|s)[,;:]?$/ && y[i + 1] ~ /^(ns|µs|ms|s)[,;:]?$/) continue   # times are of a machine
          return 0
        }
      }
      return 1
    }
    NR == FNR { want[++wanted] = squeeze($0); next }
    { have[++had] = squeeze($0) }
    END {
      at = 1; gap = 1
      for (i = 1; i <= wanted; ++i) {
        if (want[i] == "") continue
        if (want[i] == "...") { gap = 1; continue }
        for (j = at; j <= had && !alike(want[i], have[j]); ++j) if (!gap && have[j] != "") { j = had + 1; break }
        if (j > had) { print want[i]; exit }
        at = j + 1; gap = 0
      }
    }' "$1" "$2"
}

mkdir -p build/release bin
for name in examples include tools recipes; do cp -r "$source_tree/$name" .; done
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
