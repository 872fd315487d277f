#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "riffle/error.h"
#include "targets/formula/formula.h"

/// A formula is read or refused, with a place in its text; one that is read can be evaluated.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto kind =
      data[0] % 2 == 0 ? riffle::FormulaKind::density : riffle::FormulaKind::log_density;
  try {
    const auto formula = riffle::parse_formula(text, kind, {}, "fuzz");
    if (formula.dim() == 0) std::abort();
    riffle::TileBuffer<double> z(formula.dim());
    riffle::TileBuffer<double> gradient(formula.dim());
    for (std::size_t d = 0; d < formula.dim(); ++d) {
      for (std::size_t s = 0; s < 3; ++s) z.row(d)[s] = static_cast<double>(d + s) - 1;
    }
    std::vector<double, riffle::CacheLineAllocator<double>> log_p(riffle::tile_size);
    riffle::make_formula_density<double>(formula, riffle::InstructionSet::best())
        ->evaluate(z.view(3), log_p.data(), gradient.view(3));
  } catch (const riffle::FormulaError& error) {
    if (error.excerpt().empty()) std::abort();
  } catch (const riffle::Error&) {
  }
  return 0;
}
