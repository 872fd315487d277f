#include "run/checkpoint_file.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>

#include "io/sealed_json.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view format = "riffle-checkpoint-1";

/// A count; nlohmann's own conversion takes any number, and what does not fit is undefined.
std::uint64_t count(const nlohmann::json& value) {
  if (!value.is_number_unsigned()) throw Error(ErrorKind::data, "a count is no whole number");
  return value.get<std::uint64_t>();
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                     const std::string& spec) {
  const auto& t = checkpoint.trainer;
  nlohmann::json snapshots = nlohmann::json::array();
  for (const auto& snapshot : checkpoint.snapshots) {
    snapshots.push_back({{"iteration", snapshot.iteration}, {"x", snapshot.x}, {"y", snapshot.y}});
  }
  nlohmann::json held_out = nlohmann::json::array();
  for (const auto& check : checkpoint.held_out) held_out.push_back({check.iteration, check.loss});
  write_sealed(path, format,
               {{"spec", spec},
                {"iteration", t.iteration},
                {"params", t.params},
                {"optimizer_steps", t.optimizer_steps},
                {"first", t.first},
                {"second", t.second},
                {"velocity", t.velocity},
                {"loss_every", t.loss_every},
                {"losses", t.losses},
                {"refused_steps", t.refused_steps},
                {"refused_in_a_row", t.refused_in_a_row},
                {"blame", t.blame},
                {"refusals", t.refusals},
                {"seconds", checkpoint.seconds},
                {"snapshots", snapshots},
                {"held_out", held_out},
                {"spent",
                 {{"evaluations", checkpoint.spent.evaluations},
                  {"failed_evaluations", checkpoint.spent.failed_evaluations},
                  {"first_failure", checkpoint.spent.first_failure},
                  {"seconds_in_target", checkpoint.spent.seconds_in_target}}},
                {"best",
                 {{"value", checkpoint.best.value},
                  {"iteration", checkpoint.best.iteration},
                  {"params", checkpoint.best.params},
                  {"checks_since", checkpoint.best.checks_since}}}});
}

Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& spec) {
  const auto content = read_sealed(path, format);
  const auto own_spec = content.find("spec");
  if (own_spec == content.end() || *own_spec != spec) {
    throw Error(ErrorKind::data,
                fmt::format("{} belongs to a run with another spec", path.string()));
  }
  try {
    Checkpoint c;
    auto& t = c.trainer;
    t.iteration = count(content.at("iteration"));
    content.at("params").get_to(t.params);
    t.optimizer_steps = count(content.at("optimizer_steps"));
    content.at("first").get_to(t.first);
    content.at("second").get_to(t.second);
    content.at("velocity").get_to(t.velocity);
    t.loss_every = count(content.at("loss_every"));
    // A loss that is not finite is written as null.
    for (const auto& loss : content.at("losses")) {
      t.losses.push_back(loss.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                        : loss.get<double>());
    }
    t.refused_steps = count(content.at("refused_steps"));
    t.refused_in_a_row = count(content.at("refused_in_a_row"));
    for (const auto& n : content.at("blame")) t.blame.push_back(count(n));
    for (const auto& n : content.at("refusals")) t.refusals.push_back(count(n));
    content.at("seconds").get_to(c.seconds);
    for (const auto& s : content.at("snapshots")) {
      c.snapshots.push_back({count(s.at("iteration")), s.at("x"), s.at("y")});
      if (c.snapshots.back().x.size() != c.snapshots.back().y.size()) {
        throw Error(ErrorKind::data, "a snapshot has not as many x as y");
      }
    }
    for (const auto& check : content.at("held_out")) {
      // A loss that is not finite is written as null.
      c.held_out.push_back({count(check.at(0)), check.at(1).is_null()
                                                    ? std::numeric_limits<double>::quiet_NaN()
                                                    : check.at(1).get<double>()});
    }
    const auto& spent = content.at("spent");
    c.spent.evaluations = count(spent.at("evaluations"));
    c.spent.failed_evaluations = count(spent.at("failed_evaluations"));
    spent.at("first_failure").get_to(c.spent.first_failure);
    spent.at("seconds_in_target").get_to(c.spent.seconds_in_target);
    const auto& best = content.at("best");
    best.at("value").get_to(c.best.value);
    c.best.iteration = count(best.at("iteration"));
    best.at("params").get_to(c.best.params);
    c.best.checks_since = count(best.at("checks_since"));
    if (!c.best.params.empty() && c.best.params.size() != t.params.size()) {
      throw Error(ErrorKind::data, "the best parameters are not as many as the latest");
    }
    return c;
  } catch (const Error& error) {
    throw Error(ErrorKind::data, fmt::format("{}: {}", path.string(), error.what()));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::data,
                fmt::format("{}: not a complete checkpoint: {}", path.string(), error.what()));
  }
}

}  // namespace riffle
