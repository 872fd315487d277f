#pragma once

#include <string>
#include <vector>

#include "pictures/posterior_page.h"
#include "riffle/posterior.h"

namespace riffle {

/// What the page of the posterior `target` shows of a report: the parameters that `chosen` names
/// (select_parameters), at most eight, or where it names none those that a reader looks for first.
/// Throws Error{usage} for a name that is not there, and for more than the page has room for.
PosteriorPage posterior_page(const std::string& target, const PosteriorReport& p,
                             const std::vector<std::string>& chosen = {});

}  // namespace riffle
