#include "core/instruction_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "riffle/error.h"

namespace riffle {
namespace {

TEST(InstructionSet, ScalarComesFirstAndTheBestLast) {
  const auto sets = InstructionSet::available();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(sets.front(), InstructionSet::scalar());
  EXPECT_EQ(sets.back(), InstructionSet::best());
  std::set<std::string_view> names;
  for (const auto set : sets) names.insert(set.name());
  EXPECT_EQ(names.size(), sets.size());
}

TEST(InstructionSet, ParsesItsOwnNamesInAnyCase) {
  for (const auto set : InstructionSet::available()) {
    std::string name(set.name());
    EXPECT_EQ(InstructionSet::parse(name), set);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    EXPECT_EQ(InstructionSet::parse(name), set);
  }
  EXPECT_EQ(InstructionSet::parse("auto"), InstructionSet::best());
}

TEST(InstructionSet, NamesTheChoicesWhereOneIsUnknown) {
  try {
    InstructionSet::parse("MMX");
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(e.what()).find("\"MMX\""), std::string::npos) << e.what();
    for (const auto set : InstructionSet::available()) {
      EXPECT_NE(std::string(e.what()).find(set.name()), std::string::npos) << e.what();
    }
  }
}

TEST(Error, ExitCodesAreThoseOfSysexits) {
  EXPECT_EQ(exit_code(ErrorKind::usage), 64);
  EXPECT_EQ(exit_code(ErrorKind::data), 65);
  EXPECT_EQ(exit_code(ErrorKind::no_input), 66);
  EXPECT_EQ(exit_code(ErrorKind::cannot_create), 73);
  EXPECT_EQ(exit_code(ErrorKind::io), 74);
}

}  // namespace
}  // namespace riffle
