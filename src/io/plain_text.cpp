#include "io/plain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "riffle/error.h"

namespace riffle {
namespace {

using namespace std::string_view_literals;

/// What files of a kind begin with, what they are, and what to do about it.
struct Signature {
  std::string_view begin;
  std::string_view kind;
  std::string_view way_out;
};

constexpr Signature signatures[] = {
    {"\x1F\x8B", "compressed by gzip", "`gunzip` it first"},
    {"BZh", "compressed by bzip2", "`bunzip2` it first"},
    {"\xFD\x37zXZ", "compressed by xz", "`unxz` it first"},
    {"\x28\xB5\x2F\xFD", "compressed by zstd", "`unzstd` it first"},
    {"PK\x03\x04", "a zip archive, as .npz files and workbooks (.xlsx, .ods) are",
     "save the array alone with numpy.save, or the sheet as CSV"},
    {"\xD0\xCF\x11\xE0", "a workbook (.xls)", "save the sheet as CSV"},
    {"\x89HDF", "an HDF5 file", "write the table as CSV, or the array with numpy.save"},
    {"PAR1", "a Parquet file", "write the table as CSV"},
    {"ARROW1", "an Arrow file", "write the table as CSV"},
    {"FEA1", "a Feather file", "write the table as CSV"},
    {"\xFF\xFE\0\0"sv, "UTF-32", "save it as UTF-8: `iconv -f UTF-32 -t UTF-8`"},
    {"\0\0\xFE\xFF"sv, "UTF-32", "save it as UTF-8: `iconv -f UTF-32 -t UTF-8`"},
    {"\xFF\xFE", "UTF-16", "save it as UTF-8: `iconv -f UTF-16 -t UTF-8`"},
    {"\xFE\xFF", "UTF-16", "save it as UTF-8: `iconv -f UTF-16 -t UTF-8`"},
};

/// How many bytes the character that begins here has; 0 where it is no UTF-8.
std::size_t character_size(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto first = byte(0);
  const std::size_t size = first < 0x80                    ? 1
                           : first >= 0xC2 && first < 0xE0 ? 2
                           : first >= 0xE0 && first < 0xF0 ? 3
                           : first >= 0xF0 && first < 0xF5 ? 4
                                                           : 0;
  if (size == 0 || size > bytes.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than need be, halves of pairs, and beyond the last character.
  const bool wrong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) ||
                     (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
  return wrong ? 0 : size;
}

}  // namespace

std::string_view plain_text(std::string_view bytes, std::string_view origin) {
  for (const auto& s : signatures) {
    if (!bytes.starts_with(s.begin)) continue;
    throw Error(ErrorKind::data,
                fmt::format("{} is {}, no table in plain text: {}", origin, s.kind, s.way_out));
  }
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (bytes.starts_with(mark)) bytes.remove_prefix(mark.size());
  constexpr std::size_t looked_at = 4096;
  const auto zeros = bytes.substr(0, looked_at).find('\0') != std::string_view::npos;
  if (zeros) {
    // Of ASCII in UTF-16 every second byte is 0.
    const bool is_wide = bytes.size() >= 4 && (bytes[0] == 0) == (bytes[2] == 0) &&
                         (bytes[1] == 0) == (bytes[3] == 0) && (bytes[0] == 0) != (bytes[1] == 0);
    throw Error(ErrorKind::data,
                is_wide ? fmt::format("{} is UTF-16, no table in plain text: save it as UTF-8: "
                                      "`iconv -f UTF-16{} -t UTF-8`",
                                      origin, bytes[0] == 0 ? "BE" : "LE")
                        : fmt::format("{} is a binary file, no table in plain text: write the "
                                      "points as CSV, or with numpy.save",
                                      origin));
  }
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto size = character_size(bytes);
    if (size == 0) return false;
    bytes.remove_prefix(size);
  }
  return true;
}

std::string shown(std::string_view piece) {
  constexpr std::size_t longest = 40;
  std::string text;
  while (!piece.empty()) {
    const auto size = character_size(piece);
    if (text.size() + std::max<std::size_t>(size, 1) > longest) return text + "...";
    const auto first = static_cast<unsigned char>(piece[0]);
    const bool is_control =
        first < 0x20 || first == 0x7F ||
        (size == 2 && first == 0xC2 && static_cast<unsigned char>(piece[1]) < 0xA0);
    if (size == 0 || is_control) {
      text += '?';
    } else {
      text += piece.substr(0, size);
    }
    piece.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return text;
}

std::string one_line(const char* message) {
  constexpr std::size_t longest = 500;
  std::string line;
  for (const char* c = message == nullptr ? "" : message; *c != '\0'; ++c) {
    const auto byte = static_cast<unsigned char>(*c);
    const bool blank = byte <= 0x20 || byte == 0x7F;
    if (!blank) {
      line += *c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  if (line.size() > longest) {
    auto end = longest;
    while ((static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // no part of a character
    line.resize(end);
    line += "...";
  }
  return line.empty() ? "no message" : line;
}

}  // namespace riffle
