#include "batch/batch_items.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "io/digest.h"
#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::uint64_t most_items = 10'000'000;

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n;
}

std::vector<std::string> seeds_of(const std::string& text) {
  std::vector<std::string> seeds;
  for (const auto& part : split(text, ',')) {
    const auto colon = part.find(':');
    const auto first = whole_number(std::string_view(part).substr(0, colon));
    const auto last =
        colon == std::string::npos ? first : whole_number(std::string_view(part).substr(colon + 1));
    if (!first || !last || *last < *first || *last - *first >= most_items) {
      throw Error(ErrorKind::usage,
                  fmt::format("--seeds {}: \"{}\" is no seed, and no range of them such as 1:1000",
                              text, part));
    }
    for (auto seed = *first;; ++seed) {
      seeds.push_back(std::to_string(seed));
      if (seed == *last) break;
    }
  }
  return seeds;
}

bool is_json_lines(const std::filesystem::path& path) {
  return path.extension() == ".jsonl" || path.extension() == ".ndjson";
}

std::vector<BatchItem> lines_of(const std::string& key, const std::filesystem::path& file) {
  std::vector<BatchItem> items;
  std::size_t number = 0;
  for (const auto& line : split(read_file(file), '\n')) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    items.push_back({fmt::format("line {}", number), {{key, line}}, digest_of(line)});
  }
  if (items.empty()) {
    throw Error(ErrorKind::no_input, fmt::format("{} has no line", file.string()));
  }
  return items;
}

std::vector<BatchItem> files_of(const std::string& key, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<BatchItem> items;
  for (const auto& file : files) {
    items.push_back({file.filename().string(),
                     {{key, std::filesystem::absolute(file).string()}},
                     digest_of(read_file(file))});
  }
  if (items.empty()) {
    throw Error(ErrorKind::no_input,
                fmt::format("{} has no files: each is to be a data set", folder.string()));
  }
  return items;
}

std::vector<BatchItem> data_sets(const Spec& spec) {
  for (const auto& [key, value] :
       {std::pair<std::string, std::string>{"target.samples", spec.target.samples},
        {"target.data", spec.target.data}}) {
    if (value.empty() || value.find_first_of("{\n") != std::string::npos) continue;
    std::error_code error;
    if (std::filesystem::is_directory(value, error)) return files_of(key, value);
    if (is_json_lines(value)) return lines_of(key, value);
  }
  return {BatchItem{}};
}

/// Each item with each value.
std::vector<BatchItem> times(const std::vector<BatchItem>& items, const std::string& key,
                             const std::vector<std::string>& values) {
  if (items.size() * values.size() > most_items) {
    throw Error(ErrorKind::usage,
                fmt::format("more than {} fits are too many for one batch", most_items));
  }
  std::vector<BatchItem> product;
  product.reserve(items.size() * values.size());
  for (const auto& item : items) {
    for (const auto& value : values) {
      product.push_back(item);
      product.back().keys.emplace_back(key, value);
    }
  }
  return product;
}

}  // namespace

std::vector<BatchItem> batch_items(const Spec& spec, const BatchVariations& variations) {
  auto items = data_sets(spec);
  for (const auto& list : variations.grid) {
    const auto equals = list.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::usage, fmt::format("--grid {}: write SECTION.KEY=VALUE,VALUE", list));
    }
    items =
        times(items, list.substr(0, equals), split(std::string_view(list).substr(equals + 1), ','));
  }
  if (!variations.seeds.empty()) items = times(items, "run.seed", seeds_of(variations.seeds));
  return items;
}

Spec spec_of_item(const Spec& spec, const BatchItem& item) {
  Spec own = spec;
  // The target's name decides which other keys it has.
  for (const bool names : {true, false}) {
    for (const auto& [key, value] : item.keys) {
      if ((key == "target.name" || key == "target") == names) set_key(own, key, value);
    }
  }
  own.validate();
  return own;
}

}  // namespace riffle
