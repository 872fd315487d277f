#pragma once

#include <string>

#include "io/posterior_page.h"
#include "riffle/posterior.h"

namespace riffle {

/// What the page of the posterior `target` shows of a report.
PosteriorPage posterior_page(const std::string& target, const PosteriorReport& p);

}  // namespace riffle
