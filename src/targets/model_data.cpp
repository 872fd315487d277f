#include "targets/model_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "riffle/error.h"
#include "targets/shared_library.h"

namespace riffle {
namespace {

std::string file_text(const std::string& path) {
  std::error_code error;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error)) {
    throw Error(ErrorKind::no_input, fmt::format("cannot read the data file {}", path));
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Puts a number of the same length in the place of each bare word that stands for one, so that
/// positions stay what they are.
void replace_words(std::string& text) {
  constexpr std::array<std::string_view, 3> words{"NaN", "Infinity", "Inf"};
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      for (const auto word : words) {
        if (text.compare(i, word.size(), word) != 0) continue;
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(i), word.size(), '1');
        if (i > 0 && text[i - 1] == '+') text[i - 1] = ' ';
        i += word.size() - 1;
        break;
      }
    }
  }
}

}  // namespace

bool is_data_path(const std::string& data) {
  const auto first = data.find_first_not_of(" \t\r\n");
  return first != std::string::npos && data[first] != '{' && data[first] != '[';
}

void check_model_data(const std::string& data) {
  if (data.empty()) return;
  const bool is_path = is_data_path(data);
  const std::string name = is_path ? data : "the data";
  if (is_path && !data.ends_with(".json")) {
    throw Error(ErrorKind::usage,
                fmt::format("the data must be a file whose name ends in .json, or JSON, not {}",
                            one_line(data.c_str())));
  }
  auto text = is_path ? file_text(data) : data;
  replace_words(text);
  try {
    // Elements are dropped as soon as they were read: only whether they can be read is of interest.
    const auto kept = [](int depth, auto, const nlohmann::json&) { return depth == 0; };
    if (!nlohmann::json::parse(text, kept).is_object()) {
      throw Error(ErrorKind::data, fmt::format("{}: must be a JSON object", name));
    }
  } catch (const nlohmann::json::parse_error& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const std::string_view all = error.what();
    const auto at = all.find("at line");
    throw Error(ErrorKind::data,
                fmt::format("{}: not valid JSON: {}", name,
                            one_line(std::string(all.substr(at == all.npos ? 0 : at)).c_str())));
  }
}

}  // namespace riffle
