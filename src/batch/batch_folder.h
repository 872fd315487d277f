#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "batch/batch_items.h"
#include "riffle/spec.h"

// The folder of a batch:
//   batch.json            what is fitted: the spec and the items
//   rows-K-of-N.jsonl     a line for each fit of shard K that is done, in the order in which they
//   ended results.csv           the table, by number, once all are done

namespace riffle {

/// Shard k of n, from 1: items k - 1, k - 1 + n, ...
struct Shard {
  std::size_t k = 1;
  std::size_t n = 1;
};

/// Writes batch.json into a folder that is new or empty, or holds the same batch. Throws
/// Error{cannot_create} where it holds anything else.
void claim_batch_folder(const std::filesystem::path& folder, const Spec& spec,
                        std::span<const BatchItem> items);

/// The numbers of the items whose rows are in the folder, whatever shard made them.
std::set<std::size_t> finished_items(const std::filesystem::path& folder);

/// The rows of one shard, appended one at a time. It is this process's alone while this lives.
class RowFile {
 public:
  /// Cuts off what a killed process left of a line. Throws Error{cannot_create} where another
  /// process has the file.
  RowFile(const std::filesystem::path& folder, Shard shard);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  /// The row, in one line, is there as a whole or not at all. Throws Error{io}.
  void append(const nlohmann::ordered_json& row);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

struct BatchTable {
  std::string csv;
  std::size_t rows = 0;
  std::size_t failed = 0;
  std::size_t unreliable = 0;
  std::size_t missing = 0;  ///< items without a row
};

/// The rows of all shards as a table, ordered by number; the same bits whatever made them. Throws
/// Error{no_input} for a folder without a batch, and Error{data} for a damaged one.
BatchTable batch_table(const std::filesystem::path& folder);

/// The rows of all shards, ordered by number. Throws Error{data} for a damaged folder.
std::vector<nlohmann::ordered_json> batch_rows(const std::filesystem::path& folder);

namespace batch_files {
inline constexpr const char* batch = "batch.json";
inline constexpr const char* results = "results.csv";
}  // namespace batch_files

}  // namespace riffle
