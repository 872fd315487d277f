# The Debian and Ubuntu packages that Riffle uses, by what for. To be sourced.
# shellcheck shell=sh disable=SC2034
build_packages="g++ cmake ninja-build libhwy-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libcli11-dev libeigen3-dev"
plot_packages="gnuplot-nox"
# For tools/stan_model.sh; without them tests of Stan models are skipped. RcppParallel, which rstan loads, asks
# dpkg-architecture, of dpkg-dev, where it is.
stan_packages="r-cran-rstan r-cran-stanheaders dpkg-dev"
test_packages="libgtest-dev"
# For the package of R in r/; without them its tests are skipped.
r_packages="r-base-dev r-cran-jsonlite r-cran-testthat r-cran-withr pkg-config"
# For the package of Python in python/; without NumPy its tests are skipped.
python_packages="python3-venv python3-numpy"
clang_packages="clang libclang-rt-dev"
# The jobs of .ci/jobs.
format_packages="clang-format"
tidy_packages="clang-tidy"
docs_packages="doxygen"
site_packages="doxygen python3-sphinx python3-myst-parser furo"
coverage_packages="gcovr"
# Another processor: the preset aarch64. Its libraries are unpacked by tools/aarch64_sysroot.sh.
cross_packages="g++-aarch64-linux-gnu qemu-user"
