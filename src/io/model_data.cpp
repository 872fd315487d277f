#include "io/model_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "io/plain_text.h"
#include "riffle/error.h"

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

/// "line 3, column 7", of the character before `position` characters of the text.
std::string place_of(std::string_view text, std::size_t position) {
  const auto before = text.substr(0, std::min(position, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto start = before.rfind('\n');
  const auto column = before.size() - (start == before.npos ? 0 : start + 1);
  return fmt::format("line {}, column {}", line, std::max<std::size_t>(column, 1));
}

/// Follows the text of data, and finds what no model can take, of which readers say little or
/// nothing: a key that is there twice, an array whose parts are of different sizes, a number beyond
/// what double precision holds.
class DataChecker final : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// `name` is what messages call the text.
  DataChecker(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }

  bool start_object(std::size_t) override {
    value();
    if (objects_.size() > most_depth) {
      throw wrong(fmt::format("objects are nested more than {} deep", most_depth));
    }
    objects_.emplace_back();
    return true;
  }
  bool key(string_t& key) override {
    auto& object = objects_.back();
    if (!object.keys.insert(key).second) {
      throw wrong(fmt::format("the key \"{}\" is there twice: take one of them out", shown(key)));
    }
    object.key = key;
    object.sizes.clear();
    object.leaf_depth.reset();
    return true;
  }
  bool end_object() override {
    objects_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override {
    if (objects_.empty()) return true;  // no data, as the text goes on to show
    auto& object = objects_.back();
    count();
    if (object.open.size() + objects_.size() > most_depth) {
      throw wrong(fmt::format("\"{}\" is nested more than {} deep", shown(object.key), most_depth));
    }
    object.open.push_back(0);
    if (object.sizes.size() < object.open.size()) object.sizes.emplace_back();
    if (object.leaf_depth && object.open.size() > *object.leaf_depth) throw ragged();
    return true;
  }
  bool end_array() override {
    if (objects_.empty()) return true;
    auto& object = objects_.back();
    auto& size = object.sizes[object.open.size() - 1];
    if (size.value_or(object.open.back()) != object.open.back()) throw ragged();
    size = object.open.back();
    object.open.pop_back();
    return true;
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::json::exception& error) override {
    constexpr int out_of_range = 406;
    if (error.id == out_of_range) {
      throw wrong(fmt::format("the number {} at {} is beyond the range of double precision", token,
                              place_of(text_, position)));
    }
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    const std::string_view all = error.what();
    const auto at = all.find("at line");
    throw wrong(fmt::format("not valid JSON: {}",
                            one_line(std::string(all.substr(at == all.npos ? 0 : at)).c_str())));
  }

 private:
  static constexpr std::size_t most_depth = 200;

  struct Object {
    std::set<std::string> keys;
    std::string key;                                ///< the one whose value is read
    std::vector<std::size_t> open;                  ///< arrays that are: elements so far
    std::vector<std::optional<std::size_t>> sizes;  ///< of the key's arrays, by depth
    std::optional<std::size_t> leaf_depth;
  };

  static std::string shown(const std::string& key) { return one_line(key.c_str()); }
  Error wrong(const std::string& what) const {
    return {ErrorKind::data, fmt::format("{}: {}", name_, what)};
  }
  Error ragged() const {
    return wrong(fmt::format("the array \"{}\" is ragged: its parts are of different sizes",
                             shown(objects_.back().key)));
  }
  void count() {
    auto& open = objects_.back().open;
    if (!open.empty()) ++open.back();
  }
  /// A value that is no array; whole objects are values of the one that they are in.
  bool value() {
    if (objects_.empty()) return true;
    count();
    auto& object = objects_.back();
    const auto depth = object.open.size();
    if (object.leaf_depth.value_or(depth) != depth || object.sizes.size() > depth) throw ragged();
    object.leaf_depth = depth;
    return true;
  }

  std::string_view text_;
  std::string name_;
  std::vector<Object> objects_;  ///< those that are open, the outermost first
};

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
  check_json(text, name);
}

void check_json(std::string text, const std::string& name) {
  replace_words(text);
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] != '{' && nlohmann::json::accept(text)) {
    throw Error(ErrorKind::data, fmt::format("{}: must be a JSON object", name));
  }
  DataChecker checker(text, name);
  nlohmann::json::sax_parse(text, &checker);
}

}  // namespace riffle
