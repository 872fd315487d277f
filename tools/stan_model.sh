#!/bin/sh
# stan_model.sh MODEL.stan [-o MODEL.so]: compiles a Stan model to a shared library with BridgeStan's C
# interface, which `riffle fit --stan MODEL.so --data DATA.json` takes. By default the library lies beside
# the model, as MODEL.so. `riffle fit --stan MODEL.stan` calls this by itself.
#
# With the environment variable BRIDGESTAN, the path of a BridgeStan checkout, that makes the library.
# Otherwise the distribution's Stan does (packages r-cran-rstan and r-cran-stanheaders): 2.21 of Debian 12,
# whose language has `real x[N]`, not `array[N] real x`, or 2.32 of Debian 13 and Ubuntu 24.04, which reads
# both. Libraries are kept under ${XDG_CACHE_HOME:-~/.cache}/riffle/stan: an unchanged model is not compiled
# again. CXX chooses the compiler; else clang++ where it is installed.
#
#   --cached   write no MODEL.so, but the path of the library in the cache to standard output
#   --quiet    say nothing but what is wrong
set -eu
here=$(cd "$(dirname "$0")" && pwd)

die() { # CODE TEXT
  echo "stan_model.sh: $2" >&2
  exit "$1"
}
# no_library TEXT: what is wrong has been said; who asked for the cache's library says the rest.
no_library() {
  if "$cached"; then exit 65; fi
  die 65 "$1"
}
usage="usage: stan_model.sh MODEL.stan [-o MODEL.so]"

model=
out=
cached=false
quiet=false
while [ "$#" -gt 0 ]; do
  case $1 in
    -o)
      [ "$#" -ge 2 ] || die 64 "-o needs a file"
      out=$2
      shift
      ;;
    --cached) cached=true ;;
    --quiet) quiet=true ;;
    -h | --help)
      sed -n '2,/^set/s/^# \{0,1\}//p' "$0"
      exit 0
      ;;
    -*) die 64 "no option $1; $usage" ;;
    *)
      [ -z "$model" ] || die 64 "one model at a time: $model or $1"
      model=$1
      ;;
  esac
  shift
done
[ -n "$model" ] || die 64 "$usage"
case $model in *.stan) ;; *) die 64 "$model is not named MODEL.stan" ;; esac
[ -f "$model" ] || die 66 "$model does not exist"
if "$cached"; then
  [ -z "$out" ] || die 64 "--cached writes no file: leave -o $out out"
else
  [ -n "$out" ] || out=${model%.stan}.so
  [ -d "$(dirname "$out")" ] || die 73 "there is no folder $(dirname "$out") for $out"
fi
# What R and C++ can name: letters, digits and underscores.
name=$(basename "$model" .stan | tr -c 'A-Za-z0-9\n' _)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

tell() {
  if "$quiet"; then return; fi
  if "$cached"; then echo "$1" >&2; else echo "$1"; fi
}

# quietly TEXT COMMAND...: its output is in $work/log.
quietly() {
  "$@" >"$work/log" 2>&1 </dev/null
}

# The language: what this Stan does not read yet, or no longer, where it would not read a model. MINOR is of
# its version 2.MINOR.
explain_language() { # MINOR NAME-OF-THIS-STAN
  sed 's|//.*||' "$model" | awk -v minor="$1" -v this="$2" '
    BEGIN { way = this ~ /BridgeStan/ ? "take a newer BridgeStan" : "make the library with BridgeStan (set BRIDGESTAN)" }
    function feature(since, pattern, what, instead) {
      if (since <= minor || seen[what] || $0 !~ pattern) return
      seen[what] = 1
      if (++told > 3) return
      text = "line " NR ": `" what "` is syntax of Stan 2." since " and later; this is " this
      print "stan_model.sh: " text ": " (instead == "" ? "" : instead ", or ") way
    }
    function removed(gone, pattern, what, instead) {
      if (minor < gone || seen[what] || $0 !~ pattern) return
      seen[what] = 1
      if (++told > 3) return
      print "stan_model.sh: line " NR ": Stan 2." gone " removed `" what "`; this is " this ": " instead
    }
    {
      feature(26, "(^|[;{(,])[ \t]*(data[ \t]+)?array[ \t]*\\[", "array[N] real x", "write `real x[N]`")
      feature(25, "_lup[dm]f", "_lupdf", "write _lpdf and _lpmf")
      feature(26, "(^|[^A-Za-z0-9_])profile[ \t]*\\(", "profile", "leave it out")
      feature(33, "(^|[^A-Za-z0-9_])tuple[ \t]*\\(", "tuple", "")
      feature(28, "(^|[^A-Za-z0-9_])complex(_vector|_row_vector|_matrix)?[ \t[]", "complex", "")
      feature(23, "(^|[^A-Za-z0-9_])reduce_sum(_static)?[ \t]*\\(", "reduce_sum", "call its function on all at once")
      feature(24, "(^|[^A-Za-z0-9_])ode_(rk45|bdf|adams|ckrk)", "ode_rk45", "write integrate_ode_rk45")
      feature(31, "(^|[^A-Za-z0-9_])solve_(newton|powell)", "solve_newton", "write algebra_solver")
      feature(29, "(^|[^A-Za-z0-9_])dae(_tol)?[ \t]*\\(", "dae", "")
      feature(36, "sum_to_zero_(vector|matrix)", "sum_to_zero_vector", \
              "write a vector that is one shorter, and minus its sum as the last element")
      feature(36, "(row|column)_stochastic_matrix", "row_stochastic_matrix", "write an array of simplexes")
      feature(35, "(^|[^A-Za-z0-9_])jacobian[ \t]*\\+=", "jacobian +=", "write target +=")
      feature(24, "%/%", "%/%", "write / for integers")
      feature(24, "[.]\\^", ".^", "write a loop")
      removed(33, "(^|[;{(,])[ \t]*(int|real|(row_)?vector|matrix|(unit_|positive_)?(ordered|simplex|vector)|c[a-z_]*(corr|cov)|corr_matrix|cov_matrix)([ \t]*<[^>]*>)?([ \t]*\\[[^]]*\\])?[ \t]+[A-Za-z][A-Za-z0-9_]*[ \t]*\\[[^]]*\\][ \t]*[;=]", \
              "real x[N]", "write `array[N] real x`")
      removed(33, "<-", "<-", "write =")
      removed(33, "^[ \t]*#", "# comment", "write //")
      removed(33, "increment_log_prob", "increment_log_prob", "write target +=")
      removed(33, "get_lp[ \t]*\\(", "get_lp()", "write target()")
      removed(33, "if_else[ \t]*\\(", "if_else", "write condition ? a : b")
      removed(33, "integrate_ode", "integrate_ode", "write ode_rk45")
      removed(33, "cov_exp_quad", "cov_exp_quad", "write gp_exp_quad_cov")
      removed(33, "_c?cdf_log[ \t]*\\(", "_cdf_log", "write _lcdf and _lccdf")
    }
    END {
      if (!told) print "stan_model.sh: this is " this \
        (minor < 36 ? "; for a newer Stan set BRIDGESTAN to a checkout of https://github.com/roualdes/bridgestan" : "")
    }' >&2
}

# excerpt MOST: what of $work/log is about the model, by its name.
excerpt() {
  sed -e '/codetools/d' -e '/^Execution halted/d' -e '/^Error in .*stanc(/d' -e '/failed to parse Stan model/d' \
    -e '/^ *0$/d' -e '/^ *-*$/d' -e '/^make.*: \*\*\*/d' -e '/^Warning message/d' \
    -e "s/ in 'string'/ in '$name'/" -e "s/ in 'model_$name'/ in '$name'/" "$work/log" |
    cut -c 1-160 | head -n "$1" >&2
}

# place FILE: puts a finished library under its name, or says where it is; never half of it.
place() {
  if "$cached"; then
    echo "$1"
    return
  fi
  { cp "$1" "$out.part-$$" && mv "$out.part-$$" "$out"; } || die 73 "cannot write $out"
  tell "Wrote $out"
}

# keep FILE NAME: moves a finished file into the cache, where another process may do the same.
keep() {
  { cp "$1" "$2.part-$$" && mv "$2.part-$$" "$2"; } || die 73 "cannot write $2"
}

# sources FILE DEPTH: its text, and that of the files that it includes.
sources() {
  cat "$1"
  [ "$2" -lt 8 ] || return 0
  sed -n 's/^[[:space:]]*#include[[:space:]]*[<"]\{0,1\}\([^<>"[:space:]]*\).*/\1/p' "$1" | while read -r file; do
    for folder in "$(dirname "$model")" .; do
      if [ -f "$folder/$file" ]; then
        sources "$folder/$file" $(($2 + 1))
        break
      fi
    done
  done
}

hash() { sha256sum | cut -c 1-24; }
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/riffle/stan
if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
  die 73 "cannot write to $cache, where libraries are kept: set XDG_CACHE_HOME to another folder"
fi

if [ -n "${BRIDGESTAN:-}" ]; then
  [ -f "$BRIDGESTAN/Makefile" ] || die 66 "BRIDGESTAN is $BRIDGESTAN, which is no BridgeStan checkout"
  minor=$(sed -n 's/^#define STAN_MINOR \([0-9]*\)/\1/p' "$BRIDGESTAN/stan/src/stan/version.hpp" 2>/dev/null || true)
  library=$cache/$name-$({
    echo "$BRIDGESTAN $minor"
    cat "$BRIDGESTAN/Makefile" "$0"
    sources "$model" 0
  } | hash).so
  if [ ! -f "$library" ]; then
    cp "$model" "$work/$name.stan"
    tell "Compiling $model with BridgeStan in $BRIDGESTAN (about 30 s) ..."
    if ! quietly make -C "$BRIDGESTAN" STAN_THREADS=true \
      STANCFLAGS="--include-paths=$(cd "$(dirname "$model")" && pwd)" "$work/${name}_model.so"; then
      excerpt 20
      explain_language "${minor:-99}" "Stan ${minor:+2.$minor }of BridgeStan in $BRIDGESTAN"
      no_library "BridgeStan's make of $model failed; what it said is above"
    fi
    keep "$work/${name}_model.so" "$library"
  fi
  place "$library"
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

version=$(sed -n 's/^Version: \([0-9]*\.[0-9]*\).*/\1/p' "$headers/DESCRIPTION")
minor=${version#*.}
flags="-O2 -fPIC -w -fvisibility=hidden -DBOOST_DISABLE_ASSERTS"
flags="$flags -I$headers/include -I$headers/include/src -I/usr/include/eigen3"
libraries=$headers/lib/libStanHeaders.a
if [ "$minor" -lt 26 ]; then
  # Debian's keeps its autodiff stack thread-local by itself.
  flags="-std=c++14 $flags"
  seconds="15 to 25 s"
else
  [ -f /usr/include/tbb/global_control.h ] || die 69 "tbb is missing: apt-get install -y libtbb-dev"
  flags="-std=c++17 -DSTAN_THREADS -D_REENTRANT -DTBB_INTERFACE_NEW $flags"
  libraries="$libraries -ltbb"
  seconds="30 to 60 s"
fi

# What a library depends on besides the model's text.
# shellcheck disable=SC2086  # it may be two words, such as ccache g++
toolchain=$($compiler --version | head -n 1; echo "$flags"; cat "$headers/DESCRIPTION" "$0")
glue=$cache/glue-$({ echo "$toolchain"; cat "$here/stan_glue.cpp"; } | hash).o
library=$cache/$name-$({ echo "$toolchain $glue"; sources "$model" 0; } | hash).so

# compile WHAT FILE.cpp FILE.o
compile() {
  # shellcheck disable=SC2086  # flags are words
  if ! quietly $compiler $flags -c "$2" -o "$3"; then
    grep -E 'error|terminated|memory' "$work/log" | cut -c 1-200 | head -n 5 >&2
    no_library "compiling $1 with $compiler failed; the first of what it said is above"
  fi
}

if [ ! -f "$library" ]; then
  tell "Compiling $model with Stan $version and $(basename "$compiler") ($seconds) ..."
  # shellcheck disable=SC2016  # the dollar is R's
  if ! quietly Rscript --vanilla -e '
    a <- commandArgs(TRUE)
    r <- rstan::stanc(a[1], model_name = a[2], obfuscate_model_name = FALSE)
    cat(r$cppcode, file = a[3])' "$model" "$name" "$work/model.cpp"; then
    excerpt 20
    explain_language "$minor" "Stan $version of the distribution"
    no_library "$model was not translated; what Stan said is above"
  fi
  # The line that a model is at, for its messages, or its profiles: the only variable that threads would share.
  sed -i -e 's/^static int current_statement_begin__;/static thread_local int current_statement_begin__;/' \
    -e 's/^stan::math::profile_map profiles__;/thread_local stan::math::profile_map profiles__;/' "$work/model.cpp"
  grep -q -E '^(static thread_local int current_statement_begin__|thread_local stan::math::profile_map profiles__);' \
    "$work/model.cpp" || die 70 "this Stan writes models in a way that stan_model.sh does not know"
  if [ ! -f "$glue" ]; then
    tell "Compiling the glue, once (10 to 30 s) ..."
    compile "the glue" "$here/stan_glue.cpp" "$work/glue.o"
    keep "$work/glue.o" "$glue"
  fi
  compile "$model" "$work/model.cpp" "$work/model.o"
  echo '{ global: bs_*; local: *; };' >"$work/symbols"  # two models in one process share nothing
  # shellcheck disable=SC2086
  if ! quietly $compiler -shared -o "$work/model.so" "$work/model.o" "$glue" \
    -Wl,--version-script="$work/symbols" -Wl,-z,defs -Wl,--as-needed $libraries; then
    excerpt 10
    no_library "linking $model failed; what it said is above"
  fi
  keep "$work/model.so" "$library"
fi
place "$library"
