#include "riffle/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/cores.h"
#include "core/executor.h"
#include "model/tile_flow.h"
#include "model/trained_model.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::uint64_t most_draws = std::uint64_t{1} << 32;

template <class T>
std::string why_no_density(const TrainedModel<T>& trained, std::string_view layers) {
  if (!trained.model->injective(trained.all())) {
    return "the flow is not injective, so it has no density to invert";
  }
  const auto& flow = trained.model->flow();
  if (flow.has_inverse()) return {};
  return fmt::format("the flow {} has no inverse: {}", layers, flow.no_inverse_reason());
}

/// What is asked for; spans that are empty are not wanted.
template <class U>
struct Wanted {
  std::span<U> points{};
  std::span<U> log_q{};
  std::span<U> score{};
};

template <class U>
std::span<U> rows_of(std::span<U> all, std::size_t first, std::size_t count, std::size_t dim) {
  return all.empty() ? all : all.subspan(first * dim, count * dim);
}

template <class T>
class Workers {
 public:
  Workers(const TrainedModel<T>& trained, Executor& executor)
      : executor_(executor), kept_(*trained.model, trained.all()) {
    for (std::size_t i = 0; i < executor.threads(); ++i) {
      workers_.push_back(std::make_unique<TileFlow<T>>(*trained.model, trained.all()));
    }
    warm_up();
  }

  template <class U>
  void sample(std::uint64_t seed, std::uint64_t first, std::uint64_t n, const Wanted<U>& wanted) {
    const std::uint64_t end = first + n;
    const std::uint64_t whole_from = (first + tile_size - 1) / tile_size;
    const std::uint64_t whole_to = end / tile_size;
    if (whole_from > whole_to) {  // within one tile
      take_kept(seed, first, first, end, wanted);
      return;
    }
    if (first < whole_from * tile_size) {
      take_kept(seed, first, first, whole_from * tile_size, wanted);
    }
    executor_.run(whole_to - whole_from, [&](std::size_t i, std::size_t worker) {
      auto& tile = *workers_[worker];
      const std::uint64_t begin = (whole_from + i) * tile_size;
      make(tile, seed, begin);
      if (!wanted.score.empty()) tile.find_score();
      hand_out(tile, 0, begin - first, tile_size, wanted);
    });
    if (whole_to * tile_size < end) take_kept(seed, first, whole_to * tile_size, end, wanted);
  }

  /// f(tile, first, count) for the points first ... first + count - 1 of n.
  template <class F>
  void over_points(std::size_t n, F&& f) {
    executor_.run((n + tile_size - 1) / tile_size, [&](std::size_t i, std::size_t worker) {
      const std::size_t first = i * tile_size;
      f(*workers_[worker], first, std::min(tile_size, n - first));
    });
  }

 private:
  static void make(TileFlow<T>& tile, std::uint64_t seed, std::uint64_t first) {
    tile.draw({seed, Purpose::draws, 0}, first, tile_size);
    tile.weigh();
  }

  template <class U>
  static void hand_out(const TileFlow<T>& tile, std::size_t from, std::uint64_t to,
                       std::size_t count, const Wanted<U>& wanted) {
    const auto row = static_cast<std::size_t>(to);
    tile.store_points(from, rows_of(wanted.points, row, count, tile.dim()));
    tile.store_score(from, rows_of(wanted.score, row, count, tile.dim()));
    const auto log_q = rows_of(wanted.log_q, row, count, 1);
    for (std::size_t s = 0; s < log_q.size(); ++s) {
      log_q[s] = static_cast<U>(tile.log_q(from + s));
    }
  }

  /// Draws begin ... end - 1, part of one tile, which is kept for the draws that come next.
  template <class U>
  void take_kept(std::uint64_t seed, std::uint64_t first, std::uint64_t begin, std::uint64_t end,
                 const Wanted<U>& wanted) {
    const std::uint64_t start = begin / tile_size * tile_size;
    if (!kept_key_ || *kept_key_ != std::pair(seed, start)) {
      kept_key_.reset();
      make(kept_, seed, start);
      kept_key_ = std::pair(seed, start);
      kept_score_ = false;
    }
    if (!wanted.score.empty() && !kept_score_) {
      kept_.find_score();
      kept_score_ = true;
    }
    hand_out(kept_, static_cast<std::size_t>(begin - start), begin - first,
             static_cast<std::size_t>(end - begin), wanted);
  }

  /// Bases may keep memory for each thread, taken at its first call: each makes one now. No worker
  /// takes two of the tasks, as each waits for all to have begun.
  void warm_up() {
    std::atomic<std::size_t> begun{0};
    executor_.run(workers_.size(), [&](std::size_t, std::size_t worker) {
      begun.fetch_add(1);
      while (begun.load() < workers_.size()) std::this_thread::yield();
      workers_[worker]->draw({1, Purpose::draws, 0}, 0, 1);
      workers_[worker]->weigh();
    });
  }

  Executor& executor_;
  std::vector<std::unique_ptr<TileFlow<T>>> workers_;
  TileFlow<T> kept_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> kept_key_;
  bool kept_score_ = false;
};

using EitherWorkers = std::variant<Workers<float>, Workers<double>>;

std::size_t threads_for(std::size_t threads) {
  if (threads > Evaluator::most_threads) {
    throw Error(ErrorKind::usage, fmt::format("{} threads for an evaluator: 0 to {} are possible",
                                              threads, Evaluator::most_threads));
  }
  return threads == 0 ? std::min(usable_cores(), Evaluator::most_threads) : threads;
}

}  // namespace

struct Evaluator::Implementation {
  Implementation(const TrainedFlow& trained, std::size_t threads)
      : flow(trained),
        executor(threads),
        workers(std::visit(
            [&]<class T>(const TrainedModel<T>& t) {
              return EitherWorkers(std::in_place_type<Workers<T>>, t, executor);
            },
            flow.implementation_->trained)),
        no_density(
            std::visit([&](const auto& t) { return why_no_density(t, flow.definition().layers); },
                       flow.implementation_->trained)) {}

  std::size_t points_in(std::size_t numbers) const {
    const std::size_t dim = flow.dim();
    if (numbers % dim == 0) return numbers / dim;
    throw Error(ErrorKind::usage,
                fmt::format("{} numbers are no whole points of dimension {}", numbers, dim));
  }
  /// Of `what`, there must be so many numbers.
  static void expect(std::string_view what, std::size_t size, std::size_t wanted) {
    if (size == wanted) return;
    throw Error(ErrorKind::usage, fmt::format("the span for {} has {} numbers, but {} are needed",
                                              what, size, wanted));
  }
  static void expect_or_none(std::string_view what, std::size_t size, std::size_t wanted) {
    if (size != 0) expect(what, size, wanted);
  }
  void expect_density() const {
    if (!no_density.empty()) throw Error(ErrorKind::usage, no_density);
  }

  template <class U>
  void sample(std::uint64_t seed, std::uint64_t first, const Wanted<U>& wanted) {
    const std::size_t n = points_in(wanted.points.size());
    expect_or_none("ln q", wanted.log_q.size(), n);
    expect_or_none("scores", wanted.score.size(), wanted.points.size());
    if (!wanted.score.empty()) expect_density();
    if (n > most_draws || first > most_draws - n) {
      throw Error(ErrorKind::usage,
                  fmt::format("one seed has {} draws, and draws {} to {} were asked for: take the "
                              "rest from another seed",
                              most_draws, first, first + n));
    }
    if (n == 0) return;
    std::visit([&](auto& w) { w.sample(seed, first, n, wanted); }, workers);
  }

  template <class U>
  void pull(std::span<const U> points, std::span<U> base, std::span<U> log_det, std::span<U> log_q,
            std::span<U> score) {
    expect_density();
    const std::size_t dim = flow.dim();
    const std::size_t n = points.size() / dim;
    const auto work = [&](auto& tile, std::size_t first, std::size_t count) {
      tile.load_points(rows_of(points, first, count, dim));
      tile.pull();
      if (!log_q.empty()) tile.weigh();
      if (!score.empty()) tile.find_score();
      tile.store_base_points(0, rows_of(base, first, count, dim));
      tile.store_score(0, rows_of(score, first, count, dim));
      for (std::size_t s = 0; s < count; ++s) {
        if (!log_det.empty()) log_det[first + s] = static_cast<U>(tile.log_det(s));
        if (!log_q.empty()) log_q[first + s] = static_cast<U>(tile.log_q(s));
      }
    };
    std::visit([&](auto& w) { w.over_points(n, work); }, workers);
  }

  template <class U>
  void log_density(std::span<const U> points, std::span<U> log_q) {
    expect("ln q", log_q.size(), points_in(points.size()));
    pull<U>(points, {}, {}, log_q, {});
  }
  template <class U>
  void score(std::span<const U> points, std::span<U> score, std::span<U> log_q) {
    expect_or_none("ln q", log_q.size(), points_in(points.size()));
    expect("scores", score.size(), points.size());
    pull<U>(points, {}, {}, log_q, score);
  }
  template <class U>
  void to_base(std::span<const U> points, std::span<U> base, std::span<U> log_det) {
    expect_or_none("log-dets", log_det.size(), points_in(points.size()));
    expect("base points", base.size(), points.size());
    pull<U>(points, base, log_det, {}, {});
  }
  template <class U>
  void to_sample(std::span<const U> base, std::span<U> points, std::span<U> log_det) {
    const std::size_t dim = flow.dim();
    const std::size_t n = points_in(base.size());
    expect_or_none("log-dets", log_det.size(), n);
    expect("points", points.size(), base.size());
    const auto work = [&](auto& tile, std::size_t first, std::size_t count) {
      tile.load_base_points(rows_of(base, first, count, dim));
      tile.push();
      tile.store_points(0, rows_of(points, first, count, dim));
      for (std::size_t s = 0; s < count; ++s) {
        if (!log_det.empty()) log_det[first + s] = static_cast<U>(tile.log_det(s));
      }
    };
    std::visit([&](auto& w) { w.over_points(n, work); }, workers);
  }

  TrainedFlow flow;
  Executor executor;
  EitherWorkers workers;
  std::string no_density;
};

Evaluator::Evaluator(const TrainedFlow& flow, std::size_t threads)
    : implementation_(std::make_unique<Implementation>(flow, threads_for(threads))) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;

const TrainedFlow& Evaluator::flow() const {
  return implementation_->flow;
}
std::size_t Evaluator::dim() const {
  return implementation_->flow.dim();
}
std::size_t Evaluator::threads() const {
  return implementation_->executor.threads();
}
const std::string& Evaluator::no_density_reason() const {
  return implementation_->no_density;
}

#define RIFFLE_DEFINE(U)                                                                          \
  void Evaluator::sample(std::uint64_t seed, std::uint64_t first, std::span<U> points,            \
                         std::span<U> log_q, std::span<U> score) {                                \
    implementation_->sample<U>(seed, first, {points, log_q, score});                              \
  }                                                                                               \
  void Evaluator::log_density(std::span<const U> points, std::span<U> log_q) {                    \
    implementation_->log_density(points, log_q);                                                  \
  }                                                                                               \
  void Evaluator::score(std::span<const U> points, std::span<U> score, std::span<U> log_q) {      \
    implementation_->score(points, score, log_q);                                                 \
  }                                                                                               \
  void Evaluator::to_sample(std::span<const U> base, std::span<U> points, std::span<U> log_det) { \
    implementation_->to_sample(base, points, log_det);                                            \
  }                                                                                               \
  void Evaluator::to_base(std::span<const U> points, std::span<U> base, std::span<U> log_det) {   \
    implementation_->to_base(points, base, log_det);                                              \
  }

RIFFLE_DEFINE(float)
RIFFLE_DEFINE(double)
#undef RIFFLE_DEFINE

}  // namespace riffle
