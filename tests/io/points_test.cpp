#include "io/points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "io/csv.h"
#include "support/expect_error.h"
#include "support/npy_text.h"
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
  EXPECT_TRUE(contains(refusal("1,2\n3\n"), ":2: 1 cell after 2 in the first line"));
  EXPECT_TRUE(contains(refusal("x,y\n1,2\n3\n"), ":3: 1 cell under 2 names"));
  EXPECT_TRUE(contains(refusal("x,y\n1,b\n"), ":2: \"b\" is not a number"));
  EXPECT_TRUE(contains(refusal("x\n1\n\n2\n"), ":3: a blank line"));
}

TEST_F(PointsFile, NamesTheRowAndColumnThatIsNotFinite) {
  EXPECT_TRUE(contains(refusal("lp__,x,y\n0,1,2\n0,3,nan\n"), "row 2, column y: nan"));
  EXPECT_TRUE(contains(refusal("1,2\n3,4\n-inf,4\n"), "row 3, column 1: -inf"));
  const std::vector<double> values{1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_TRUE(
      contains(refusal(npy("<f8", "(2, 2)", npy_of<double>(values))), "row 2, column 2: nan"));
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
  for (const char* type : {"<f16", "<c16", "<U4", "|O", "|f8", "f8", "<M8[ns]"}) {
    EXPECT_TRUE(contains(refusal(npy(type, "(4,)", bytes)), type));
  }
  const auto header = [&](const std::string& text, int version = 1) {
    return test::npy_with_header(text, bytes, version);
  };
  EXPECT_TRUE(contains(
      refusal(header("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (4,), }")),
      "astype"));
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
      refusal(header("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", 4)), "4.0"));
  EXPECT_TRUE(contains(refusal("1,2\n", "points.npy"), "not a .npy file"));
  for (const char* shape : {"()", "(1, 2, 2)"}) {
    const auto message = refusal(npy("<f8", shape, shape[1] == ')' ? bytes.substr(0, 8) : bytes));
    EXPECT_TRUE(contains(message, "dimensions")) << message;
  }
  EXPECT_TRUE(contains(refusal(npy("<f8", "(4, 0)", "")), "empty"));
}

TEST_F(PointsFile, NumPyArraysOfManyTypes) {
  const std::vector<double> values{0, 1, -2, 100, 3, 17};
  const std::vector<double> natural{0, 1, 2, 200, 3, 17};
  EXPECT_EQ(read(npy("<i8", "(3, 2)", npy_of<std::int64_t>(values))).values, values);
  EXPECT_EQ(read(npy("<i4", "(3, 2)", npy_of<std::int32_t>(values))).values, values);
  EXPECT_EQ(read(npy("<i2", "(3, 2)", npy_of<std::int16_t>(values))).values, values);
  EXPECT_EQ(read(npy("|i1", "(3, 2)", npy_of<std::int8_t>(values))).values, values);
  EXPECT_EQ(read(npy("<u8", "(3, 2)", npy_of<std::uint64_t>(natural))).values, natural);
  EXPECT_EQ(read(npy("<u4", "(3, 2)", npy_of<std::uint32_t>(natural))).values, natural);
  EXPECT_EQ(read(npy("<u2", "(3, 2)", npy_of<std::uint16_t>(natural))).values, natural);
  EXPECT_EQ(read(npy("|u1", "(3, 2)", npy_of<std::uint8_t>(natural))).values, natural);
  EXPECT_EQ(read(npy("|b1", "(2,)", std::string("\0\1", 2))).values, (std::vector<double>{0, 1}));
  EXPECT_EQ(read(npy("<f8", "(3, 2)", npy_of<double>(values), 3)).values, values);
  auto big_endian = npy_of<double>(values);
  for (std::size_t at = 0; at < big_endian.size(); at += sizeof(double)) {
    std::reverse(big_endian.begin() + static_cast<std::ptrdiff_t>(at),
                 big_endian.begin() + static_cast<std::ptrdiff_t>(at + sizeof(double)));
  }
  EXPECT_EQ(read(npy(">f8", "(3, 2)", big_endian)).values, values);
  EXPECT_EQ(read(npy(">i2", "(2,)", std::string("\1\0\xFF\xFE", 4))).values,
            (std::vector<double>{256, -2}));
  // 1, -2, the smallest, the largest, 2^-14, 1 + 2^-10
  const std::string halves("\x00\x3C\x00\xC0\x01\x00\xFF\x7B\x00\x04\x01\x3C", 12);
  EXPECT_EQ(read(npy("<f2", "(6,)", halves)).values,
            (std::vector<double>{1, -2, 0x1p-24, 65504, 0x1p-14, 1 + 0x1p-10}));
  EXPECT_TRUE(contains(refusal(npy("<f2", "(1,)", std::string("\x00\x7C", 2))), "not a finite"));
  EXPECT_TRUE(contains(refusal(npy("<f2", "(1,)", std::string("\x01\x7C", 2))), "missing"));
}

TEST_F(PointsFile, NumPyArraysInFortranOrder) {
  const auto bytes = npy_of<double>(std::vector<double>{1, 2, 3, 4, 5, 6});
  const auto read_as = [&](const char* shape) {
    return read(test::npy_with_header(
        std::string("{'descr': '<f8', 'fortran_order': True, 'shape': ") + shape + ", }", bytes));
  };
  EXPECT_EQ(read_as("(3, 2)").values, (std::vector<double>{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(read_as("(2, 3)").values, (std::vector<double>{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(read_as("(6,)").values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST_F(PointsFile, ChosenColumns) {
  const auto choose = [&](std::string_view content, std::vector<std::string> chosen) {
    const auto path = folder_ / "chosen";
    test::spill(path, content);
    return read_points(path, {.chosen = std::move(chosen)});
  };
  const auto why = [&](std::string_view content, const std::vector<std::string>& chosen) {
    return message_of(ErrorKind::data, [&] { choose(content, chosen); });
  };
  const std::string text = ",x,kind,y,lp__\n0,1,a,2,5\n1,3,b,NA,6\n";
  EXPECT_EQ(choose(text, {"x"}).values, (std::vector<double>{1, 3}));
  EXPECT_EQ(choose(text, {"lp__", "x"}).names, (std::vector<std::string>{"lp__", "x"}));
  EXPECT_EQ(choose(text, {"lp__", "x"}).values, (std::vector<double>{5, 1, 6, 3}));
  EXPECT_TRUE(contains(why(text, {"x", "y"}), "row 2, column y: NA is a missing value"));
  EXPECT_TRUE(contains(why(text, {"kinds"}), "did you mean \"kind\""));
  EXPECT_TRUE(contains(why(text, {"x", "x"}), "chosen twice"));
  EXPECT_TRUE(contains(why("x,x\n1,2\n", {"x"}), "two columns are named \"x\""));
  EXPECT_EQ(choose("x,x,y\n1,2,3\n", {"y"}).values, std::vector<double>{3});
  EXPECT_EQ(choose("1,2,3\n4,5,6\n", {"3", "1"}).values, (std::vector<double>{3, 1, 6, 4}));
  EXPECT_TRUE(contains(why("1,2,3\n", {"x"}), "by numbers from 1 to 3"));
  EXPECT_TRUE(contains(why("1,2,3\n", {"4"}), "by numbers from 1 to 3"));
  const auto array = npy("<f8", "(1, 3)", npy_of<double>(std::vector<double>{1, 2, 3}));
  EXPECT_EQ(choose(array, {"2"}).values, std::vector<double>{2});
}

TEST_F(PointsFile, WantedColumns) {
  const auto find = [&](std::string_view content, std::vector<std::string> wanted, bool only) {
    const auto path = folder_ / "wanted";
    test::spill(path, content);
    return read_points(path, {.wanted = std::move(wanted), .by_name_only = only});
  };
  const std::string text = "b,lp__,c,a\n1,nan,x,3\n4,inf,y,6\n";
  EXPECT_EQ(find(text, {"a", "b"}, true).values, (std::vector<double>{3, 1, 6, 4}));
  EXPECT_EQ(find("1,2\n", {"a", "b"}, true).values, (std::vector<double>{1, 2}));
  EXPECT_EQ(find("\"m[1,2]\",m.1.1\n1,2\n", {"m.1.1", "m.1.2"}, true).values,
            (std::vector<double>{2, 1}));
  const auto message = message_of(ErrorKind::data, [&] { find(text, {"a", "d"}, true); });
  EXPECT_TRUE(contains(message, "no column is named \"d\"")) << message;
  EXPECT_TRUE(contains(message, "\"b\", \"c\", \"a\"")) << message;
  EXPECT_EQ(find("p,q\n1,2\n", {"z.1", "z.2"}, false).values, (std::vector<double>{1, 2}));
  EXPECT_EQ(find("z.2,z.1\n1,2\n", {"z.1", "z.2"}, false).values, (std::vector<double>{2, 1}));
  message_of(ErrorKind::data, [&] { find("a,a,b\n1,2,3\n", {"a", "b"}, true); });
}

TEST_F(PointsFile, NamesThatAreNone) {
  EXPECT_TRUE(contains(refusal(",x\n0,1\n"), "column 1 has no name: an index"));
  EXPECT_TRUE(contains(refusal("Unnamed: 0,x\n0,1\n"), "column 1 has no name: an index"));
  EXPECT_TRUE(contains(refusal("x,y,x\n0,1,2\n"), "two columns are named \"x\""));
}

TEST_F(PointsFile, NumbersTooLargeForAFit) {
  const auto too_large = [&](std::string_view content) {
    const auto points = read(content);
    return message_of(ErrorKind::data, [&] { refuse_too_large(points, "p"); });
  };
  EXPECT_TRUE(
      contains(too_large("x,y\n1,2\n3,-1e300\n"), "p: row 2, column y: -1e+300 is too large"));
  EXPECT_TRUE(contains(too_large("1,1e154\n"), "row 1, column 2"));
  refuse_too_large(read("1e150,-1e152\n1e-300,0\n"), "p");
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
