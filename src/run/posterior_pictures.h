#pragma once

#include "io/posterior_page.h"
#include "riffle/fit.h"

namespace riffle {

/// What the page of a posterior shows of its report, which has one.
PosteriorPage posterior_page(const FitReport& report);

}  // namespace riffle
