#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>

namespace riffle::test {

/// Numbers as the bytes of an array.
template <class T>
std::string npy_of(std::span<const double> values) {
  std::string bytes;
  for (const double v : values) {
    const T value = static_cast<T>(v);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes.append(raw, sizeof(T));
  }
  return bytes;
}

/// A .npy file, laid out as NumPy does: the header ends with a line end at a multiple of 64 bytes.
inline std::string npy_with_header(std::string header, const std::string& bytes, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  while ((file.size() + length_bytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  for (std::size_t i = 0; i < length_bytes; ++i) {
    file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  }
  return file + header + bytes;
}

inline std::string npy(const std::string& type, const std::string& shape, const std::string& bytes,
                       int version = 1) {
  return npy_with_header(
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", bytes,
      version);
}

}  // namespace riffle::test
