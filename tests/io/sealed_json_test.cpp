#include "io/sealed_json.h"

#include <gtest/gtest.h>

#include <string>

#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

const nlohmann::json content{{"name", "a \"quoted\" name"},
                             {"digest", "of the caller's"},
                             {"values", {1.5, -2e-300, 0.1, 7}},
                             {"nested", {{"empty", nlohmann::json::array()}, {"none", nullptr}}}};

class SealedJson : public ::testing::Test {
 protected:
  SealedJson() { write_sealed(path_, "kind-1", content); }

  void refused(const std::string& text, const std::string& what) {
    test::spill(path_, text);
    message_of(
        ErrorKind::data, [&] { read_sealed(path_, "kind-1"); }, what);
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "file";
  std::string sealed_;
};

TEST_F(SealedJson, ComesBack) {
  auto expected = content;
  expected.erase("digest");  // its name is the seal's
  expected["format"] = "kind-1";
  EXPECT_EQ(read_sealed(path_, "kind-1"), expected);
  EXPECT_EQ(folder_.size(), 1);
}

TEST_F(SealedJson, IsPlainJson) {
  const auto json = nlohmann::json::parse(test::slurp(path_));
  EXPECT_EQ(json.at("format"), "kind-1");
  EXPECT_TRUE(json.at("digest").is_string());
}

TEST_F(SealedJson, OfAnotherKindIsRefused) {
  const auto message = message_of(ErrorKind::data, [&] { read_sealed(path_, "kind-2"); });
  EXPECT_TRUE(contains(message, "kind-2")) << message;
}

TEST_F(SealedJson, EveryChangedByteIsRefused) {
  const auto good = test::slurp(path_);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int change : {1, 2, 32, 128}) {
      auto bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      refused(bad, "byte " + std::to_string(i));
    }
  }
}

TEST_F(SealedJson, EveryLostOrAddedByteIsRefused) {
  const auto good = test::slurp(path_);
  for (std::size_t i = 0; i < good.size(); ++i) {
    refused(good.substr(0, i), "cut to " + std::to_string(i));
    auto shorter = good;
    shorter.erase(i, 1);
    if (shorter != good) refused(shorter, "without byte " + std::to_string(i));
    auto longer = good;
    longer.insert(i, 1, ' ');
    refused(longer, "a blank at " + std::to_string(i));
  }
  refused(good + "\n", "a line more");
  refused(good + good, "twice");
}

TEST_F(SealedJson, OtherFilesAreRefused) {
  for (const char* text : {"", "{}", "[]", "null", "{\"format\": \"kind-1\"}",
                           "\x7f"
                           "ELF"}) {
    refused(text, text);
  }
  // Nothing of an unsealed file is parsed, so its depth is no danger.
  refused(std::string(1'000'000, '['), "deep");
}

TEST_F(SealedJson, OfAMissingFileIsAMissingInput) {
  message_of(ErrorKind::no_input, [&] { read_sealed(folder_ / "none", "kind-1"); });
}

}  // namespace
}  // namespace riffle
