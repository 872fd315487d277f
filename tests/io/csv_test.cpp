#include "io/csv.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/effort.h"
#include "support/expect_error.h"
#include "support/random.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

class Csv : public ::testing::Test {
 protected:
  CsvTable read(std::string_view text) {
    const auto path = folder_ / "table.csv";
    test::spill(path, text);
    return read_csv(path);
  }
  std::string refusal(std::string_view text) {
    return message_of(
        ErrorKind::data, [&] { read(text); }, text);
  }

  test::TemporaryFolder folder_;
};

TEST_F(Csv, NumbersComeBackToTheBit) {
  test::Random random(1);
  std::vector<double> values{0.0,
                             -0.0,
                             0.1,
                             -1e-320,
                             std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::denorm_min(),
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity()};
  while (values.size() < 1000) {
    const auto value = std::bit_cast<double>(random.bits());
    if (!std::isnan(value)) values.push_back(value);
  }
  CsvText csv(std::vector<std::string>{"a", "b"});
  for (std::size_t i = 0; i < values.size(); i += 2) {
    csv.add(values[i]);
    csv.add(values[i + 1]);
    csv.end_row();
  }
  const auto table = read(csv.text());
  EXPECT_EQ(table.header, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(table.rows(), values.size() / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(table.values[i]),
              std::bit_cast<std::uint64_t>(values[i]));
  }
}

TEST_F(Csv, NotANumberComesBackAsOne) {
  CsvText csv(std::vector<std::string>{"a"});
  csv.add(std::numeric_limits<double>::quiet_NaN());
  csv.end_row();
  EXPECT_TRUE(std::isnan(read(csv.text()).at(0, 0)));
}

TEST_F(Csv, WholeNumbersAreWrittenInFull) {
  CsvText csv(std::vector<std::string>{"a"});
  csv.add(std::numeric_limits<std::uint64_t>::max());
  csv.end_row();
  EXPECT_EQ(csv.text(), "a\n18446744073709551615\n");
}

TEST_F(Csv, NamesOfAnyKindComeBack) {
  const std::vector<std::string> names{"height, m", "say \"x\"", "plain", "a b"};
  CsvText csv(names);
  for (double value = 1; value <= 4; ++value) csv.add(value);
  csv.end_row();
  EXPECT_EQ(csv.text(), "\"height, m\",\"say \"\"x\"\"\",plain,a b\n1,2,3,4\n");
  EXPECT_EQ(read(csv.text()).header, names);
  EXPECT_EQ(split_csv_line("\"a, b\",c,,"), (std::vector<std::string>{"a, b", "c", "", ""}));
}

TEST_F(Csv, TakesTheLineEndsOfOthers) {
  const auto table = read("x,y\r\n1,2\r\n3,4");
  EXPECT_EQ(table.header, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(table.values, (std::vector<double>{1, 2, 3, 4}));
}

TEST_F(Csv, OfNothingIsNothing) {
  EXPECT_EQ(read("").rows(), 0U);
  EXPECT_EQ(read("a,b\n").rows(), 0U);
}

TEST_F(Csv, NamesTheLineThatIsWrong) {
  EXPECT_TRUE(contains(refusal("a,b\n1,2\n3\n"), ":3:"));
  EXPECT_TRUE(contains(refusal("a,b\n1,2,3\n"), ":2:"));
  EXPECT_TRUE(contains(refusal("a,b\n1,x\n"), "\"x\""));
  EXPECT_TRUE(contains(refusal("a,b\n1, 2\n"), ":2:"));
  EXPECT_TRUE(contains(refusal("a,b\n1,\n"), ":2:"));
  EXPECT_TRUE(contains(refusal("a,b\n1,2\n\n3,4\n"), ":3:"));
  EXPECT_TRUE(contains(refusal("a\n1e999\n"), ":2:"));
}

TEST_F(Csv, OfAMissingFileIsAMissingInput) {
  message_of(ErrorKind::no_input, [&] { read_csv(folder_ / "none.csv"); });
}

}  // namespace
}  // namespace riffle
