#include "io/points.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "expect_error.h"
#include "io/csv.h"
#include "npy_text.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;
using test::npy;
using test::npy_of;

class PointsFile : public ::testing::Test {
 protected:
  Points read(std::string_view content, std::string_view name = "points") {
    const auto path = folder_ / name;
    test::spill(path, content);
    return read_points(path);
  }
  std::string refusal(std::string_view content, std::string_view name = "points") {
    const auto message = message_of(
        ErrorKind::data, [&] { read(content, name); }, content);
    EXPECT_TRUE(contains(message, (folder_ / name).string())) << message;
    return message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(PointsFile, ATableWithNames) {
  const auto points = read("x,y\n1,2\n3,4\n");
  EXPECT_EQ(points.dim, 2U);
  EXPECT_EQ(points.count(), 2U);
  EXPECT_EQ(points.names, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(points.values, (std::vector<double>{1, 2, 3, 4}));
}

TEST_F(PointsFile, ATableWithout) {
  const auto points = read("1,2e0\n-3.5,4\n");
  EXPECT_EQ(points.names, (std::vector<std::string>{"z.1", "z.2"}));
  EXPECT_EQ(points.values, (std::vector<double>{1, 2, -3.5, 4}));
  EXPECT_EQ(read("7").values, std::vector<double>{7});
}

TEST_F(PointsFile, ColumnsThatAreNoCoordinatesAreLeftOut) {
  const auto points = read("lp__,lp_approx__,z.1,divergent__,z.2\n1,nan,2,inf,3\n4,-inf,5,0,6\n");
  EXPECT_EQ(points.names, (std::vector<std::string>{"z.1", "z.2"}));
  EXPECT_EQ(points.values, (std::vector<double>{2, 3, 5, 6}));
}

TEST_F(PointsFile, OfNoPoints) {
  EXPECT_EQ(read("x,y\n").dim, 2U);
  EXPECT_EQ(read("x,y\n").count(), 0U);
  EXPECT_EQ(read(npy("<f8", "(0, 3)", "")).dim, 3U);
  EXPECT_TRUE(contains(refusal(""), "empty"));
  EXPECT_TRUE(contains(refusal("lp__\n1\n"), "__"));
}

TEST_F(PointsFile, NamesTheLineThatIsWrong) {
  EXPECT_TRUE(contains(refusal("1,x\n1,2\n"), ":1: neither names nor numbers"));
  EXPECT_TRUE(contains(refusal("1,2\n3\n"), ":2: 1 cells after 2 in the first line"));
  EXPECT_TRUE(contains(refusal("x,y\n1,2\n3\n"), ":3: 1 cells under 2 names"));
  EXPECT_TRUE(contains(refusal("x,y\n1,b\n"), ":2: \"b\" is not a number"));
  EXPECT_TRUE(contains(refusal("x\n1\n\n"), ":3:"));
}

TEST_F(PointsFile, NamesTheRowAndColumnThatIsNotFinite) {
  EXPECT_TRUE(contains(refusal("lp__,x,y\n0,1,2\n0,3,nan\n"), "row 2, column y: nan"));
  EXPECT_TRUE(contains(refusal("1,2\n3,4\n-inf,4\n"), "row 3, column z.1: -inf"));
  const std::vector<double> values{1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_TRUE(
      contains(refusal(npy("<f8", "(2, 2)", npy_of<double>(values))), "row 2, column z.2: nan"));
}

TEST_F(PointsFile, NumPyArrays) {
  const std::vector<double> values{0.1, -2, 1e-300, 4, 5, 1e300};
  const auto bytes = npy_of<double>(values);
  for (const int version : {1, 2}) {
    const auto points = read(npy("<f8", "(3, 2)", bytes, version));
    EXPECT_EQ(points.dim, 2U);
    EXPECT_EQ(points.names, (std::vector<std::string>{"z.1", "z.2"}));
    EXPECT_EQ(points.values, values);
  }
  EXPECT_EQ(read(npy("<f8", "(2, 3)", bytes)).dim, 3U);
  EXPECT_EQ(read(npy("<f8", "(6,)", bytes)).dim, 1U);
  EXPECT_EQ(read(npy("<f8", "(6L, 1L)", bytes)).count(), 6U);
  const std::vector<double> single{0.5, -0.1F, 3e38F};
  EXPECT_EQ(read(npy("<f4", "(1, 3)", npy_of<float>(single))).values, single);
}

TEST_F(PointsFile, NumPyArraysOfOtherKinds) {
  const auto bytes = npy_of<double>(std::vector<double>{1, 2, 3, 4});
  for (const char* type : {">f8", "<i8", "<f2", "|b1", "<c16", "<U4", "|O"}) {
    EXPECT_TRUE(contains(refusal(npy(type, "(4,)", bytes)), type));
  }
  const auto header = [&](const std::string& text, int version = 1) {
    return test::npy_with_header(text, bytes, version);
  };
  EXPECT_TRUE(contains(
      refusal(header("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (4,), }")),
      "astype"));
  EXPECT_TRUE(contains(
      refusal(header("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }")), "Fortran"));
  for (const char* text :
       {"", "{", "{}", "nonsense", "{'descr': '<f8', 'fortran_order': False}",
        "{'descr': '<f8', 'fortran_order': 0, 'shape': (4,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 4}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-4,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4.0,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)} and more",
        "{'descr': '<f8, 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'more': 1}"}) {
    EXPECT_TRUE(contains(refusal(header(text)), "header")) << text;
  }
  EXPECT_EQ(read(header("{\"descr\":\"<f8\",'fortran_order':False,'shape':(4)}")).count(), 4U);
  EXPECT_TRUE(contains(
      refusal(header("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", 3)), "3.0"));
  EXPECT_TRUE(contains(refusal("1,2\n", "points.npy"), "not a .npy file"));
  for (const char* shape : {"()", "(1, 2, 2)"}) {
    const auto message = refusal(npy("<f8", shape, shape[1] == ')' ? bytes.substr(0, 8) : bytes));
    EXPECT_TRUE(contains(message, "dimensions")) << message;
  }
  EXPECT_TRUE(contains(refusal(npy("<f8", "(4, 0)", "")), "empty"));
}

TEST_F(PointsFile, NumPyArraysOfAnotherSizeThanTheirShape) {
  const auto whole = npy("<f8", "(2, 2)", npy_of<double>(std::vector<double>{1, 2, 3, 4}));
  for (std::size_t size = 6; size < whole.size(); ++size) {
    EXPECT_TRUE(contains(refusal(whole.substr(0, size)), "cut short")) << size;
  }
  EXPECT_TRUE(contains(refusal(whole + "x"), "does not fit"));
  for (const char* shape : {"(4611686018427387904, 4)", "(2305843009213693952, 1)",
                            "(18446744073709551615, 18446744073709551615)", "(4, 2)", "(1, 2)"}) {
    EXPECT_TRUE(contains(
        refusal(npy("<f8", shape, npy_of<double>(std::vector<double>{1, 2, 3, 4}))), "fit"));
  }
}

TEST_F(PointsFile, ThatIsMissing) {
  message_of(ErrorKind::no_input, [&] { read_points(folder_ / "none"); });
}

}  // namespace
}  // namespace riffle
