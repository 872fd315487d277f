#include "model/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "io/sealed_json.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view format = "riffle-model-1";
constexpr std::size_t check_points = 4;
constexpr std::uint64_t check_seed = 0x726966666c65;

}  // namespace

void TrainedFlow::save(const std::filesystem::path& path) const {
  const auto& d = definition();
  const auto check = sample(check_points, check_seed);
  nlohmann::json parameters = nlohmann::json::array();
  for (const auto& tensor : this->parameters()) {
    parameters.push_back(
        {{"name", tensor.name}, {"shape", tensor.shape}, {"values", tensor.values}});
  }
  nlohmann::json content = {
      {"base", d.base},
      {"flow", d.layers},
      {"precision", name_of(d.precision)},
      {"dim", d.dim},
      {"parameters", parameters},
      {"check", {{"seed", check_seed}, {"z", check.z}, {"log_q", check.log_q}}}};
  if (!d.columns.empty()) content["columns"] = d.columns;
  write_sealed(path, format, content);
}

TrainedFlow TrainedFlow::load(const std::filesystem::path& path) {
  auto model = read_model(path);
  if (!(check_deviation(model) <= check_tolerance(model.flow.definition().precision))) {
    throw Error(ErrorKind::data,
                fmt::format("{}: the flow does not reproduce the check vectors saved with it",
                            path.string()));
  }
  return std::move(model.flow);
}

ModelFile read_model(const std::filesystem::path& path) {
  const auto content = read_sealed(path, format);
  try {
    const auto& check = content.at("check");
    // Numbers of another type would be converted, whatever they are.
    if (!content.at("dim").is_number_unsigned() || !check.at("seed").is_number_unsigned()) {
      throw Error(ErrorKind::data, "dim and check.seed must be whole numbers");
    }
    TrainedFlow::Definition d{content.at("base"),
                              content.at("flow"),
                              choice_named<Precision>(content.at("precision").get<std::string>()),
                              content.at("dim"),
                              {}};
    for (const auto& tensor : content.at("parameters")) {
      const auto values = tensor.at("values").get<std::vector<double>>();
      d.params.insert(d.params.end(), values.begin(), values.end());
    }
    // Not every model has them.
    if (content.contains("columns")) {
      d.columns = content.at("columns").get<std::vector<std::string>>();
    }
    return {TrainedFlow(std::move(d)),
            {check.at("seed"), check.at("z").get<std::vector<double>>(),
             check.at("log_q").get<std::vector<double>>()}};
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data,
                fmt::format("{}: not a complete model: {}", path.string(), error.what()));
  } catch (const Error& error) {
    throw Error(ErrorKind::data, fmt::format("{}: {}", path.string(), error.what()));
  }
}

double check_deviation(const ModelFile& model) {
  const auto now = model.flow.sample(check_points, model.check.seed);
  double worst = 0;
  const auto compare = [&](const std::vector<double>& a, const std::vector<double>& b) {
    constexpr double unknown = std::numeric_limits<double>::infinity();
    if (a.size() != b.size()) worst = unknown;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      const double deviation = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
      worst = std::max(worst, std::isfinite(deviation) ? deviation : unknown);
    }
  };
  compare(now.z, model.check.z);
  compare(now.log_q, model.check.log_q);
  return worst;
}

double check_tolerance(Precision precision) {
  return precision == Precision::float32 ? 1e-2 : 1e-6;
}

}  // namespace riffle
