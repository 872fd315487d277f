#!/usr/bin/env bash
# The page of a posterior is drawn again from what the folder holds.
. "$(dirname "$0")/lib.sh"
command -v gnuplot >/dev/null || skip "gnuplot is not installed"

# redraws DIR: to the same picture.
redraws() {
  mkdir "$1.fit"
  mv "$1"/posterior.* "$1.fit"
  ends 0 plot "$1"
  says "$1/posterior.png" "plot $1"
  says "$1/posterior.svg" "plot $1"
  [ ! -s "$log/err" ] || fail "plot $1 says $(cat "$log/err")"
  same_file "$1.fit/posterior.svg" "$1/posterior.svg"
  same_file "$1.fit/posterior.png" "$1/posterior.png"
}
quick=(--set run.evaluation_draws=2000 --set run.draws=300)
ends 0 fit banana "${quick[@]}" --out plain
redraws plain
[ "$(find plain -name '*.png' | wc -l)" -eq 1 ] || fail "other pictures than those of the fit"
ends 0 fit banana "${quick[@]}" --output-format cmdstan --resample psis --out resampled
grep -q 'the draws were resampled' resampled/posterior.svg || fail "no word of resampled draws"
redraws resampled
# A flow that was told has the pictures of its training, too.
ends 0 fit banana --flow affine --iterations 300 --batch 32 "${quick[@]}" --out told
redraws told
[ -s told/loss.png ] || fail "no picture of the loss"

# An annealed objective has a best value once all of ln p is in it.
for steps in 200 20000; do
  ends 0 fit U1 --flow planar:2 --objective "annealed(beta_steps=$steps)" --iterations 300 \
    --batch 32 --set run.evaluation_draws=1000 --set run.draws=50 --out annealed$steps
done
grep -q 'best possible' annealed200/loss.svg || fail "no line of the best value"
! grep -q 'best possible' annealed20000/loss.svg || fail "a best value of half an objective"

# Other draws of it make another picture.
cp -r plain more
ends 0 sample more -n 500 --seed 2 -o more.csv
mv more.csv more/draws.csv
ends 0 plot more
! cmp -s plain/posterior.svg more/posterior.svg || fail "other draws, the same picture"

# What is missing or does not go together is said, with the way out, which is one.
rm more/draws.csv
refuses 66 'more/draws.csv is gone' plot more
ends 0 sample more -n 300 --seed 1 -o more/draws.csv
same_file more/draws.csv plain/draws.csv
cp -r plain other
ends 0 fit eight-schools "${quick[@]}" --no-plots --max-gradients 5000 --out schools
cp schools/draws.csv other/draws.csv
refuses 65 'has other parameters' plot other
echo 'a,b' >other/draws.csv
refuses 65 'no column lp__' plot other
cp plain/draws.csv other/draws.csv
echo '{"verdict": 1' >other/summary.json
refuses 65 'other/summary.json is not the summary' plot other
rm other/summary.json
refuses 64 'is not finished' plot other


# Who asks for parameters gets these; of an array all elements; an unknown name gives the nearest.
ends 0 plot schools --parameters theta.2,mu
grep -q '2 of .* parameters, as asked for' schools/posterior.svg || fail "not what was asked for"
grep -q 'theta.2   ' schools/posterior.svg || fail "no theta.2, which was asked for"
ends 0 plot schools --parameters 'theta[1]' --parameters tau
grep -q 'theta.1   ' schools/posterior.svg || fail "no theta[1], which was asked for"
refuses 64 'no parameter "thta"; did you mean "theta"?' plot schools --parameters mu,thta
refuses 64 'more than the 8' plot schools --parameters '*'
refuses 64 'is of no posterior' plot annealed200 --parameters mu

finish
