#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>

#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

std::size_t little_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

/// What a header says: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }.
struct Header {
  std::optional<std::string> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::size_t>> shape;
};

/// Reads the few forms of Python's literals that a header is made of; nullopt for any other text.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : rest_(text) {}

  std::optional<Header> read() {
    Header header;
    if (!take('{')) return std::nullopt;
    while (!take('}')) {
      const auto key = text();
      if (!key || !take(':') || !value(*key, header)) return std::nullopt;
      if (!take(',') && !next_is('}')) return std::nullopt;
    }
    skip_space();
    if (!rest_.empty() || !header.type || !header.fortran_order || !header.shape) {
      return std::nullopt;
    }
    return header;
  }

 private:
  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size()));
  }
  bool next_is(char c) {
    skip_space();
    return rest_.starts_with(c);
  }
  bool take(char c) {
    if (!next_is(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  std::optional<std::string> text() {
    const char quote = next_is('"') ? '"' : '\'';
    if (!take(quote)) return std::nullopt;
    const auto end = rest_.find(quote);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string content(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return content;
  }

  std::optional<std::size_t> whole_number() {
    skip_space();
    std::size_t n = 0;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), n);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    take('L');  // as Python 2 wrote long ones
    return n;
  }

  std::optional<std::vector<std::size_t>> tuple() {
    std::vector<std::size_t> items;
    if (!take('(')) return std::nullopt;
    while (!take(')')) {
      const auto n = whole_number();
      if (!n || (!take(',') && !next_is(')'))) return std::nullopt;
      items.push_back(*n);
    }
    return items;
  }

  bool value(std::string_view key, Header& header) {
    if (key == "descr") {
      // A list of fields begins otherwise than a plain type.
      if (next_is('[')) {
        header.type = "[...]";
        return skip_list();
      }
      header.type = text();
      return header.type.has_value();
    }
    if (key == "fortran_order") {
      if (take("True")) {
        header.fortran_order = true;
      } else if (take("False")) {
        header.fortran_order = false;
      }
      return header.fortran_order.has_value();
    }
    if (key == "shape") {
      header.shape = tuple();
      return header.shape.has_value();
    }
    return false;
  }

  bool skip_list() {
    int depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      depth += rest_[i] == '[' ? 1 : rest_[i] == ']' ? -1 : 0;
      if (depth == 0) {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  std::string_view rest_;
};

template <class T>
void append_numbers(std::string_view bytes, std::vector<double>& values) {
  static_assert(std::endian::native == std::endian::little);
  values.reserve(bytes.size() / sizeof(T));
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    values.push_back(static_cast<double>(value));
  }
}

}  // namespace

bool is_npy(std::string_view bytes) {
  return bytes.starts_with(magic);
}

NpyArray parse_npy(std::string_view bytes, std::string_view origin) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorKind::data, fmt::format("{}: {}", origin, why));
  };
  const auto cut_short = [&] { return bad("a .npy file that is cut short in its header"); };
  if (!is_npy(bytes)) throw bad("not a .npy file");
  const std::size_t version_at = magic.size();
  if (bytes.size() < version_at + 2) throw cut_short();
  const auto major = static_cast<unsigned>(static_cast<unsigned char>(bytes[version_at]));
  const auto minor = static_cast<unsigned>(static_cast<unsigned char>(bytes[version_at + 1]));
  if ((major != 1 && major != 2) || minor != 0) {
    throw bad(
        fmt::format("version {}.{} of .npy files is not known, only 1.0 and 2.0", major, minor));
  }
  const std::size_t length_at = version_at + 2;
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t header_at = length_at + length_bytes;
  if (bytes.size() < header_at) throw cut_short();
  const auto header_length = little_endian(bytes.substr(length_at, length_bytes));
  if (bytes.size() - header_at < header_length) throw cut_short();
  const auto header = HeaderReader(bytes.substr(header_at, header_length)).read();
  if (!header) throw bad("the header of the .npy file cannot be read");

  const auto& type = *header->type;
  const std::size_t size = type == "<f8" ? sizeof(double) : type == "<f4" ? sizeof(float) : 0;
  if (size == 0) {
    throw bad(fmt::format("numbers of type {} are not read; save array.astype('<f8')",
                          type.substr(0, 40)));
  }
  if (*header->fortran_order) {
    throw bad("the array is in Fortran order; save numpy.ascontiguousarray of it");
  }
  NpyArray array{*header->shape, {}};
  const auto data = bytes.substr(header_at + header_length);
  std::size_t wanted = size;
  bool too_many = false;
  for (const auto n : array.shape) {
    too_many = too_many || (n != 0 && wanted > std::numeric_limits<std::size_t>::max() / n);
    wanted = too_many ? wanted : wanted * n;
  }
  if (too_many || wanted != data.size()) {
    throw bad(fmt::format("the shape ({}) does not fit the {} bytes of numbers in the file{}",
                          fmt::join(array.shape, ", "), data.size(),
                          too_many || wanted > data.size() ? ", which is cut short" : ""));
  }
  if (size == sizeof(double)) {
    append_numbers<double>(data, array.values);
  } else {
    append_numbers<float>(data, array.values);
  }
  return array;
}

}  // namespace riffle
