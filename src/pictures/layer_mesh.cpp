#include "pictures/layer_mesh.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "core/aligned.h"
#include "flows/interface/flow_registry.h"
#include "riffle/tile.h"

namespace riffle {
namespace {

constexpr double reach = 3;               // of the mesh, in standard deviations of the base
constexpr std::size_t lines = 31;         // each way
constexpr std::size_t first_nodes = 121;  // of a line
constexpr std::size_t most_panels = 6;
constexpr int most_rounds = 12;              // each halves what is too long
constexpr std::size_t most_nodes = 150'000;  // of all lines
constexpr double longest = 0.012;            // of a piece of a line, in sides of its panel

struct Point {
  double x = 0;
  double y = 0;
};

/// A place on a line, and where it is in each panel.
struct Node {
  double along = 0;
  std::vector<Point> at;
};

struct Line {
  bool is_row = true;
  double across = 0;
  std::vector<Node> nodes;
};

/// The flow, cut after the layers that have a panel.
class Path {
 public:
  explicit Path(const TrainedFlow& flow)
      : params_(flow.definition().params),
        chain_(make_flow<double>(parse_flow(flow.definition().layers),
                                 {flow.dim(), 0, InstructionSet::best()})) {
    const std::size_t length = chain_->length();
    const std::size_t panels = std::min(most_panels - 1, length);
    after_.push_back(0);
    // Spread evenly over the layers, the last one after them all.
    for (std::size_t k = 0; k < length; ++k) {
      if ((k + 1) * panels / length != k * panels / length) after_.push_back(k + 1);
    }
  }

  const std::vector<std::size_t>& after() const { return after_; }

  /// Fills in where nodes are, from where they are on the base.
  void follow(const std::vector<std::pair<const Line*, Node*>>& nodes) const {
    std::vector<Point> points;
    for (const auto& [line, node] : nodes) {
      const double along = reach * node->along;
      const double across = reach * line->across;
      points.push_back(line->is_row ? Point{along, across} : Point{across, along});
      node->at = {points.back()};
    }
    TileBuffer<double> in(2);
    TileBuffer<double> out(2);
    AlignedVector<double> log_det(tile_size);
    for (std::size_t k = 0; k < chain_->length(); ++k) {
      const auto& layer = chain_->layer(k);
      AlignedVector<double> cache(layer.cache_size());
      for (std::size_t first = 0; first < points.size(); first += tile_size) {
        const auto count = std::min(tile_size, points.size() - first);
        for (std::size_t s = 0; s < count; ++s) {
          in.row(0)[s] = points[first + s].x;
          in.row(1)[s] = points[first + s].y;
        }
        layer.forward(chain_->part(params_, k), in.view(count), out.view(count), log_det.data(),
                      cache.data());
        for (std::size_t s = 0; s < count; ++s) {
          points[first + s] = {out.row(0)[s], out.row(1)[s]};
        }
      }
      if (!std::ranges::binary_search(after_, k + 1)) continue;
      for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].second->at.push_back(points[i]);
    }
  }

 private:
  std::span<const double> params_;
  std::unique_ptr<Chain<double>> chain_;
  std::vector<std::size_t> after_;
};

std::vector<Line> straight_lines() {
  const auto place = [](std::size_t i, std::size_t n) {
    return 2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1;
  };
  std::vector<Line> all;
  for (const bool is_row : {true, false}) {
    for (std::size_t i = 0; i < lines; ++i) {
      Line line{is_row, place(i, lines), {}};
      for (std::size_t j = 0; j < first_nodes; ++j)
        line.nodes.push_back({place(j, first_nodes), {}});
      all.push_back(std::move(line));
    }
  }
  return all;
}

/// Values with weights, and what is between two of their quantiles.
struct Span {
  double low = 0;
  double high = 0;
};

Span middle_of(std::vector<std::pair<double, double>> weighted) {
  constexpr double left_out = 0.003;
  std::ranges::sort(weighted);
  double total = 0;
  for (const auto& [value, weight] : weighted) total += weight;
  Span span;
  double sum = 0;
  bool begun = false;
  for (const auto& [value, weight] : weighted) {
    sum += weight;
    if (!begun && sum >= left_out * total) {
      span.low = value;
      begun = true;
    }
    if (sum <= (1 - left_out) * total) span.high = value;
  }
  return span;
}

/// What a panel shows: nearly all of the mass, as the nodes of straight lines tell. Both axes have
/// one unit, unless one would then be lost.
Frame frame_of(const std::vector<Line>& all, std::size_t panel) {
  constexpr double most_ratio = 5;
  constexpr double margin = 0.12;
  std::vector<std::pair<double, double>> x;
  std::vector<std::pair<double, double>> y;
  for (const auto& line : all) {
    for (const auto& node : line.nodes) {
      const auto& p = node.at[panel];
      if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
      const double r = reach * std::hypot(node.along, line.across);
      const double weight = std::exp(-0.5 * r * r);
      x.emplace_back(p.x, weight);
      y.emplace_back(p.y, weight);
    }
  }
  if (x.empty()) return {0, 0, 0, 0};
  const auto sides = [](const Span& s) { return s.high - s.low; };
  const Span h = middle_of(std::move(x));
  const Span v = middle_of(std::move(y));
  double width = (1 + 2 * margin) * sides(h);
  double height = (1 + 2 * margin) * sides(v);
  if (width <= most_ratio * height && height <= most_ratio * width) {
    width = height = std::max(width, height);
  }
  const auto least = [](const Span& s) { return std::max(1e-9 * std::abs(s.low), 1e-300); };
  width = std::max(width, least(h));
  height = std::max(height, least(v));
  const double cx = h.low + sides(h) / 2;
  const double cy = v.low + sides(v) / 2;
  return {cx - width / 2, cx + width / 2, cy - height / 2, cy + height / 2};
}

/// Whether a piece of a line that is to be seen is too long in some panel.
bool is_coarse(const Node& a, const Node& b, const std::vector<Frame>& frames) {
  for (std::size_t k = 0; k < frames.size(); ++k) {
    const auto& f = frames[k];
    const double width = f.x_high - f.x_low;
    const double height = f.y_high - f.y_low;
    if (!(width > 0) || !(height > 0)) continue;
    const auto place = [&](const Point& p) {
      return Point{(p.x - f.x_low) / width, (p.y - f.y_low) / height};
    };
    const auto p = place(a.at[k]);
    const auto q = place(b.at[k]);
    const bool beside = std::max(p.x, q.x) < 0 || std::min(p.x, q.x) > 1 ||
                        std::max(p.y, q.y) < 0 || std::min(p.y, q.y) > 1;
    if (!beside && !(std::hypot(p.x - q.x, p.y - q.y) <= longest)) return true;
  }
  return false;
}

/// Halves what is too coarse. Returns whether anything was.
bool refine(std::vector<Line>& all, const Path& path, const std::vector<Frame>& frames) {
  std::size_t nodes = 0;
  bool changed = false;
  for (const auto& line : all) nodes += line.nodes.size();
  std::vector<std::vector<Node>> between(all.size());
  std::vector<std::pair<const Line*, Node*>> fresh;
  for (std::size_t l = 0; l < all.size(); ++l) {
    const auto& line = all[l].nodes;
    for (std::size_t j = 0; j + 1 < line.size(); ++j) {
      if (nodes >= most_nodes || !is_coarse(line[j], line[j + 1], frames)) continue;
      between[l].push_back({(line[j].along + line[j + 1].along) / 2, {}});
      ++nodes;
      changed = true;
    }
  }
  for (std::size_t l = 0; l < all.size(); ++l) {
    for (auto& node : between[l]) fresh.emplace_back(&all[l], &node);
  }
  path.follow(fresh);
  for (std::size_t l = 0; l < all.size(); ++l) {
    std::vector<Node> merged;
    std::ranges::merge(all[l].nodes, between[l], std::back_inserter(merged), {}, &Node::along,
                       &Node::along);
    all[l].nodes = std::move(merged);
  }
  return changed;
}

}  // namespace

std::vector<MeshFrame> layer_meshes(const TrainedFlow& flow) {
  const Path path(flow);
  auto all = straight_lines();
  std::vector<std::pair<const Line*, Node*>> nodes;
  for (auto& line : all) {
    for (auto& node : line.nodes) nodes.emplace_back(&line, &node);
  }
  path.follow(nodes);
  std::vector<Frame> frames;
  for (std::size_t k = 0; k < path.after().size(); ++k) frames.push_back(frame_of(all, k));
  for (int round = 0; round < most_rounds && refine(all, path, frames); ++round) {
  }
  std::vector<MeshFrame> meshes;
  for (std::size_t k = 0; k < frames.size(); ++k) {
    MeshFrame mesh{path.after()[k], frames[k], {}};
    for (const auto& line : all) {
      MeshLine drawn{line.is_row, line.across, {}, {}, {}};
      for (const auto& node : line.nodes) {
        drawn.along.push_back(node.along);
        drawn.x.push_back(node.at[k].x);
        drawn.y.push_back(node.at[k].y);
      }
      mesh.lines.push_back(std::move(drawn));
    }
    meshes.push_back(std::move(mesh));
  }
  return meshes;
}

}  // namespace riffle
