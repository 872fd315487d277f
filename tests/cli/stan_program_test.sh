#!/usr/bin/env bash
# A Stan program that is given in place of a library is compiled, once, by the script that came with the program;
# here by another's makes, which take no time. targets.stan has Stan's own.
. "$(dirname "$0")/lib.sh"
cp "$FAKES/fake_bridgestan.so" . || skip "the fake library was not built"
unset RIFFLE_STAN_COMPILER
export XDG_CACHE_HOME=$PWD/cache BRIDGESTAN=$PWD/checkout
mkdir checkout
cat >checkout/Makefile <<END
%_model.so: %.stan
	@echo made >>$PWD/makes; sleep \$\${DELAY:-0}
	@if grep -q broken \$<; then echo "Syntax error in 'm', line 7"; false; fi
	@cp $PWD/fake_bridgestan.so \$@
END
makes() { cat makes 2>/dev/null | wc -l; }
echo 'model { }' >model.stan

# Compiled once, and said so; the same as its library.
ends 0 fit --stan model.stan --data '{}' --seed 2 "${brief[@]}"
grep -q '^Compiling model.stan with BridgeStan .*(about 30 s) \.\.\.$' "$log/err" || fail "says: $(cat "$log/err")"
[ "$(makes)" -eq 1 ] || fail "compiled $(makes) times for one fit"
ends 0 fit --stan fake_bridgestan.so --data '{}' --seed 2 --out library "${brief[@]}"
same_run runs/model-2 library

# The folder names the program, and everything that is asked of it finds the library.
grep -q "^stan = \"$PWD/model.stan\"" runs/model-2/spec.toml || fail "the spec does not name the program"
grep -q "$PWD/model.stan" runs/model-2/inputs.json || fail "inputs.json does not have the program"
ends 0 fit runs/model-2/spec.toml --out again
same_run runs/model-2 again
ends 0 sample runs/model-2 -n 50 --seed 2 -o more.csv
same_file more.csv runs/model-2/draws.csv
ends 0 diagnose runs/model-2 -n 1000
(cd library && "$riffle" fit --stan ../model.stan --data '{}' --out there --quiet "${brief[@]}") || fail "from elsewhere"
[ "$(makes)" -eq 1 ] || fail "compiled $(makes) times"
rm -r cache
ends 0 sample runs/model-2 -n 50 -o more.csv
[ "$(makes)" -eq 2 ] || fail "not compiled again without its cache"
ends 0 fit --stan model.stan --quiet --out quiet "${brief[@]}"
[ "$(makes)" -eq 2 ] || fail "compiled in vain"

# Another text is another model; what it includes is part of it.
echo '// more' >>model.stan
refuses 65 'has changed since' sample runs/model-2 -n 5 -o more.csv
echo '#include part.stan' >model.stan
echo 'model { }' >part.stan
"$SOURCE/tools/stan_model.sh" --cached model.stan >first 2>"$log/err"
echo '// more' >>part.stan
"$SOURCE/tools/stan_model.sh" --cached model.stan >second 2>"$log/err"
cmp -s first second && fail "a changed include gives the old library"
echo 'model { }' >model.stan
"$SOURCE/tools/stan_model.sh" model.stan >"$log/out" 2>&1 || fail "$(cat "$log/out")"
same_file model.so fake_bridgestan.so

# Two at once: both have it.
echo '// of two' >>model.stan
DELAY=0.5 "$riffle" fit --stan model.stan --out one --quiet "${brief[@]}" 2>one.err &
one=$!
DELAY=0.5 "$riffle" fit --stan model.stan --out two --quiet "${brief[@]}" 2>two.err
[ $? -eq 0 ] || fail "two at once: $(cat two.err)"
wait "$one" || fail "two at once: $(cat one.err)"
same_run one two
no_temporaries cache

# A quiet fit says nothing of it.
echo '// quietly' >>model.stan
ends 0 fit --stan model.stan --quiet --out quietly "${brief[@]}"
if grep -q Compiling "$log/err"; then fail "--quiet tells of compiling"; fi

# What is wrong is said by the compiler, and in one line by riffle; nothing is left behind.
ls >before
wrong() { # CODE TEXT ARGUMENT...
  local code=$1 text=$2
  shift 2
  ends "$code" "$@"
  tail -n 1 "$log/err" >"$log/last" && cp "$log/err" "$log/all" && cp "$log/last" "$log/err"
  one_clear_line "$text" "riffle $*"
  ls >after
  diff before after >"$log/diff" || fail "riffle $* leaves behind: $(cat "$log/diff")"
}
echo broken >broken.stan && cp before after && ls >before
wrong 65 'broken.stan was not compiled: the lines above say why' fit --stan broken.stan
grep -q "Syntax error in 'm', line 7" "$log/all" || fail "the compiler's words are missing: $(cat "$log/all")"
wrong 66 'none.stan does not exist' fit --stan none.stan
XDG_CACHE_HOME=/proc wrong 73 'not compiled' fit --stan broken.stan
BRIDGESTAN=none wrong 65 'not compiled' fit --stan broken.stan
RIFFLE_STAN_COMPILER=$PWD/none.sh wrong 65 'not compiled' fit --stan broken.stan
printf 'echo nothing\n' >silent.sh
printf 'exit 69\n' >missing.sh
# shellcheck disable=SC2016
printf 'kill -9 $$\n' >killed.sh
ls >before
RIFFLE_STAN_COMPILER=$PWD/silent.sh wrong 65 'says of no library' fit --stan model.stan
RIFFLE_STAN_COMPILER=$PWD/missing.sh wrong 66 'the lines above' fit --stan model.stan
RIFFLE_STAN_COMPILER=$PWD/killed.sh wrong 65 'was killed' fit --stan model.stan

# Its time is not that of the fit, and whoever interrupts it ends the compiler too.
echo '// slowly' >>model.stan
DELAY=3 ends 0 fit --stan model.stan --max-seconds 2 --no-plots --out slow --set run.evaluation_draws=1000
echo '// too slowly' >>model.stan
DELAY=33.7 "$riffle" fit --stan model.stan --out never >"$log/out" 2>"$log/err" &
process=$!
for _ in $(seq 100); do
  pgrep -f 'sleep 33[.]7' >/dev/null && break
  sleep 0.1
done
kill -TERM $process
wait $process
got=$?
[ $got -eq 130 ] || fail "interrupted while it compiles: exit code $got: $(cat "$log/err")"
[ "$(tail -n 1 "$log/err")" = interrupted ] || fail "says: $(cat "$log/err")"
if pgrep -f 'sleep 33[.]7' >/dev/null; then fail "the compiler goes on"; fi
[ ! -e never ] || fail "a folder of a run that never began"

finish
