#!/usr/bin/env bash
# Help and lists say all there is.
. "$(dirname "$0")/lib.sh"

options_fit="--init --out --force --resume --seed --threads --precision --flow --iterations --batch --lr
  --objective --set --no-plots --quiet --samples --stan --plugin --data"
commands="fit sample logdensity check diagnose summary compare plot batch merge sbc list bench help"

for way in --help -h help; do
  ends 0 $way
  for command in $commands; do says "  $command " "riffle $way"; done
  says --version "riffle $way"
  says "Usage: riffle" "riffle $way"
done
for command in $commands; do
  ends 0 help "$command"
  cp "$log/out" "$log/help"
  says "Usage: riffle $command" "riffle help $command"
  if [ "$command" != help ]; then
    ends 0 "$command" --help
    same_file "$log/out" "$log/help"
  fi
  [ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' "$log/help")" -le 120 ] ||
    fail "riffle help $command has lines of more than 120 characters"
done
ends 0 help fit
for option in $options_fit; do says "$option " "riffle help fit"; done
for code in 64 65 66 73 74 75 130; do says "$code" "riffle help fit"; done
ends 0 help sample
for option in -n --seed -o --unconstrained; do says "$option " "riffle help sample"; done
ends 0 help logdensity
for word in POINTS -o .npy lp_approx__; do says "$word" "riffle help logdensity"; done
ends 0 help check
for word in --seed --draws 64 65 66 1e-10; do says "$word" "riffle help check"; done
ends 0 help diagnose
for word in -n --seed --strict diagnose.json 64 65 66; do says "$word" "riffle help diagnose"; done
ends 0 help bench
for word in ladder gradient peak --flow --dim --batch --threads --precision --rounds; do
  says "$word " "riffle help bench"
done
ends 0 help list
for section in targets flows bases objectives optimizers recipes; do
  says "$section" "riffle help list"
done

ends 0 --version
grep -qE '^riffle [0-9]+\.[0-9]+\.[0-9]+$' "$log/out" || fail "riffle --version: $(cat "$log/out")"

ends 0 list
cp "$log/out" "$log/all"
for section in targets flows bases objectives optimizers schedules recipes; do
  grep -q "^$section:" "$log/all" || fail "riffle list has no $section"
  ends 0 list $section
  [ -s "$log/out" ] || fail "riffle list $section is empty"
  while IFS= read -r line; do
    grep -qF -- "$line" "$log/all" || fail "riffle list lacks a line of riffle list $section: $line"
  done <"$log/out"
done
for name in crescents U1 U2 U3 U4 U2-improper U3-improper U4-improper gaussian planar planar-free \
  standard-normal bound free-energy annealed rmsprop adam sgd constant exponential cosine steps \
  tutorial target.mean; do
  grep -qE "^ +$name( |\$)" "$log/all" || fail "riffle list does not name $name"
done
if grep -nE '[[:space:]]$' "$log/all"; then fail "blanks at the ends of lines of riffle list"; fi

# A full disk is noticed, whatever is written.
if [ -c /dev/full ]; then
  for words in list "list targets" help "help fit" --version; do
    # shellcheck disable=SC2086  # words
    "$riffle" $words >/dev/full 2>"$log/err"
    [ $? -eq 74 ] || fail "riffle $words >/dev/full does not end with 74"
    one_clear_line "standard output" "riffle $words >/dev/full"
  done
fi

finish
