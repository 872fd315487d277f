#include "io/table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/expect_error.h"
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

TEST_F(TableFile, AsTheyCome) {
  const std::vector<double> values{1.5, -2, 3, 4};
  for (const char* text : {"x,y\n1.5,-2\n3,4\n\n",
                           "x, y\n1.5, -2\n3, 4\n",
                           "x ,y\n+1.5,-2\n+3,4\n",
                           "x\ty\n1.5\t-2\n3\t4\n",
                           "x,\ty\n1.5,\t-2\n3,\t4\n",
                           "x;y\n1.5;-2\n3;4\n",
                           "x;y\n1,5;-2\n3,0;4\n",
                           "x\ty\n1,5\t-2,0\n3\t4\n",
                           "x y\n1.5 -2\n3 4",
                           "\"x\",\"y\"\n\"1.5\",\"-2\"\n\"3\",\"4\"\n",
                           "\"x\" \"y\"\n1.5 -2\n3 4\n",
                           "# made by hand\nx,y\n# here\n1.5,-2\n\n3,4 # the last\n#\n",
                           "x,y\r1.5,-2\r3,4\r",
                           "x,y\r\n1.5,-2\r\n3,4\r\n\r\n",
                           "\xEF\xBB\xBFx,y\n1.5,-2\n3,4\n",
                           "x,y\n1.5D0,-2d+00\n.3D1,4.\n",
                           "x,y\n1.5,\xE2\x88\x92"
                           "2\n3,4\n",
                           "\n\nx,y\n1.5,-2\n3,4\n",
                           "x,y,\n1.5,-2,\n3,4,\n",
                           "x,y\n1.5,-2,\n3,4,\n"}) {
    const auto table = read(text);
    EXPECT_EQ(table.values, values) << text;
    EXPECT_EQ(table.header, (std::vector<std::string>{"x", "y"})) << text;
  }
  for (const char* text : {"1.5,-2\n3,4\n", "1.5;-2\n3;4", "1,5;-2\n3;4", "1.5,-2 # first\n3,4\n",
                           "\"1.5\",\"-2\"\n\"3\",\"4\"\n", "1.5,-2,\n3,4,\n"}) {
    const auto table = read(text);
    EXPECT_EQ(table.values, values) << text;
    EXPECT_FALSE(table.has_names) << text;
  }
}

TEST_F(TableFile, CommentsAndWordsWithTheirSign) {
  const ChooseColumns first_and_last = [](const TableHeader&) {
    return std::vector<std::size_t>{0, 2};
  };
  const auto table =
      parse_table("a,kind,b\n1,item #5,2\n3,#,4\n5,x,6 # and, more\n", "t", first_and_last);
  EXPECT_EQ(table.values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST_F(TableFile, NamesOfManyKinds) {
  EXPECT_EQ(read("\"x, m\",\"say \"\"y\"\"\"\n1,2\n").header,
            (std::vector<std::string>{"x, m", "say \"y\""}));
  EXPECT_EQ(read("\"x; m\";y\n1;2\n").header, (std::vector<std::string>{"x; m", "y"}));
  EXPECT_EQ(read("body mass\n1\n2\n").header, std::vector<std::string>{"body mass"});
  EXPECT_EQ(read("body mass,height\n1,2\n").header,
            (std::vector<std::string>{"body mass", "height"}));
  EXPECT_EQ(read("Gr\xC3\xB6\xC3\x9F"
                 "e,y #\n1,2\n")
                .header,
            (std::vector<std::string>{"Gr\xC3\xB6\xC3\x9F"
                                      "e",
                                      "y #"}));
  EXPECT_TRUE(contains(refusal("Gr\xF6\xDF"
                               "e,y\n1,2\n"),
                       "not UTF-8"));
}

TEST_F(TableFile, NamesThatAreNumbers) {
  EXPECT_EQ(read("\"2019\",\"2020\"\n1,2\n3,4\n").header,
            (std::vector<std::string>{"2019", "2020"}));
  for (const char* text : {"2019,2020\n1.5,2.5\n3.5,4.5\n", "0\n1.5\n2.5\n",
                           "0;1\n1,5;2,5\n3,5;1,0\n", "2019,2020\n1e3,2e5\n3.5,4.5\n"}) {
    EXPECT_TRUE(contains(refusal(text), ":1: ")) << text;
    EXPECT_TRUE(contains(refusal(text), "names that are numbers, or a row?")) << text;
  }
  for (const char* text : {"1,2\n3,4\n", "1,2\n3.5,4\n5.5,6.5\n", "2019,2021\n1.5,2.5\n3.5,4.5\n",
                           "2019.0,2020.0\n1.5,2.5\n3.5,4.5\n", "1,2\n1.5,2.5\n"}) {
    EXPECT_FALSE(read(text).has_names) << text;
  }
  EXPECT_TRUE(contains(refusal("x,2019\n1,2\n"), ":1: neither names nor numbers"));
  EXPECT_TRUE(
      contains(refusal(",2019,2020\n0,1.5,2.5\n"), ":1: ,2019,2020: the first column has no name"));
}

TEST_F(TableFile, NamesTheLineThatIsNoRow) {
  EXPECT_TRUE(contains(refusal("1 2\n3\n"), ":2: 1 cell after 2"));
  EXPECT_TRUE(contains(refusal("1\n3\n\n5\n"), ":3: a blank line"));
  EXPECT_TRUE(contains(refusal("1 2\n3 x\n"), "\"x\" is not a number, in row 2, column 2"));
  EXPECT_TRUE(contains(refusal("1,2\n3  4,5\n"), "\"3  4\""));
  EXPECT_TRUE(contains(refusal("1,2\n3,,5\n"), ":2: 3 cells after 2"));
  EXPECT_TRUE(contains(refusal("a 2\n3 4\n"), ":1:"));
  EXPECT_TRUE(contains(refusal("x,y\n1,\"2\n"), ":2: a quotation mark is not closed"));
  EXPECT_TRUE(contains(refusal("\"x\" \"y\"\n\"1\" 1 2\n"), "row names that were saved along?"));
  EXPECT_TRUE(contains(refusal("x,y\n1,5,2,5\n"), "decimal commas?"));
  EXPECT_TRUE(contains(refusal("x,y\n\"1,5\",2\n"), "write decimal points"));
  EXPECT_TRUE(contains(refusal("x;y\n1,5;2.5\n"), "decimal commas and decimal points"));
  EXPECT_TRUE(contains(refusal("x,y\n+-1,2\n"), "\"+-1\""));
  EXPECT_TRUE(contains(refusal("x,y\n1_000,2\n"), "\"1_000\""));
  EXPECT_TRUE(contains(refusal("x,y\n\x01\x1B,2\n"), "\"??\""));
}

TEST_F(TableFile, NamesTheValueThatIsMissing) {
  for (const char* cell : {"NA", "", "?", "nan", "NaN", "N/A", "null", ".", "#N/A"}) {
    const auto text = std::string("a,b\n1,2\n") + cell + ",4\n5,6\n";
    EXPECT_TRUE(contains(refusal(text), "row 2, column a: ")) << refusal(text);
    EXPECT_TRUE(contains(refusal(text), " is a missing value (line 3); leave its row out")) << cell;
  }
  EXPECT_TRUE(contains(refusal("1,NA\n2,3\n"), "row 1, column 2: NA"));
  EXPECT_TRUE(contains(refusal("1 2\n3 nan\n"), "row 2, column 2: nan is a missing value"));
  EXPECT_TRUE(contains(refusal("a,b\n1,inf\n"), "row 1, column b: inf is not a finite number"));
  EXPECT_TRUE(contains(refusal("a,b\n1,-1e400\n"), "row 1, column b: -1e400 is too large"));
  EXPECT_EQ(read("a,b\n1,1e-400\n").values, (std::vector<double>{1, 0}));
}

TEST_F(TableFile, ThatIsNoText) {
  const auto utf16 = [](std::string_view text, bool big) {
    std::string all;
    for (const char c : text) all += big ? std::string{'\0', c} : std::string{c, '\0'};
    return all;
  };
  EXPECT_TRUE(contains(refusal("\x1F\x8B\x08rest"), "compressed by gzip"));
  EXPECT_TRUE(contains(refusal("\x1F\x8B\x08rest"), "`gunzip`"));
  EXPECT_TRUE(contains(refusal("PK\x03\x04rest"), "numpy.save"));
  EXPECT_TRUE(contains(refusal("\xFF\xFE" + utf16("x,y\n", false)), "UTF-16"));
  EXPECT_TRUE(contains(refusal("\xFE\xFF" + utf16("x,y\n", true)), "UTF-16"));
  EXPECT_TRUE(contains(refusal(utf16("x,y\n1,2\n", false)), "`iconv -f UTF-16LE -t UTF-8`"));
  EXPECT_TRUE(contains(refusal(utf16("x,y\n1,2\n", true)), "`iconv -f UTF-16BE -t UTF-8`"));
  EXPECT_TRUE(contains(refusal(std::string("x\0\0\0\0\0", 6)), "binary"));
}

TEST_F(TableFile, OfNothingIsEmpty) {
  EXPECT_EQ(read("").rows(), 0U);
  message_of(ErrorKind::no_input, [&] { read_table(folder_ / "missing"); });
}

}  // namespace
}  // namespace riffle
