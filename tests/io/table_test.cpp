#include "io/table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

class TableFile : public ::testing::Test {
 protected:
  CsvTable read(std::string_view content) {
    const auto path = folder_ / "table";
    test::spill(path, content);
    return read_table(path);
  }
  std::string refusal(std::string_view content) {
    return message_of(
        ErrorKind::data, [&] { read(content); }, content);
  }

  test::TemporaryFolder folder_;
};

TEST_F(TableFile, TakesCommasOrBlanks) {
  const std::vector<double> values{1, -2.5, 3, 4, 5e-3, 6};
  for (const char* text : {"1,-2.5,3\n4,5e-3,6\n", "1, -2.5 ,3\n 4,5e-3,6", "1 -2.5 3\n4 5e-3 6\n",
                           "   1   -2.5\t3 \n\t4 5e-3   6   \n\n\n", "1 -2.5 3\r\n4 5e-3 6\r\n",
                           "a,b,c\n1,-2.5,3\n4,5e-3,6\n", "a b c\n1 -2.5 3\n4 5e-3 6\n",
                           "1,-2.5,3\n4,5e-3,6\n \n\n"}) {
    const auto table = read(text);
    EXPECT_EQ(table.values, values) << text;
    EXPECT_EQ(table.header.size(), 3U) << text;
    EXPECT_EQ(table.rows(), 2U) << text;
    EXPECT_EQ(table.has_names, text[0] == 'a') << text;
  }
}

TEST_F(TableFile, NamesTheLineThatIsNoRow) {
  EXPECT_TRUE(contains(refusal("1 2\n3\n"), ":2:"));
  EXPECT_TRUE(contains(refusal("1 2\n3 4\n\n5 6\n"), ":3:"));
  EXPECT_TRUE(contains(refusal("1 2\n3 x\n"), "\"x\""));
  EXPECT_TRUE(contains(refusal("1,2\n3  4,5\n"), "\"3 4\""));
  EXPECT_TRUE(contains(refusal("1,2\n3,,5\n"), ":2:"));
  EXPECT_TRUE(contains(refusal("a 2\n3 4\n"), ":1:"));
  EXPECT_TRUE(contains(refusal("1 2\n3 nan\n"), "row 2, column 2"));
  EXPECT_TRUE(contains(refusal("a,b\n1,inf\n"), "row 1, column 2"));
}

TEST_F(TableFile, OfNothingIsEmpty) {
  EXPECT_EQ(read("").rows(), 0U);
  message_of(ErrorKind::no_input, [&] { read_table(folder_ / "missing"); });
}

}  // namespace
}  // namespace riffle
