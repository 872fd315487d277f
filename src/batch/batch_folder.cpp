#include "batch/batch_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "io/csv.h"
#include "io/files.h"
#include "io/folder_lock.h"
#include "riffle/error.h"
#include "riffle/version.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view format_name = "riffle-batch-1";

bool is_row_file(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  return name.starts_with("rows-") && name.ends_with(".jsonl");
}

std::string manifest(const Spec& spec, std::span<const BatchItem> items) {
  Json all = Json::array();
  for (const auto& item : items) {
    Json entry{{"data", item.data}};
    if (!item.digest.empty()) entry["digest"] = item.digest;
    for (const auto& [key, value] : item.keys) {
      // Of a data set the name and the digest will do; its path may differ between machines.
      if (key != "target.data" && key != "target.samples") entry["keys"][key] = value;
    }
    all.push_back(std::move(entry));
  }
  Spec own = spec;
  own.run.threads = 0;
  own.run.quiet = false;
  if (!items.empty() && !items.front().digest.empty()) own.target.data = own.target.samples = "";
  return text_of(Json{{"format", format_name},
                      {"version", RIFFLE_VERSION},
                      {"spec", to_toml(own)},
                      {"items", std::move(all)}});
}

Error not_a_batch(const std::filesystem::path& path, std::string_view why) {
  return {ErrorKind::data, fmt::format("{} is damaged: {}", path.string(), why)};
}

/// The whole lines of a file of rows; what a process is writing now, or left when it was killed, is
/// not one.
template <class F>
void for_each_row(const std::filesystem::path& folder, F&& f) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (is_row_file(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    const auto text = read_file(file);
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const auto end = text.find('\n', begin);
      if (end == std::string::npos) break;
      ++number;
      try {
        f(Json::parse(std::string_view(text).substr(begin, end - begin)));
      } catch (const std::exception& damage) {
        throw not_a_batch(file, fmt::format("line {}: {}", number, damage.what()));
      }
      begin = end + 1;
    }
  }
}

/// Of a number that two shards made the first is taken: they are alike.
std::map<std::size_t, Json> rows_by_number(const std::filesystem::path& folder) {
  std::map<std::size_t, Json> rows;
  for_each_row(folder, [&](Json row) {
    const auto number = row.at("number").get<std::size_t>();
    rows.try_emplace(number, std::move(row));
  });
  return rows;
}

}  // namespace

void claim_batch_folder(const std::filesystem::path& folder, const Spec& spec,
                        std::span<const BatchItem> items) {
  make_folder(folder);
  // Shards that start together: one writes, the others find what it wrote.
  FolderLock lock = [&] {
    for (int tries = 0;; ++tries) {
      try {
        return FolderLock(folder, FolderLock::Kind::sole, folder);
      } catch (const Error&) {
        if (tries == 500) throw;
        ::usleep(20'000);
      }
    }
  }();
  const auto path = folder / batch_files::batch;
  const auto wanted = manifest(spec, items);
  if (std::filesystem::exists(path)) {
    if (read_file(path) == wanted) return;
    throw Error(
        ErrorKind::cannot_create,
        fmt::format("{} holds another batch, of other settings or data: choose another folder "
                    "with --out",
                    folder.string()));
  }
  if (!std::filesystem::is_empty(folder)) {
    throw Error(ErrorKind::cannot_create,
                fmt::format("{} is not empty, and holds no batch: choose another folder with --out",
                            folder.string()));
  }
  write_file(path, wanted);
}

std::set<std::size_t> finished_items(const std::filesystem::path& folder) {
  std::set<std::size_t> numbers;
  for_each_row(folder,
               [&](const Json& row) { numbers.insert(row.at("number").get<std::size_t>()); });
  return numbers;
}

RowFile::RowFile(const std::filesystem::path& folder, Shard shard)
    : path_(folder / fmt::format("rows-{}-of-{}.jsonl", shard.k, shard.n)),
      file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (file_ < 0) {
    throw Error(ErrorKind::cannot_create,
                fmt::format("cannot create {}: {}", path_.string(), std::strerror(errno)));
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(file_);
    throw Error(ErrorKind::cannot_create,
                fmt::format("another riffle is at work on shard {}/{} in {}", shard.k, shard.n,
                            folder.string()));
  }
  const auto text = read_file(path_);
  const auto whole = text.rfind('\n') + 1;  // 0 where there is none
  if (whole != text.size() && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) {
    const int cause = errno;
    ::close(file_);
    throw Error(ErrorKind::io,
                fmt::format("cannot write {}: {}", path_.string(), std::strerror(cause)));
  }
}

RowFile::~RowFile() {
  ::close(file_);
}

void RowFile::append(const nlohmann::ordered_json& row) {
  const auto line = row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const auto before = ::lseek(file_, 0, SEEK_END);
  std::size_t written = 0;
  while (written < line.size()) {
    const auto n = ::write(file_, line.data() + written, line.size() - written);
    if (n > 0) {
      written += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      const int cause = errno;
      // Half a line would be cut off by whoever goes on; it is better not to leave one.
      static_cast<void>(::ftruncate(file_, before) == 0);
      throw Error(ErrorKind::io,
                  fmt::format("cannot write {}: {}", path_.string(), std::strerror(cause)));
    }
  }
}

namespace {

/// Figures of a row's report, in the order of the table; columns that no row has are left out.
constexpr std::string_view report_columns[] = {
    "verdict",           "log_z", "log_z_se", "elbo", "elbo_se",     "log_likelihood",
    "log_likelihood_se", "khat",  "ess",      "kl",   "stop_reason", "gradients",
    "iterations"};
constexpr std::string_view parameter_columns[] = {"mean", "sd", "q5", "q50", "q95"};

/// Names in the order of their first appearance.
class Columns {
 public:
  std::size_t index(std::string_view name) {
    const auto [at, is_new] = index_.try_emplace(std::string(name), names_.size());
    if (is_new) names_.emplace_back(name);
    return at->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

void add_cell(CsvText& csv, const Json* cell) {
  if (cell == nullptr || cell->is_null()) {
    csv.add(std::string_view());
  } else if (cell->is_string()) {
    csv.add(std::string_view(cell->get_ref<const std::string&>()));
  } else if (cell->is_number_integer()) {
    csv.add(cell->get<std::uint64_t>());
  } else {
    csv.add(cell->get<double>());
  }
}

}  // namespace

std::vector<Json> batch_rows(const std::filesystem::path& folder) {
  std::vector<Json> rows;
  for (auto& [number, row] : rows_by_number(folder)) rows.push_back(std::move(row));
  return rows;
}

BatchTable batch_table(const std::filesystem::path& folder) {
  const auto path = folder / batch_files::batch;
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorKind::no_input, fmt::format("{} holds no batch", folder.string()));
  }
  std::size_t items = 0;
  try {
    const auto all = Json::parse(read_file(path));
    if (all.at("format") != format_name) throw std::runtime_error("another format");
    items = all.at("items").size();
  } catch (const std::exception& damage) {
    throw not_a_batch(path, damage.what());
  }

  const auto rows = rows_by_number(folder);

  Columns columns;
  std::vector<std::vector<const Json*>> cells;
  for (const auto name : {"number", "data", "status", "message"}) columns.index(name);
  const auto put = [&](std::vector<const Json*>& row, std::string_view name, const Json& value) {
    const auto at = columns.index(name);
    if (row.size() <= at) row.resize(at + 1, nullptr);
    row[at] = &value;
  };
  BatchTable table;
  for (const auto& [number, row] : rows) {
    auto& line = cells.emplace_back();
    for (const auto name : {"number", "data", "status", "message"}) put(line, name, row.at(name));
    if (row.contains("keys")) {
      for (const auto& [key, value] : row["keys"].items()) put(line, key, value);
    }
    table.failed += row["status"] == "failed" ? 1 : 0;
    if (!row.contains("report")) continue;
    const auto& report = row["report"];
    table.unreliable += report.value("verdict", Json()) == "unreliable" ? 1 : 0;
    for (const auto name : report_columns) {
      if (report.contains(name) && !report[name].is_null()) put(line, name, report[name]);
    }
  }
  // Parameters come last, whichever row has them first.
  std::size_t at = 0;
  for (const auto& [number, row] : rows) {
    auto& line = cells[at++];
    if (!row.contains("report")) continue;
    const auto& parameters = row["report"].value("parameters", Json());
    if (!parameters.is_object()) continue;
    for (const auto& [name, figures] : row["report"]["parameters"].items()) {
      for (const auto figure : parameter_columns) {
        if (figures.contains(figure))
          put(line, fmt::format("{}.{}", name, figure), figures[figure]);
      }
    }
  }

  CsvText csv(columns.names());
  for (auto& line : cells) {
    line.resize(columns.names().size(), nullptr);
    for (const auto* cell : line) add_cell(csv, cell);
    csv.end_row();
  }
  table.csv = csv.take();
  table.rows = rows.size();
  table.missing = items - std::min(items, rows.size());
  return table;
}

}  // namespace riffle
