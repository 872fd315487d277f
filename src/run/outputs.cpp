#include "run/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "riffle/error.h"
#include "run/inputs.h"
#include "run/run_folder.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// A spec alone may be anybody's.
bool is_folder_of_a_run(const fs::path& folder) {
  return is_there(folder / run_files::spec) &&
         (is_there(folder / run_files::model) || is_there(folder / run_files::summary) ||
          is_there(folder / run_files::checkpoint));
}

/// Whether a path leads to the file of a run, in the run's folder or in one of that.
bool is_of_a_run(const fs::path& path) {
  for (auto folder = path.parent_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    const auto name = path.lexically_relative(folder);
    if (std::distance(name.begin(), name.end()) > 2) return false;
    if (is_folder_of_a_run(folder) && is_file_of_a_run(name)) {
      return is_there(path) || name != run_files::draws;
    }
  }
  return false;
}

}  // namespace

bool is_file_of_a_run(const fs::path& name) {
  const auto text = name.generic_string();
  if (std::ranges::find(run_files::all, text) != run_files::all.end()) return true;
  // Of a figure of many fits: its table and a model of each.
  if (text == "figure3.csv" || name.extension() == ".riffle") return true;
  const bool is_sample =
      name.parent_path() == "samples" && name.filename().string().starts_with("flow_result_");
  return is_sample || std::ranges::any_of(pictures_of_runs, [&](const char* picture) {
           return text == std::string(picture) + name.extension().string();
         });
}

void refuse_files_of_runs(const fs::path& where, const fs::path& file) {
  if (file.empty()) return;
  std::error_code error;
  const auto refuse = [&](std::string_view what) {
    throw Error(ErrorKind::usage, fmt::format("{} {}: write to another file", file.string(), what));
  };
  const auto real = fs::weakly_canonical(fs::absolute(file, error), error);
  const auto as_named = fs::absolute(file, error).lexically_normal();
  if (is_of_a_run(real) || is_of_a_run(as_named)) refuse("belongs to a run");
  const auto folder = fs::is_directory(where, error) ? where : where.parent_path();
  // Hard links, and a model file outside of a run's folder.
  if (folder != where && fs::equivalent(where, file, error)) {
    refuse("is the model that is to be read");
  }
  for (const char* name : run_files::all) {
    if (is_folder_of_a_run(folder) && fs::equivalent(folder / name, file, error)) {
      refuse("belongs to a run");
    }
  }
  if (!is_there(folder / run_files::spec) || !is_there(file)) return;
  for (const auto& input : input_paths(spec_of_run(folder))) {
    if (!input.empty() && fs::equivalent(input, file, error)) {
      refuse(fmt::format("is what the run in {} was made from", folder.string()));
    }
  }
}

void refuse_same_file(const fs::path& read, const fs::path& file) {
  std::error_code error;
  // A device or a pipe may be both.
  if (file.empty() || !fs::is_regular_file(file, error) || !fs::equivalent(read, file, error)) {
    return;
  }
  throw Error(ErrorKind::usage,
              fmt::format("{} is read from: write to another file", file.string()));
}

}  // namespace riffle
