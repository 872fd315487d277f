#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "pictures/gnuplot.h"

namespace riffle {

/// Where the axes are in a picture, in pixels from its lower left corner.
struct Box {
  int left;
  int right;
  int bottom;
  int top;
};

/// A picture in pixels, with gnuplot commands that place things on it. Axes and text are placed by
/// pixels because gnuplot's terminals differ in what they take a line's height to be, and so in the
/// margins that they choose.
struct Canvas {
  int width;
  int height;

  /// A place or a size on the picture.
  std::string at(int x, int y) const;
  std::string axes(const Box& box) const;
  /// A line of text; `look` says what of it is at (x, y), and may turn it.
  std::string text(int x, int y, std::string_view words, int size,
                   std::string_view look = "center") const;
  /// Axes with a title over them.
  std::string titled(const Box& box, std::string_view title, int size) const;
};

/// At most about `most` bytes of UTF-8, the middle left out where there are more.
std::string shortened(const std::string& text, std::size_t most);

/// How many characters a text of UTF-8 has.
std::size_t characters(std::string_view text);

/// The pictures of one report: their scripts and data, and how gnuplot draws them. Scripts find a
/// terminal and gnuplot's settings as `fresh_settings` leaves them; sizes of text are in pixels;
/// the variable `dot` is the point size that gives a filled circle (point type 7) a diameter of 7
/// pixels.
class Studio {
 public:
  static constexpr int frame_time = 15;  ///< of an animation, in hundredths of a second
  static constexpr int last_frame_time = 250;

  /// Keeps numbers in a file for gnuplot; returns its name.
  std::string store(const std::vector<double>& values);
  std::string store_bytes(const std::vector<unsigned char>& bytes);

  /// Adds a picture, as `path`.png and as `path`.svg. `effort` is its expected time in
  /// milliseconds.
  void add(const std::string& path, const Canvas& canvas, const std::string& script, double effort);

  /// Adds an animation, whose frames together should have no more than the 256 colours of a GIF.
  void add_animation(const std::string& path, const Canvas& canvas,
                     const std::vector<std::string>& frames, double effort);

  /// Draws everything into `folder` and says what went wrong. Returns the paths of what was drawn,
  /// in the order in which it was added. Throws Error{cannot_create} and Error{io}.
  std::vector<std::filesystem::path> draw(const std::filesystem::path& gnuplot,
                                          const std::filesystem::path& folder,
                                          std::vector<std::string>& warnings) const;

 private:
  struct Picture {
    std::string path;  ///< in the folder of the report
    std::string file;  ///< in ours
    std::string script;
    double effort;
  };
  std::string keep(std::string_view bytes);
  void run(const std::filesystem::path& gnuplot, std::vector<std::string>& warnings) const;

  TemporaryFolder folder_;
  std::size_t stored_ = 0;
  std::vector<Picture> pictures_;
};

}  // namespace riffle
