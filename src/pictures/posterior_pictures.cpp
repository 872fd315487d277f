#include "pictures/posterior_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/figure_text.h"
#include "diagnostics/parameter_selection.h"
#include "riffle/error.h"

namespace riffle {
namespace {

std::string count(double n) {
  if (n >= 1e6) return fmt::format("{:.1f} M", n / 1e6);
  return n >= 1e4 ? fmt::format("{:.0f} k", n / 1e3) : fmt::format("{:.0f}", n);
}

/// A bound for a cell of a table: short however large it is.
std::string bound_text(double elbo) {
  constexpr double large = 1e8;
  if (!std::isfinite(elbo)) return "";
  return std::abs(elbo) < large ? fmt::format("{:.3f}", elbo) : fmt::format("{:.6g}", elbo);
}

/// Columns of the parameters that `names` name.
std::vector<std::size_t> chosen_columns(const PosteriorReport& p,
                                        const std::vector<std::string>& names) {
  constexpr std::size_t most = 8;
  std::vector<std::size_t> columns;
  if (names.empty()) return columns;
  for (const auto& parameter : select_parameters(p.parameters, names)) {
    const auto at = std::ranges::find(p.parameters, parameter.name, &PosteriorParameter::name);
    columns.push_back(static_cast<std::size_t>(at - p.parameters.begin()));
  }
  if (columns.size() > most) {
    throw Error(ErrorKind::usage,
                fmt::format("{} parameters are more than the {} that the page has room for: name "
                            "elements, such as {}",
                            columns.size(), most, p.parameters[columns.front()].name));
  }
  return columns;
}

}  // namespace

PosteriorPage posterior_page(const std::string& target, const PosteriorReport& p,
                             const std::vector<std::string>& chosen) {
  PosteriorPage page;
  page.title = target;
  page.grade = p.verdict;
  page.lines.push_back(
      fmt::format("log Z = {}{},  ELBO = {},  {:.0f} % of {} draws effective,  k̂ = {}",
                  figure_text(p.log_z, p.log_z_se), p.keeps_constants ? "" : " (up to a constant)",
                  figure_text(p.elbo), 100 * p.ess_fraction, p.draws,
                  p.khat ? fmt::format("{:.2f}", *p.khat) : "–"));
  for (const auto& reason : p.verdict_reasons) {
    if (page.lines.size() < 3) page.lines.push_back(reason);
  }
  page.chosen = chosen_columns(p, chosen);
  page.parameter_count = p.parameter_count;
  // Generated quantities may be thousands, and are seldom what a fit is judged by.
  const std::size_t columns = p.parameters.size();
  const std::size_t shown = page.chosen.empty() ? columns - p.generated_count : columns;
  for (std::size_t i = 0; i < shown; ++i) page.names.push_back(p.parameters[i].name);
  for (std::size_t row = 0; row < p.values.size(); row += columns) {
    const auto first = p.values.begin() + static_cast<std::ptrdiff_t>(row);
    page.values.insert(page.values.end(), first, first + static_cast<std::ptrdiff_t>(shown));
  }
  page.resampled = p.resampled;
  page.by_sampler = p.draws_by == DrawsBy::sampler;
  if (!p.resampled && !page.by_sampler) page.log_weights = p.log_weights;
  page.log_z = p.log_z;
  for (const auto& point : p.trace) {
    page.bound.push_back({static_cast<double>(point.gradients), point.elbo,
                          point.stage < p.stages.size() ? p.stages[point.stage].name : ""});
  }
  page.stage_header = {"stage", "gradients", "seconds", "ELBO", "effective"};
  for (const auto& s : p.stages) {
    page.stages.push_back(
        {s.name, count(static_cast<double>(s.gradients)), fmt::format("{:.2f}", s.seconds),
         bound_text(s.elbo),
         std::isfinite(s.ess_fraction) ? fmt::format("{:.0f} %", 100 * s.ess_fraction) : ""});
  }
  return page;
}

}  // namespace riffle
