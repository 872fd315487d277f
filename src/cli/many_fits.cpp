#include "cli/many_fits.h"

#include <fmt/format.h>

#include <charconv>
#include <csignal>

#include "cli/say.h"
#include "riffle/error.h"

namespace riffle {
namespace {

constexpr int interrupted_exit = 130;

// A signal handler can reach nothing but this.
std::atomic<bool> stop_requested{false};

void request_stop(int signal) {
  std::signal(signal, SIG_DFL);
  stop_requested.store(true, std::memory_order_relaxed);
}

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  if (text.empty()) return shard;
  const auto slash = text.find('/');
  const auto number = [&](std::size_t begin, std::size_t end, std::size_t& n) {
    const auto [at, error] = std::from_chars(text.data() + begin, text.data() + end, n);
    return error == std::errc() && at == text.data() + end;
  };
  if (slash == std::string::npos || !number(0, slash, shard.k) ||
      !number(slash + 1, text.size(), shard.n) || shard.k < 1 || shard.k > shard.n) {
    throw Error(ErrorKind::usage,
                fmt::format("--shard {}: write K/N, K from 1 to N, such as 3/8", text));
  }
  return shard;
}

const std::atomic<bool>& stop_on_signals() {
  std::signal(SIGINT, &request_stop);
  std::signal(SIGTERM, &request_stop);
  std::signal(SIGPIPE, SIG_IGN);
  return stop_requested;
}

BatchCallbacks ManyFits::callbacks() {
  BatchCallbacks callbacks;
  callbacks.stop = &stop_requested;
  callbacks.on_fit = [this](const BatchProgress& p) { show(p); };
  return callbacks;
}

void ManyFits::show(const BatchProgress& p) {
  if (before_ == 0) before_ = p.done;
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
  const auto here = static_cast<double>(p.done - before_ + 1);
  const double left = taken.count() / here * static_cast<double>(p.all - p.done);
  if (!p.message.empty() && p.failed <= 3) {
    line_.finish();
    complain("a fit failed: {}\n", p.message);
  }
  line_.step(fmt::format("{} of {} fits, {} failed, {} unreliable, {} left", p.done, p.all,
                         p.failed, p.unreliable, clock_time(left)));
}

int tell_of_interruption() {
  complain("interrupted; the same command goes on\n");
  return interrupted_exit;
}

}  // namespace riffle
