#include "io/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "io/plain_text.h"
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

/// IEEE 754's binary16.
struct Half {
  std::uint16_t bits;
  explicit operator double() const {
    const int exponent = bits >> 10 & 31;
    const double fraction = bits & 1023;
    constexpr int bias = 15;
    double value = 0;
    if (exponent == 31) {
      value = fraction == 0 ? std::numeric_limits<double>::infinity()
                            : std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
      value = std::ldexp(fraction, 1 - bias - 10);
    } else {
      value = std::ldexp(1024 + fraction, exponent - bias - 10);
    }
    return bits >> 15 != 0 ? -value : value;
  }
};

template <class T>
double number_at(const char* bytes, bool swapped) {
  static_assert(std::endian::native == std::endian::little);
  std::array<char, sizeof(T)> own;
  std::copy_n(bytes, sizeof(T), own.begin());
  if (swapped) std::reverse(own.begin(), own.end());
  T value;
  std::memcpy(&value, own.data(), sizeof(T));
  return static_cast<double>(value);
}

/// A type of numbers, as the last two characters of a header's descr name it.
struct NumberType {
  std::string_view name;
  std::size_t size;
  double (*at)(const char* bytes, bool swapped);
};

constexpr NumberType number_types[] = {
    {"f8", 8, &number_at<double>},        {"f4", 4, &number_at<float>},
    {"f2", 2, &number_at<Half>},          {"i8", 8, &number_at<std::int64_t>},
    {"i4", 4, &number_at<std::int32_t>},  {"i2", 2, &number_at<std::int16_t>},
    {"i1", 1, &number_at<std::int8_t>},   {"u8", 8, &number_at<std::uint64_t>},
    {"u4", 4, &number_at<std::uint32_t>}, {"u2", 2, &number_at<std::uint16_t>},
    {"u1", 1, &number_at<std::uint8_t>},  {"b1", 1, &number_at<std::uint8_t>},
};

/// Nothing for what is no type of numbers, such as "|O", and for those that are not read.
const NumberType* type_of(std::string_view descr) {
  if (descr.empty() || std::string_view("<>|=").find(descr.front()) == std::string_view::npos) {
    return nullptr;
  }
  for (const auto& type : number_types) {
    if (type.name == descr.substr(1) && (descr.front() != '|' || type.size == 1)) return &type;
  }
  return nullptr;
}

/// Where the numbers of an array in Fortran order stand in the file, in C order: strides by axis.
std::vector<std::size_t> fortran_strides(std::span<const std::size_t> shape) {
  std::vector<std::size_t> strides;
  std::size_t stride = 1;
  for (const auto n : shape) {
    strides.push_back(stride);
    stride *= n;
  }
  return strides;
}

std::vector<double> numbers(std::string_view bytes, const NumberType& type, bool swapped,
                            std::span<const std::size_t> shape, bool fortran_order) {
  const std::size_t count = bytes.size() / type.size;
  std::vector<double> values;
  values.reserve(count);
  const auto at = [&](std::size_t i) { return type.at(bytes.data() + i * type.size, swapped); };
  if (!fortran_order) {
    for (std::size_t i = 0; i < count; ++i) values.push_back(at(i));
    return values;
  }
  const auto strides = fortran_strides(shape);
  std::vector<std::size_t> index(shape.size(), 0);
  std::size_t place = 0;
  while (values.size() < count) {
    values.push_back(at(place));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      place += strides[axis];
      if (++index[axis] < shape[axis]) break;
      place -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return values;
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
  if (major < 1 || major > 3 || minor != 0) {
    throw bad(fmt::format("version {}.{} of .npy files is not known, only 1.0, 2.0 and 3.0", major,
                          minor));
  }
  const std::size_t length_at = version_at + 2;
  const std::size_t length_bytes = major == 1 ? 2 : 4;
  const std::size_t header_at = length_at + length_bytes;
  if (bytes.size() < header_at) throw cut_short();
  const auto header_length = little_endian(bytes.substr(length_at, length_bytes));
  if (bytes.size() - header_at < header_length) throw cut_short();
  const auto header = HeaderReader(bytes.substr(header_at, header_length)).read();
  if (!header) throw bad("the header of the .npy file cannot be read");

  const auto& descr = *header->type;
  const auto* const type = type_of(descr);
  if (type == nullptr) {
    throw bad(
        fmt::format("numbers of type {} are not read; save array.astype('<f8')", shown(descr)));
  }
  NpyArray array{*header->shape, {}};
  const auto data = bytes.substr(header_at + header_length);
  std::size_t wanted = type->size;
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
  array.values = numbers(data, *type, descr.front() == '>', array.shape, *header->fortran_order);
  return array;
}

}  // namespace riffle
