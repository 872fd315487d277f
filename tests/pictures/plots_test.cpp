#include "pictures/plots.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/files.h"
#include "pictures/gnuplot.h"
#include "riffle/error.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// An environment variable with another value until the end of the scope.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    if (old_) {
      ::setenv(name_, old_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

/// Each test has a folder for pictures, and one for temporary files that must be empty at the end.
class Plots : public ::testing::Test {
 protected:
  Plots() { fs::create_directory(temporary_); }
  ~Plots() override { EXPECT_TRUE(fs::is_empty(temporary_)) << "work files were left behind"; }

  fs::path folder() const { return mine_.path() / "run"; }

  /// A folder for PATH, with a gnuplot that is this shell script.
  std::string false_gnuplot(const std::string& script) const {
    const auto bin = mine_.path() / "bin";
    fs::create_directories(bin);
    std::ofstream(bin / "gnuplot") << "#!/bin/sh\n" << script << "\n";
    fs::permissions(bin / "gnuplot", fs::perms::owner_all);
    return bin.string();
  }

  /// All files in the folder of pictures, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> found;
    if (!fs::exists(folder())) return found;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      if (entry.is_regular_file()) found.push_back(fs::relative(entry, folder()).string());
    }
    std::ranges::sort(found);
    return found;
  }

  static std::vector<std::string> sorted(const PlotReport& report) {
    std::vector<std::string> names;
    for (const auto& file : report.files) names.push_back(file.string());
    std::ranges::sort(names);
    return names;
  }

 private:
  TemporaryFolder mine_;
  fs::path temporary_ = mine_.path() / "tmp";
  Environment environment_{"TMPDIR", temporary_.string()};
};

/// The same, for tests that draw.
class DrawnPlots : public Plots {
 protected:
  void SetUp() override {
    if (!find_gnuplot()) GTEST_SKIP() << "gnuplot is not installed";
  }
};

DensityGrid ring(std::size_t n, double limit) {
  DensityGrid grid{n, {}};
  const auto centre = [&](std::size_t i) {
    return limit * (2 * (static_cast<double>(i) + 0.5) / static_cast<double>(n) - 1);
  };
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t column = 0; column < n; ++column) {
      const double r = std::hypot(centre(row), centre(column));
      grid.values.push_back(std::exp(-0.5 * std::pow((r - 4) / 0.4, 2)));
    }
  }
  return grid;
}

/// `count` points on a circle.
SampleFrame circle(std::uint64_t iteration, std::size_t count, double radius) {
  SampleFrame frame{iteration, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(count);
    frame.x.push_back(radius * std::cos(turn));
    frame.y.push_back(radius * std::sin(turn));
  }
  return frame;
}

MeshFrame sheared_mesh(std::size_t layers, std::size_t n, std::size_t nodes = 11) {
  MeshFrame mesh{layers, {-5, 5, -4, 4}, {}};
  const auto place = [](std::size_t i, std::size_t count) {
    return 2 * static_cast<double>(i) / static_cast<double>(count - 1) - 1;
  };
  for (const bool is_row : {true, false}) {
    for (std::size_t i = 0; i < n; ++i) {
      MeshLine line{is_row, place(i, n), {}, {}, {}};
      for (std::size_t j = 0; j < nodes; ++j) {
        const double x = 3 * (is_row ? place(j, nodes) : place(i, n));
        const double y = 3 * (is_row ? place(i, n) : place(j, nodes));
        line.along.push_back(place(j, nodes));
        line.x.push_back(x + 0.3 * static_cast<double>(layers) * std::tanh(y));
        line.y.push_back(y);
      }
      mesh.lines.push_back(std::move(line));
    }
  }
  return mesh;
}

PlotData loss_only() {
  PlotData data;
  data.target = "gaussian";
  data.flow = "planar:4";
  data.flow_length = 4;
  data.loss_name = "free energy";
  data.best_loss = 0.5;
  for (int i = 0; i < 3000; ++i) {
    data.loss.push_back(0.6 + 14 * std::exp(-i / 60.0) + 0.1 * std::sin(7.0 * i));
  }
  return data;
}

PlotData small_run() {
  auto data = loss_only();
  data.target_density = ring(40, 7);
  data.learned_density = ring(30, 7);
  data.samples = {circle(100, 50, 2), circle(200, 50, 3), circle(300, 50, 4)};
  data.samples_every = 100;
  data.meshes = {sheared_mesh(0, 11), sheared_mesh(2, 11), sheared_mesh(4, 11)};
  return data;
}

const std::vector<std::string> all_files = {"densities.png",
                                            "densities.svg",
                                            "distributions/density.png",
                                            "distributions/density.svg",
                                            "layers.png",
                                            "layers.svg",
                                            "learning.gif",
                                            "loss.png",
                                            "loss.svg",
                                            "samples/flow_result_100.png",
                                            "samples/flow_result_100.svg",
                                            "samples/flow_result_200.png",
                                            "samples/flow_result_200.svg",
                                            "samples/flow_result_300.png",
                                            "samples/flow_result_300.svg"};

std::size_t count_of(std::string_view part, std::string_view text) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// Width and height, from the first chunk of a PNG file.
std::pair<unsigned, unsigned> png_size(const fs::path& path) {
  const auto bytes = read_file(path);
  EXPECT_TRUE(bytes.starts_with("\x89PNG\r\n\x1A\n"));
  EXPECT_EQ(bytes.substr(12, 4), "IHDR");
  const auto number = [&](std::size_t at) {
    unsigned value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value = value * 256 + static_cast<unsigned char>(bytes.at(at + i));
    }
    return value;
  };
  return {number(16), number(20)};
}

/// The times of the frames of a GIF file, in hundredths of a second.
std::vector<int> frame_times(const fs::path& path) {
  const auto bytes = read_file(path);
  std::vector<int> times;
  constexpr std::string_view control("\x21\xF9\x04", 3);
  for (auto at = bytes.find(control); at != bytes.npos; at = bytes.find(control, at + 8)) {
    times.push_back(static_cast<unsigned char>(bytes.at(at + 4)) +
                    256 * static_cast<unsigned char>(bytes.at(at + 5)));
  }
  return times;
}

TEST(GnuplotString, HasNothingSpecialInIt) {
  EXPECT_EQ(gnuplot_string(""), "''");
  EXPECT_EQ(gnuplot_string("it's \"a_b\" \\n @x `ls` {/Bold}"),
            "'it''s \"a_b\" \\n @x `ls` {/Bold}'");
  EXPECT_EQ(gnuplot_string("two\nlines\tand\x7F"), "'two lines and '");
  EXPECT_EQ(gnuplot_string("z₁ é 😀"), "'z₁ é 😀'");
}

TEST(GnuplotString, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(gnuplot_string("a\xFF"
                           "b"),
            "'a\uFFFDb'");
  EXPECT_EQ(gnuplot_string("cut \xE2\x82"), "'cut \uFFFD\uFFFD'");
  EXPECT_EQ(gnuplot_string("\xC0\xAF"), "'\uFFFD\uFFFD'");                      // overlong
  EXPECT_EQ(gnuplot_string("\xED\xA0\x80"), "'\uFFFD\uFFFD\uFFFD'");            // a surrogate
  EXPECT_EQ(gnuplot_string("\xF4\x90\x80\x80"), "'\uFFFD\uFFFD\uFFFD\uFFFD'");  // above U+10FFFF
}

TEST_F(Plots, WithoutGnuplotWarnsOnceAndWritesNothing) {
  const Environment path("PATH", "/nowhere:/nowhere/else");
  const auto report = write_plots(small_run(), folder());
  EXPECT_TRUE(report.files.empty());
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_NE(report.warnings[0].find("gnuplot-nox"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder()));
}

TEST_F(Plots, SaysWhatAFailingGnuplotSaid) {
  const Environment path(
      "PATH",
      false_gnuplot("printf 'plot x\\n     ^\\n\"s\" line 3: no such thing\\n\\n' >&2; exit 1"));
  const auto report = write_plots(loss_only(), folder());
  EXPECT_TRUE(report.files.empty());
  EXPECT_TRUE(files().empty());
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_EQ(report.warnings.front(), "gnuplot failed: \"s\" line 3: no such thing");
  EXPECT_EQ(report.warnings.back(), "2 of 2 pictures could not be drawn");
}

TEST_F(Plots, SurvivesAGnuplotThatIsKilled) {
  const Environment path("PATH", false_gnuplot("kill -9 $$"));
  const auto report = write_plots(loss_only(), folder());
  EXPECT_TRUE(files().empty());
  ASSERT_FALSE(report.warnings.empty());
  EXPECT_EQ(report.warnings.front(), "gnuplot was ended by signal 9");
}

TEST_F(Plots, NeverPutsAHalfWrittenPictureUnderItsName) {
  const Environment path(
      "PATH",
      false_gnuplot("printf '\\211PNG\\r\\n\\032\\nhalf' > picture0; printf '<svg>' > picture1"));
  const auto report = write_plots(loss_only(), folder());
  EXPECT_TRUE(report.files.empty());
  EXPECT_TRUE(files().empty());
  ASSERT_EQ(report.warnings.size(), 1u);
  EXPECT_EQ(report.warnings[0], "2 of 2 pictures could not be drawn");
}

TEST_F(Plots, FindsAGnuplotOnARelativePath) {
  const auto bin = false_gnuplot("exit 0");
  const Environment path("PATH", fs::relative(bin).string());
  const auto found = find_gnuplot();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->is_absolute());
}

TEST_F(Plots, NothingToDrawIsNoProblem) {
  const Environment path("PATH", false_gnuplot("exit 1"));
  const auto report = write_plots({}, folder());
  EXPECT_TRUE(report.files.empty());
  EXPECT_TRUE(report.warnings.empty());
}

TEST_F(DrawnPlots, DrawsAllThatThereIs) {
  const auto report = write_plots(small_run(), folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(sorted(report), all_files);
  EXPECT_EQ(files(), all_files);
  for (const auto& name : all_files) {
    EXPECT_LT(fs::file_size(folder() / name), 500'000u) << name;
  }
}

TEST_F(DrawnPlots, DrawsOnlyTheLossOfOtherDimensions) {
  const auto report = write_plots(loss_only(), folder());
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(files(), (std::vector<std::string>{"loss.png", "loss.svg"}));
}

TEST_F(DrawnPlots, DrawsTheTutorialsPicturesAsTheTutorialDoes) {
  auto data = small_run();
  data.samples.front().x.front() = 7.5;  // outside the axes
  write_plots(data, folder());
  for (const auto* name : {"distributions/density.png", "samples/flow_result_100.png"}) {
    EXPECT_EQ(png_size(folder() / name), (std::pair{700u, 700u})) << name;
  }
  EXPECT_NE(read_file(folder() / "distributions/density.svg").find("<text>True density</text>"),
            std::string::npos);
  const auto samples = read_file(folder() / "samples/flow_result_100.svg");
  EXPECT_NE(samples.find("<text>Flow length: 4</text>"), std::string::npos);
  EXPECT_NE(samples.find("<text>Samples on iteration #100</text>"), std::string::npos);
  EXPECT_EQ(count_of("color='rgb( 31, 119, 180)' opacity='0.70'", samples), 49u);
}

TEST_F(DrawnPlots, DrawsSamplesOnlyWhereTheyAreAskedFor) {
  auto data = small_run();
  data.samples.insert(data.samples.begin(), circle(0, 50, 1));
  const auto drawn = [&] {
    std::filesystem::remove_all(folder());
    write_plots(data, folder());
    auto names = files();
    std::erase_if(names, [](const auto& name) { return !name.ends_with("0.png"); });
    return names;
  };
  data.samples_every = 150;
  EXPECT_EQ(drawn(), (std::vector<std::string>{"samples/flow_result_300.png"}));
  EXPECT_TRUE(fs::exists(folder() / "distributions/density.png"));
  data.samples_every = 0;
  EXPECT_TRUE(drawn().empty());
  EXPECT_FALSE(fs::exists(folder() / "distributions"));
  EXPECT_TRUE(fs::exists(folder() / "densities.png"));
}

TEST_F(DrawnPlots, TheAnimationSlowsDown) {
  auto data = loss_only();
  for (int i = 0; i <= 90; ++i)
    data.samples.push_back(circle(100U * static_cast<unsigned>(i), 9, 3));
  write_plots(data, folder());
  const auto frames = frame_times(folder() / "learning.gif").size();
  EXPECT_GE(frames, 8U);
  EXPECT_LE(frames, 16U);
}

TEST_F(DrawnPlots, DrawsOneDimension) {
  PlotData data;
  data.target = "points.csv";
  data.flow = "rqs:2";
  data.axes = {"height_of_tree"};
  data.lines = DensityLines{1e-90, 3e-90, {}, {1e90, 4e89, 2e89}, {8e89, 6e89, 1e89}, {}};
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  const auto text = read_file(folder() / "densities.svg");
  for (const auto* word :
       {"height_of_tree, in 1e-90", "density, in 1e+90", "points: points.csv", "learned: rqs:2"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  data.lines->learned.assign(3, nan);
  fs::remove_all(folder());
  write_plots(data, folder());
  EXPECT_TRUE(files().empty());
}

TEST_F(DrawnPlots, DrawsPointsBesideDraws) {
  PlotData data;
  data.target = "points.csv";
  data.flow = "maf:2";
  data.pairs = PairsData{7, {"ann", "bob", "cy"}, {}, {}};
  for (int i = 0; i < 300; ++i) {
    const double x = std::sin(i);
    data.pairs->points.insert(data.pairs->points.end(), {x, 1e8 + x * x, i == 5 ? nan : 3.0});
    data.pairs->draws.insert(data.pairs->draws.end(), {x + 0.1, 1e8 + x, i == 6 ? inf : 3.0});
  }
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(files(), (std::vector<std::string>{"pairs.png", "pairs.svg"}));
  const auto text = read_file(folder() / "pairs.svg");
  for (const auto* word : {"3 of 7 coordinates", "ann", "bob less 1", "cy", "draws of the flow"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  data.pairs->draws.assign(900, nan);
  fs::remove_all(folder());
  write_plots(data, folder());
  EXPECT_TRUE(files().empty());
}

TEST_F(DrawnPlots, NamesTheAxesOfAnyScale) {
  auto data = small_run();
  data.axes = {"alpha", "beta"};
  data.samples.clear();
  for (const double unit : {1e-100, 1e100}) {
    data.frame = Frame::square(5 * unit);
    const auto report = write_plots(data, folder());
    EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
    const auto text = read_file(folder() / "densities.svg");
    for (const auto* name : {"alpha", "beta"}) {
      EXPECT_NE(text.find(fmt::format("{}, in {:g}", name, unit)), std::string::npos) << name;
    }
    EXPECT_EQ(text.find("z₁"), std::string::npos);
  }
}

TEST_F(DrawnPlots, HoldsTheLastFrameOfTheAnimation) {
  write_plots(small_run(), folder());
  const auto times = frame_times(folder() / "learning.gif");
  ASSERT_EQ(times.size(), 3u);
  EXPECT_EQ(times[0], times[1]);
  EXPECT_GT(times[2], 4 * times[1]);
}

TEST_F(DrawnPlots, SaysWhenADensityIsAHistogram) {
  auto data = small_run();
  data.samples.clear();
  write_plots(data, folder());
  EXPECT_EQ(count_of("istogram", read_file(folder() / "densities.svg")), 0u);
  data.learned_from_draws = true;
  write_plots(data, folder());
  EXPECT_EQ(count_of("istogram", read_file(folder() / "densities.svg")), 1u);
}

TEST_F(DrawnPlots, LeavesOutWhatIsNotFinite) {
  auto data = small_run();
  data.loss[0] = nan;
  data.loss[1] = inf;
  data.loss[2] = -inf;
  data.loss[3] = 1e300;
  data.target_density->values[5] = nan;
  data.learned_density->values[5] = inf;
  data.learned_density->values[6] = -1e300;
  data.samples[0].x[3] = nan;
  data.samples[0].y[4] = -inf;
  data.samples[1].x.assign(50, nan);
  data.meshes[1].lines[3].x[6] = nan;
  data.meshes[2].lines[3].y[6] = inf;
  data.meshes[2].lines[3].y[7] = 1e300;
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(files(), all_files);
}

TEST_F(DrawnPlots, TheBestValueIsShownWhereItHolds) {
  auto data = loss_only();
  const auto last = static_cast<double>(data.loss.size() * data.loss_every);
  const auto shown = [&](double from) {
    data.best_loss_from = from;
    write_plots(data, folder());
    const auto svg = read_file(folder() / "loss.svg");
    return svg.find("best possible: 0.5") != std::string::npos;
  };
  EXPECT_TRUE(shown(0));
  const auto whole = read_file(folder() / "loss.svg");
  EXPECT_TRUE(shown(last / 2));
  EXPECT_NE(read_file(folder() / "loss.svg"), whole);
  EXPECT_FALSE(shown(last));
}

TEST_F(DrawnPlots, DrawsNoPictureOfNothing) {
  PlotData data;
  data.loss.assign(100, nan);
  data.best_loss = inf;
  data.target_density = DensityGrid{20, std::vector<double>(400, 0.0)};
  data.learned_density = DensityGrid{20, std::vector<double>(7, 1.0)};  // too few values
  data.meshes = {MeshFrame{0, {0, 0, 0, 0}, sheared_mesh(0, 5).lines},
                 MeshFrame{1, {nan, nan, 0, 1}, {}}, MeshFrame{2, {}, {}}};
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_TRUE(files().empty());
}

TEST_F(DrawnPlots, DrawsConstantAndShortLosses) {
  for (const std::vector<double>& loss :
       {std::vector<double>(50, 0.0), std::vector<double>(50, -3e7), {2.0, 1.0}}) {
    PlotData data;
    data.loss = loss;
    data.loss_every = 10;
    const auto report = write_plots(data, folder());
    EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
    EXPECT_EQ(files().size(), 2u);
    fs::remove_all(folder());
  }
}

TEST_F(DrawnPlots, TakesAnyNameForText) {
  const std::string odd = "a_b^{2} @x 'p' \"q\" \\n `ls` <&> %g";
  auto data = small_run();
  data.target = odd;
  data.flow = std::string(300, '_') + "é\xFF\n";
  data.loss_name = odd;
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(files(), all_files);
  EXPECT_NE(read_file(folder() / "densities.svg")
                .find("Target: a_b^{2} @x 'p' \"q\" \\n `ls` &lt;&amp;> %g"),
            std::string::npos);
}

TEST_F(DrawnPlots, KeepsSvgSmallForLargeRuns) {
  auto data = loss_only();
  data.loss.clear();
  for (int i = 0; i < 200'000; ++i) data.loss.push_back(std::sin(1e3 * i));
  data.samples = {circle(1, 100'000, 5)};
  data.samples_every = 1;
  data.target_density = ring(300, 7);
  data.learned_density = ring(300, 7);
  for (std::size_t layers = 0; layers < 20; ++layers) {
    data.meshes.push_back(sheared_mesh(layers, 31, 2001));
  }
  const auto report = write_plots(data, folder());
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  for (const auto& name : files()) {
    EXPECT_LT(fs::file_size(folder() / name), 500'000u) << name;
  }
}

TEST_F(DrawnPlots, ReplacesOldPictures) {
  make_folder(folder());
  write_file(folder() / "loss.png", "old");
  write_plots(loss_only(), folder());
  EXPECT_EQ(png_size(folder() / "loss.png"), (std::pair{1000u, 500u}));
}

TEST_F(DrawnPlots, WorksWhereChildrenAreNotWaitedFor) {
  const auto before = ::signal(SIGCHLD, SIG_IGN);
  const auto report = write_plots(loss_only(), folder());
  ::signal(SIGCHLD, before);
  EXPECT_TRUE(report.warnings.empty()) << report.warnings.front();
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(DrawnPlots, ThrowsWhereTheFolderCannotBeMade) {
  fs::create_directory(folder());
  const auto file = folder() / "file";
  write_file(file, "no folder");
  try {
    write_plots(loss_only(), file / "run");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::cannot_create);
    const std::string message = error.what();
    EXPECT_NE(message.find(file.string()), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace riffle
