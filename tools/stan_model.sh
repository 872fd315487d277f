#!/bin/sh
# stan_model.sh MODEL.stan [-o MODEL.so]: compiles a Stan model to a shared library with BridgeStan's C
# interface, which `riffle fit --stan MODEL.so --data DATA.json` takes. By default the library lies beside
# the model, as MODEL.so.
#
# With the environment variable BRIDGESTAN, the path of a BridgeStan checkout, that makes the library.
# Otherwise the distribution's Stan 2.21 does (packages r-cran-rstan and r-cran-stanheaders), whose language
# has `real x[N]`, not `array[N] real x`. Libraries are kept under ${XDG_CACHE_HOME:-~/.cache}/riffle/stan:
# an unchanged model is not compiled again. CXX chooses the compiler; else clang++ where it is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

die() { # CODE TEXT
  echo "stan_model.sh: $2" >&2
  exit "$1"
}

model=
out=
while [ "$#" -gt 0 ]; do
  case $1 in
    -o)
      [ "$#" -ge 2 ] || die 64 "-o needs a file"
      out=$2
      shift
      ;;
    -h | --help)
      sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) die 64 "no option $1; usage: stan_model.sh MODEL.stan [-o MODEL.so]" ;;
    *)
      [ -z "$model" ] || die 64 "one model at a time: $model or $1"
      model=$1
      ;;
  esac
  shift
done
[ -n "$model" ] || die 64 "usage: stan_model.sh MODEL.stan [-o MODEL.so]"
case $model in *.stan) ;; *) die 64 "$model is not named MODEL.stan" ;; esac
[ -f "$model" ] || die 66 "$model does not exist"
[ -n "$out" ] || out=${model%.stan}.so
[ -d "$(dirname "$out")" ] || die 73 "there is no folder $(dirname "$out") for $out"
# What R and C++ can name: letters, digits and underscores.
name=$(basename "$model" .stan | tr -c 'A-Za-z0-9\n' _)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# quietly TEXT COMMAND...: its output is shown only where it fails.
quietly() {
  what=$1
  shift
  if ! "$@" >"$work/log" 2>&1; then
    grep -v codetools "$work/log" >&2  # a package that R misses, and we do not
    die 65 "$what failed; what it said is above"
  fi
}

# place FILE: puts a finished library under its name, never half of it.
place() {
  { cp "$1" "$out.part-$$" && mv "$out.part-$$" "$out"; } || die 73 "cannot write $out"
}

if [ -n "${BRIDGESTAN:-}" ]; then
  [ -f "$BRIDGESTAN/Makefile" ] || die 66 "BRIDGESTAN is $BRIDGESTAN, which is no BridgeStan checkout"
  cp "$model" "$work/$name.stan"
  echo "Compiling $model with BridgeStan in $BRIDGESTAN ..."
  quietly "BridgeStan's make" make -C "$BRIDGESTAN" STAN_THREADS=true \
    STANCFLAGS="--include-paths=$(cd "$(dirname "$model")" && pwd)" "$work/${name}_model.so"
  place "$work/${name}_model.so"
  echo "Wrote $out"
  exit 0
fi

headers=${STAN_HEADERS:-/usr/lib/R/site-library/StanHeaders}
if ! command -v Rscript >/dev/null || [ ! -d /usr/lib/R/site-library/rstan ] || [ ! -d "$headers/include" ]; then
  die 69 "Stan is not installed; install it with

    apt-get install -y --no-install-recommends r-cran-rstan r-cran-stanheaders dpkg-dev

or set BRIDGESTAN to a checkout of https://github.com/roualdes/bridgestan"
fi
if [ ! -f /usr/include/nlohmann/json.hpp ]; then
  die 69 "nlohmann/json.hpp is missing: apt-get install -y nlohmann-json3-dev"
fi
compiler=${CXX:-}
[ -n "$compiler" ] || compiler=$(command -v clang++ || command -v g++) ||
  die 69 "there is no compiler: apt-get install -y g++ (or clang, which is quicker here)"
flags="-std=c++14 -O2 -fPIC -w -fvisibility=hidden -DBOOST_DISABLE_ASSERTS"
flags="$flags -I$headers/include -I$headers/include/src -I/usr/include/eigen3"

# What a library depends on besides its own text.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/riffle/stan
mkdir -p "$cache" || die 73 "cannot make $cache"
# shellcheck disable=SC2086  # it may be two words, such as ccache g++
toolchain=$($compiler --version | head -n 1; echo "$flags"; cat "$headers/DESCRIPTION")
hash() { sha256sum | cut -c 1-24; }
glue=$cache/glue-$({ echo "$toolchain"; cat "$here/stan_glue.cpp"; } | hash).o

# The translation takes a second or two, and includes what the model includes, so the key is made from it.
# shellcheck disable=SC2016  # the dollar is R's
quietly "translating $model" Rscript --vanilla -e '
  a <- commandArgs(TRUE)
  r <- rstan::stanc(a[1], model_name = a[2], obfuscate_model_name = FALSE)
  cat(r$cppcode, file = a[3])' "$model" "$name" "$work/model.cpp"
# The line that a model is at, for its messages: the only variable that its threads would share.
sed -i 's/^static int current_statement_begin__;/static thread_local int current_statement_begin__;/' "$work/model.cpp"
grep -q '^static thread_local int current_statement_begin__;' "$work/model.cpp" ||
  die 70 "this Stan writes models in a way that stan_model.sh does not know"
library=$cache/$name-$({ echo "$toolchain $glue"; cat "$work/model.cpp"; } | hash).so

if [ ! -f "$library" ]; then
  if [ ! -f "$glue" ]; then
    echo "Compiling the glue with $compiler, once (10 to 20 s) ..."
    # shellcheck disable=SC2086  # flags are words
    quietly "compiling the glue" $compiler $flags -c "$here/stan_glue.cpp" -o "$work/glue.o"
    cp "$work/glue.o" "$glue.part-$$" && mv "$glue.part-$$" "$glue"
  fi
  echo "Compiling $model with $compiler (15 to 25 s) ..."
  # shellcheck disable=SC2086
  quietly "compiling $model" $compiler $flags -c "$work/model.cpp" -o "$work/model.o"
  echo '{ global: bs_*; local: *; };' >"$work/symbols"  # two models in one process share nothing
  # shellcheck disable=SC2086
  quietly "linking $model" $compiler -shared -o "$work/model.so" "$work/model.o" "$glue" \
    -Wl,--version-script="$work/symbols" -Wl,-z,defs "$headers/lib/libStanHeaders.a"
  cp "$work/model.so" "$library.part-$$" && mv "$library.part-$$" "$library"
fi
place "$library"
echo "Wrote $out"
