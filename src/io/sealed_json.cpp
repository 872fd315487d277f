#include "io/sealed_json.h"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

/// FNV-1a, 64 bits: against accidents and careless edits, not against forgers.
std::string digest(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace

void write_sealed(const std::filesystem::path& path, std::string_view format,
                  nlohmann::json content) {
  content["format"] = format;
  const auto seal = digest(content.dump());
  content["digest"] = seal;
  write_file(path, content.dump(1) + "\n");
}

nlohmann::json read_sealed(const std::filesystem::path& path, std::string_view format) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorKind::data, fmt::format("{}: {}", path.string(), why));
  };
  auto content = nlohmann::json::parse(read_file(path), nullptr, false);
  if (content.is_discarded() || !content.is_object()) {
    throw bad(fmt::format("not a {} file, or cut short", format));
  }
  const auto found = content.find("format");
  if (found == content.end() || *found != format) {
    throw bad(fmt::format("not a {} file", format));
  }
  const auto seal = content.find("digest");
  if (seal == content.end() || !seal->is_string()) throw bad("its digest is missing");
  const auto claimed = seal->get<std::string>();
  content.erase("digest");
  std::string text;
  try {
    text = content.dump();
  } catch (const nlohmann::json::exception&) {
    throw bad("it holds text that is not UTF-8");
  }
  if (digest(text) != claimed) {
    throw bad("its content does not match its digest: it was changed after it was written");
  }
  return content;
}

}  // namespace riffle
