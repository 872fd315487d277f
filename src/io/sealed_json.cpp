#include "io/sealed_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "io/digest.h"
#include "io/files.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view object_end = "\n}";

/// What follows the text of an object whose end is cut off: its digest as a last member, and the
/// end. So the digest covers every byte of the file but its own.
std::string seal(std::string_view text) {
  return fmt::format(",\n \"digest\": \"{}\"{}\n", digest_of(text), object_end);
}

}  // namespace

void write_sealed(const std::filesystem::path& path, std::string_view format,
                  nlohmann::json content) {
  content["format"] = format;
  auto text = content.dump(1);
  text.resize(text.size() - object_end.size());
  write_file(path, text + seal(text));
}

nlohmann::json read_sealed(const std::filesystem::path& path, std::string_view format) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorKind::data, fmt::format("{}: {}", path.string(), why));
  };
  const auto text = read_file(path);
  const auto length = seal({}).size();
  const auto body = std::string_view(text).substr(0, text.size() - std::min(length, text.size()));
  // Nothing is parsed before the digest is known to be right.
  if (seal(body) != std::string_view(text).substr(body.size())) {
    throw bad(fmt::format("not a {} file, or cut short or changed after it was written", format));
  }
  auto content = nlohmann::json::parse(text, nullptr, false);
  if (!content.is_object()) throw bad(fmt::format("not a {} file", format));
  const auto found = content.find("format");
  if (found == content.end() || *found != format) {
    throw bad(fmt::format("not a {} file", format));
  }
  content.erase("digest");
  return content;
}

}  // namespace riffle
