#include "run/inputs.h"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "io/digest.h"
#include "io/files.h"
#include "riffle/error.h"
#include "run/run_folder.h"
#include "targets/stan_program.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// A file that a spec may name.
struct Input {
  std::string_view key;
  std::string path;
  bool is_library;
};

/// `data` may also be the data themselves: then the spec holds them, and there is no such file.
std::array<Input, 5> inputs_of(const Spec& spec) {
  const auto& t = spec.target;
  return {{{"samples", t.samples, false},
           {"data", t.data, false},
           {"init", t.init, false},
           {"stan", t.stan, !is_stan_program(t.stan)},
           {"plugin", t.plugin, true}}};
}

/// The digest of a file; empty where there is none that can be read.
std::string digest_of_file(const std::string& path) {
  std::error_code error;
  if (path.empty() || !fs::is_regular_file(path, error)) return {};
  std::ifstream file(path, std::ios::binary);
  Digest digest;
  std::array<char, 1 << 16> part;
  while (file.read(part.data(), part.size()) || file.gcount() > 0) {
    digest.add({part.data(), static_cast<std::size_t>(file.gcount())});
  }
  return file.eof() ? digest.text() : std::string();
}

/// What is written down of an input; empty where nothing is.
std::string recorded_digest(const fs::path& record, std::string_view key) {
  try {
    const auto json = nlohmann::json::parse(read_file(record));
    const auto found = json.find(key);
    return found == json.end() ? std::string() : found->at("digest").get<std::string>();
  } catch (const nlohmann::json::exception& damage) {
    throw Error(ErrorKind::data, fmt::format("{} does not tell what a run was made of: {}",
                                             record.string(), damage.what()));
  }
}

}  // namespace

std::vector<std::string> input_paths(const Spec& spec) {
  std::vector<std::string> paths;
  for (const auto& input : inputs_of(spec)) paths.push_back(input.path);
  return paths;
}

void write_inputs(const fs::path& folder, const Spec& spec) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& input : inputs_of(spec)) {
    const auto digest = digest_of_file(input.path);
    if (!digest.empty()) json[input.key] = {{"path", input.path}, {"digest", digest}};
  }
  if (!json.empty()) write_file(folder / run_files::inputs, json.dump(2) + "\n");
}

void refuse_inputs_of_its_own(const fs::path& folder, const Spec& spec) {
  for (const auto& input : inputs_of(spec)) {
    for (const char* name : run_files::all) {
      std::error_code error;
      if (!input.path.empty() && fs::equivalent(input.path, folder / name, error)) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} belongs to the run that the new one would replace: choose "
                                "another folder with --out, or make a copy of the file",
                                input.path));
      }
    }
  }
}

void check_inputs(const fs::path& folder, const Spec& spec, std::vector<std::string>& warnings) {
  const auto record = folder / run_files::inputs;
  std::error_code error;
  if (!fs::exists(record, error)) return;
  for (const auto& input : inputs_of(spec)) {
    const auto then = recorded_digest(record, input.key);
    const auto now = digest_of_file(input.path);
    if (then.empty() || now.empty() || now == then) continue;
    const auto change =
        fmt::format("{} has changed since the run in {} began", input.path, folder.string());
    if (!input.is_library) {
      throw Error(ErrorKind::data,
                  fmt::format("{}: its target was another; put the old file back, or fit anew: "
                              "`riffle fit {} --out {} --force`",
                              change, (folder / run_files::spec).string(), folder.string()));
    }
    warnings.push_back(change +
                       ": where it is more than the same model built again, its densities do not "
                       "go with the run");
  }
}

}  // namespace riffle
