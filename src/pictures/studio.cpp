#include "pictures/studio.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "io/files.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view fresh_settings =
    "reset\n"
    "set encoding utf8\n"
    "if (GPVAL_VERSION >= 5.4) set minussign\n"
    "unset key\n"
    "unset colorbox\n"
    "set border 15 lw 1 lc rgb '#333333'\n"
    "set tics out nomirror scale 0.5 textcolor rgb '#333333'\n";

// pngcairo takes a font's size in points of which 72 make 96 pixels, svg takes it in pixels.
std::string png_terminal(const Canvas& canvas) {
  return fmt::format(
      "set terminal pngcairo noenhanced size {},{} font 'sans,13.3' fontscale 0.75 linewidth 1 "
      "background '#ffffff'\ndot = 1\n",
      canvas.width, canvas.height);
}

std::string svg_terminal(const Canvas& canvas) {
  return fmt::format(
      "set terminal svg noenhanced size {},{} font 'sans-serif,13.3' linewidth 1 "
      "background '#ffffff' name 'riffle'\ndot = 0.7\n",
      canvas.width, canvas.height);
}

std::string gif_terminal(const Canvas& canvas) {
  return fmt::format(
      "set terminal gif noenhanced animate delay {} loop 0 size {},{} font 'sans,13.3' "
      "fontscale 0.75 linewidth 1 background '#ffffff'\ndot = 1\n",
      Studio::frame_time, canvas.width, canvas.height);
}

/// Whether a picture's file ends as its format ends; gnuplot does not report a full disk.
bool is_complete(std::string_view content, std::string_view path) {
  while (content.ends_with('\n')) content.remove_suffix(1);
  if (path.ends_with(".png")) return content.ends_with("IEND\xAE\x42\x60\x82");
  if (path.ends_with(".svg")) return content.ends_with("</svg>");
  return content.ends_with(';');
}

/// Gives the last frame of an animated GIF its own time; gnuplot gives all the same, and it leaves
/// out a frame that repeats the one before.
void hold_last_frame(std::string& gif) {
  const auto byte = [&](std::size_t i) {
    return i < gif.size() ? static_cast<unsigned char>(gif[i]) : 0u;
  };
  const auto colour_table = [&](std::size_t flags) {
    return (byte(flags) & 0x80u) != 0 ? std::size_t{6} << (byte(flags) & 7u) : 0;
  };
  const auto after_blocks = [&](std::size_t i) {
    while (byte(i) != 0) i += byte(i) + 1;
    return i + 1;
  };
  std::size_t control = 0;
  std::size_t i = 13 + colour_table(10);
  while (byte(i) == 0x21 || byte(i) == 0x2C) {
    if (byte(i) == 0x2C) {  // an image
      i = after_blocks(i + 11 + colour_table(i + 9));
    } else {  // an extension; 0xF9 is the graphic control, which precedes an image
      if (byte(i + 1) == 0xF9) control = i;
      i = after_blocks(i + 2);
    }
  }
  if (control == 0 || control + 5 >= gif.size()) return;
  gif[control + 4] = static_cast<char>(Studio::last_frame_time & 0xFF);
  gif[control + 5] = static_cast<char>(Studio::last_frame_time >> 8);
}

}  // namespace

std::string Canvas::at(int x, int y) const {
  return fmt::format("screen {:.6f}, screen {:.6f}", static_cast<double>(x) / width,
                     static_cast<double>(y) / height);
}

std::string Canvas::axes(const Box& box) const {
  return fmt::format(
      "set lmargin at screen {:.6f}\nset rmargin at screen {:.6f}\n"
      "set bmargin at screen {:.6f}\nset tmargin at screen {:.6f}\n",
      static_cast<double>(box.left) / width, static_cast<double>(box.right) / width,
      static_cast<double>(box.bottom) / height, static_cast<double>(box.top) / height);
}

std::string Canvas::text(int x, int y, std::string_view words, int size,
                         std::string_view look) const {
  return fmt::format("set label {} at {} {} font ',{}' front\n", gnuplot_string(words), at(x, y),
                     look, size);
}

std::string Canvas::titled(const Box& box, std::string_view title, int size) const {
  return axes(box) + text((box.left + box.right) / 2, box.top + 10 + size / 2, title, size);
}

std::string shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  std::size_t head = most / 2;
  std::size_t tail = text.size() - (most - head - 1);
  while (head > 0 && continues(text[head])) --head;
  while (tail < text.size() && continues(text[tail])) ++tail;
  return text.substr(0, head) + "…" + text.substr(tail);
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string Studio::keep(std::string_view bytes) {
  auto name = fmt::format("data{}", stored_++);
  write_file(folder_.path() / name, bytes);
  return name;
}

std::string Studio::store(const std::vector<double>& values) {
  return keep({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
}

std::string Studio::store_bytes(const std::vector<unsigned char>& bytes) {
  return keep({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void Studio::add(const std::string& path, const Canvas& canvas, const std::string& script,
                 double effort) {
  const auto add_one = [&](std::string_view suffix, const std::string& terminal) {
    auto file = fmt::format("picture{}", pictures_.size());
    auto commands = fmt::format("{}set output '{}'\n{}{}unset output\n", terminal, file,
                                fresh_settings, script);
    pictures_.push_back({fmt::format("{}{}", path, suffix), file, std::move(commands), effort});
  };
  add_one(".png", png_terminal(canvas));
  add_one(".svg", svg_terminal(canvas));
}

void Studio::add_animation(const std::string& path, const Canvas& canvas,
                           const std::vector<std::string>& frames, double effort) {
  const auto file = fmt::format("picture{}", pictures_.size());
  auto script = gif_terminal(canvas) + fmt::format("set output '{}'\n", file);
  for (const auto& frame : frames) script += fmt::format("{}{}", fresh_settings, frame);
  pictures_.push_back({path, file, script + "unset output\n", effort});
}

void Studio::run(const fs::path& gnuplot, std::vector<std::string>& warnings) const {
  struct Share {
    double effort = 0;
    std::string script;
  };
  std::array<Share, 2> shares;  // one for each of two processes
  std::vector<const Picture*> longest_first;
  for (const auto& picture : pictures_) longest_first.push_back(&picture);
  std::ranges::stable_sort(longest_first, std::ranges::greater(), &Picture::effort);
  for (const auto* picture : longest_first) {
    auto& share = *std::ranges::min_element(shares, {}, &Share::effort);
    share.effort += picture->effort;
    share.script += picture->script;
  }
  std::deque<Gnuplot> processes;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].script.empty()) continue;
    const auto name = fmt::format("script{}", i);
    write_file(folder_.path() / name, shares[i].script);
    processes.emplace_back(gnuplot, folder_.path(), name);
  }
  for (auto& process : processes) {
    if (auto problem = process.wait()) warnings.push_back(std::move(*problem));
  }
}

std::vector<fs::path> Studio::draw(const fs::path& gnuplot, const fs::path& folder,
                                   std::vector<std::string>& warnings) const {
  std::vector<fs::path> drawn;
  // A folder that cannot be written should show before the work, not after it.
  for (const auto& picture : pictures_) make_folder((folder / picture.path).parent_path());
  run(gnuplot, warnings);
  for (const auto& picture : pictures_) {
    const auto source = folder_.path() / picture.file;
    std::error_code error;
    auto content = fs::exists(source, error) ? read_file(source) : std::string();
    if (!is_complete(content, picture.path)) continue;
    if (picture.path.ends_with(".gif")) hold_last_frame(content);
    write_file(folder / picture.path, content);
    drawn.emplace_back(picture.path);
  }
  if (drawn.size() < pictures_.size()) {
    warnings.push_back(fmt::format("{} of {} pictures could not be drawn",
                                   pictures_.size() - drawn.size(), pictures_.size()));
  }
  return drawn;
}

}  // namespace riffle
