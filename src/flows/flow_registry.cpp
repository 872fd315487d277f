#include "flows/flow_registry.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "core/names.h"
#include "flows/planar.h"

namespace riffle {

std::span<const FlowEntry> flow_registry() {
  static const std::array registry{
      planar_entry,
      planar_free_entry,
  };
  return registry;
}

std::vector<LayerRun> parse_flow(std::string_view text) {
  constexpr std::size_t most_layers = 100'000;
  const auto bad = [&](std::string_view why) {
    return Error(
        ErrorKind::usage,
        fmt::format("flow \"{}\": {}; write NAME:COUNT, such as planar:16, and join several "
                    "by '+'",
                    text.substr(0, 64), why));
  };
  std::vector<LayerRun> runs;
  std::string_view rest = text;
  while (true) {
    const auto plus = rest.find('+');
    const auto item = rest.substr(0, plus);
    const auto colon = item.find(':');
    LayerRun run{std::string(item.substr(0, colon)), 1};
    if (run.name.empty()) throw bad("a layer has no name");
    if (colon != std::string_view::npos) {
      const auto digits = item.substr(colon + 1);
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), run.count);
      if (error != std::errc() || end != digits.data() + digits.size() || run.count == 0 ||
          run.count > most_layers) {
        throw bad(fmt::format("\"{}\" is not a count from 1 to {}", digits, most_layers));
      }
    }
    find_by_name(flow_registry(), run.name, "flow");
    runs.push_back(std::move(run));
    if (plus == std::string_view::npos) return runs;
    rest.remove_prefix(plus + 1);
  }
}

template <class T>
std::unique_ptr<Chain<T>> make_flow(std::span<const LayerRun> runs, const LayerOptions& options) {
  typename Chain<T>::Layers layers;
  for (const auto& run : runs) {
    const auto& entry = find_by_name(flow_registry(), run.name, "flow");
    layers.insert(layers.end(), run.count, entry.make<T>(options));
  }
  return std::make_unique<Chain<T>>(options.dim, std::move(layers));
}

template std::unique_ptr<Chain<float>> make_flow(std::span<const LayerRun>, const LayerOptions&);
template std::unique_ptr<Chain<double>> make_flow(std::span<const LayerRun>, const LayerOptions&);
template std::unique_ptr<Chain<Dual>> make_flow(std::span<const LayerRun>, const LayerOptions&);

}  // namespace riffle
