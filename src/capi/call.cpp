#include "capi/call.h"

#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <limits>

#include "io/plain_text.h"

namespace riffle::capi {
namespace {

/// What is not UTF-8 as question marks, so that every text that goes out is.
std::string as_utf8(std::string_view bytes) {
  std::string text(bytes);
  for (std::size_t i = 0; i < text.size() && !is_utf8(text); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0x80U) != 0) text[i] = '?';
  }
  return text;
}

}  // namespace

char* new_text(std::string_view given) noexcept {
  try {
    const auto text = as_utf8(given);
    auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    return copy;
  } catch (...) {
    return nullptr;
  }
}

int tell(char** error, riffle_status status, std::string_view message) noexcept {
  if (error == nullptr) return status;
  try {
    std::string line;
    for (const char c : message) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7F) {
        line += fmt::format("\\x{:02x}", byte);
      } else {
        line += c;
      }
    }
    *error = new_text(line);
  } catch (...) {
    *error = nullptr;
  }
  return status;
}

void refuse(const std::string& message) {
  throw Error(ErrorKind::usage, message);
}

std::string_view text_or_none(const char* given, const char* what) {
  if (given == nullptr) return {};
  const std::string_view text(given);
  if (!is_utf8(text)) refuse(fmt::format("{} is not UTF-8", what));
  return text;
}

std::string_view text(const char* given, const char* what) {
  needed(given, what);
  return text_or_none(given, what);
}

void check_numbers(const void* data, std::size_t n, std::size_t dim, const char* what) {
  if (n == 0 || dim == 0) return;
  if (data == nullptr) refuse(fmt::format("{} is null", what));
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double);
  if (n > most / dim) {
    refuse(fmt::format("{} cannot hold {} points of {} numbers", what, n, dim));
  }
}

}  // namespace riffle::capi

extern "C" {

const char* riffle_version(void) {
  return RIFFLE_VERSION;
}

void riffle_free_text(char* text) {
  std::free(text);
}
}
