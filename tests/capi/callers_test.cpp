// The C interface from several threads at once, with callbacks that throw, and with libraries that
// misbehave: by libriffle_c alone, as a program of another language would use it.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "riffle/c.h"

namespace {

struct Text {
  char* text = nullptr;
  ~Text() { riffle_free_text(text); }
  std::string string() const { return text == nullptr ? "" : text; }
};

const char* const brief =
    "[flow]\nlayers = \"planar:4\"\n[objective]\nname = \"free-energy\"\n"
    "[run]\niterations = 200\nbatch = 256\nevaluation_draws = 2000\ndraws = 300\nthreads = 3\n";

int normal(size_t n, const double* x, double* grad, double* logp, void*) {
  *logp = 0;
  for (size_t d = 0; d < n; ++d) {
    *logp -= 0.5 * x[d] * x[d];
    grad[d] = -x[d];
  }
  return 0;
}

std::vector<double> draws_of(const riffle_report* report) {
  riffle_array a{};
  EXPECT_EQ(riffle_report_array(report, "draws", &a, nullptr), RIFFLE_OK);
  return {a.data, a.data + a.rows * a.columns};
}

TEST(CThreads, FitsBesideEachOtherGiveTheSameBits) {
  riffle_target_options options = RIFFLE_TARGET_OPTIONS_INIT;
  options.flags = RIFFLE_THREAD_SAFE;
  riffle_target* target = nullptr;
  ASSERT_EQ(riffle_target_point(2, normal, nullptr, &options, &target, nullptr), RIFFLE_OK);
  std::vector<std::vector<double>> results(4);
  std::vector<std::thread> team;
  for (auto& result : results) {
    team.emplace_back([&] {
      riffle_report* report = nullptr;
      Text error;
      EXPECT_EQ(riffle_fit(target, brief, nullptr, &report, &error.text), RIFFLE_OK)
          << error.string();
      result = draws_of(report);
      riffle_report_free(report);
    });
  }
  for (auto& thread : team) thread.join();
  riffle_target_free(target);
  EXPECT_EQ(results[0].size(), 600U);
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

TEST(CThreads, OneFlowServesAll) {
  riffle_report* report = nullptr;
  riffle_flow* flow = nullptr;
  ASSERT_EQ(riffle_fit(nullptr,
                       "[target]\nname = \"gaussian\"\n[flow]\nlayers = \"affine-full\"\n"
                       "[run]\niterations = 50\nevaluation_draws = 1000\ndraws = 300\n",
                       nullptr, &report, nullptr),
            RIFFLE_OK);
  ASSERT_EQ(riffle_report_flow(report, &flow, nullptr), RIFFLE_OK);
  const auto expected = draws_of(report);
  riffle_report_free(report);
  std::vector<std::thread> team;
  for (int t = 0; t < 4; ++t) {
    team.emplace_back([&] {
      std::vector<double> z(2), all;
      std::vector<double> log_q(1), score(2);
      for (size_t i = 0; i < 300; ++i) {
        EXPECT_EQ(riffle_flow_draw(flow, 1, i, 1, z.data(), nullptr, nullptr, nullptr), RIFFLE_OK);
        EXPECT_EQ(riffle_flow_log_density(flow, 1, z.data(), log_q.data(), score.data(), nullptr),
                  RIFFLE_OK);
        all.insert(all.end(), z.begin(), z.end());
      }
      EXPECT_EQ(all, expected);
    });
  }
  for (auto& thread : team) thread.join();
  riffle_flow_free(flow);
}

int throws(size_t, const double*, double*, double*, void* user) {
  if (++*static_cast<std::atomic<int>*>(user) > 500) throw std::runtime_error("out of\npatience");
  return 1;
}
int throws_a_number(size_t, const double*, double*, double*, void*) {
  throw 5;
}

TEST(CCallbacks, WhatTheyThrowEndsTheCallAndNothingElse) {
  std::atomic<int> calls{0};
  riffle_target* target = nullptr;
  ASSERT_EQ(riffle_target_point(2, throws_a_number, nullptr, nullptr, &target, nullptr), RIFFLE_OK);
  for (const char* toml : {brief, ""}) {
    riffle_report* report = nullptr;
    Text error;
    EXPECT_EQ(riffle_fit(target, toml, nullptr, &report, &error.text), RIFFLE_CALLBACK);
    EXPECT_EQ(error.string(), "a callback threw");
    EXPECT_EQ(report, nullptr);
  }
  riffle_target_free(target);
  ASSERT_EQ(riffle_target_point(2, throws, &calls, nullptr, &target, nullptr), RIFFLE_OK);
  riffle_report* report = nullptr;
  Text error;
  EXPECT_EQ(riffle_fit(target, brief, nullptr, &report, &error.text), RIFFLE_CALLBACK);
  EXPECT_EQ(error.string(), "a callback threw: out of\\x0apatience");
  riffle_target_free(target);
}

TEST(CCallbacks, OfProgressThatThrow) {
  for (const char* toml : {brief, ""}) {
    riffle_fit_callbacks callbacks = {sizeof(riffle_fit_callbacks), nullptr, nullptr, nullptr};
    callbacks.on_progress = [](const riffle_progress*, void*) -> int {
      throw std::runtime_error("no");
    };
    callbacks.on_stage = [](const riffle_stage*, void*) -> int { throw std::runtime_error("no"); };
    riffle_target* target = nullptr;
    ASSERT_EQ(riffle_target_point(2, normal, nullptr, nullptr, &target, nullptr), RIFFLE_OK);
    riffle_report* report = nullptr;
    Text error;
    EXPECT_EQ(riffle_fit(target, toml, &callbacks, &report, &error.text), RIFFLE_CALLBACK);
    EXPECT_EQ(error.string(), "a callback threw: no");
    riffle_report_free(report);
    riffle_target_free(target);
  }
}

/// A target that is not said to be thread-safe is called from the caller's thread alone.
TEST(CCallbacks, StayOnTheCallersThreadUnlessTheySay) {
  struct Seen {
    std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
  } seen;
  riffle_target* target = nullptr;
  const auto log_density = [](size_t n, const double* x, double* grad, double* logp, void* user) {
    auto& s = *static_cast<Seen*>(user);
    if (std::this_thread::get_id() != s.caller) ++s.elsewhere;
    return normal(n, x, grad, logp, nullptr);
  };
  ASSERT_EQ(riffle_target_point(2, log_density, &seen, nullptr, &target, nullptr), RIFFLE_OK);
  for (const char* toml : {brief, "[run]\nthreads = 3\n"}) {
    riffle_report* report = nullptr;
    Text error;
    EXPECT_EQ(riffle_fit(target, toml, nullptr, &report, &error.text), RIFFLE_OK) << error.string();
    riffle_report_free(report);
  }
  EXPECT_EQ(seen.elsewhere, 0);
  riffle_target_free(target);
}

TEST(CSignals, NoHandlerIsChanged) {
  const auto handler = [](int) {};
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGFPE}) std::signal(number, handler);
  riffle_report* report = nullptr;
  ASSERT_EQ(riffle_fit(nullptr,
                       "[target]\nname = \"U1\"\n[flow]\nlayers = \"planar:2\"\n"
                       "[run]\niterations = 20\nevaluation_draws = 1000\ndraws = 10\n",
                       nullptr, &report, nullptr),
            RIFFLE_OK);
  riffle_report_free(report);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGFPE}) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    EXPECT_EQ(now.sa_handler, +handler);
    std::signal(number, SIG_DFL);
  }
}

std::string fake(const char* name) {
  return std::string(RIFFLE_FAKES) + "/" + name + ".so";
}

TEST(CPlugins, AreTargetsOrSayWhyNot) {
  riffle_target* target = nullptr;
  Text error;
  ASSERT_EQ(riffle_target_plugin(fake("fake_plugin").c_str(), nullptr, 0, &target, &error.text),
            RIFFLE_OK)
      << error.string();
  const double z = 0.5;
  double logp = 0, grad = 0;
  EXPECT_EQ(riffle_target_evaluate(target, 1, &z, &logp, &grad, nullptr), RIFFLE_OK);
  EXPECT_EQ(logp, -0.125);
  EXPECT_EQ(grad, -0.5);
  riffle_target_free(target);
  EXPECT_EQ(riffle_target_plugin(fake("fake_plugin").c_str(), "refuse", 0, &target, &error.text),
            RIFFLE_DATA);
  EXPECT_NE(error.string().find("I will"), std::string::npos);
  EXPECT_EQ(target, nullptr);
  riffle_free_text(error.text);
  error.text = nullptr;
  ASSERT_EQ(riffle_target_plugin(fake("fake_plugin").c_str(), "gradient times 0.5", 0, &target,
                                 &error.text),
            RIFFLE_OK);
  Text json;
  EXPECT_EQ(riffle_check_gradient(target, 4, 1, &json.text, nullptr), RIFFLE_OK);
  EXPECT_NE(json.string().find("\"passed\": false"), std::string::npos);
  EXPECT_NE(json.string().find("\"coordinate\": 0"), std::string::npos);
  riffle_target_free(target);
}

TEST(CStan, ModelsAreTargetsOrSayWhyNot) {
  riffle_target* target = nullptr;
  Text error;
  EXPECT_EQ(
      riffle_target_stan(fake("fake_bridgestan_3").c_str(), nullptr, 1, 0, &target, &error.text),
      RIFFLE_DATA);
  EXPECT_FALSE(error.string().empty());
  riffle_free_text(error.text);
  error.text = nullptr;
  const int status =
      riffle_target_stan(fake("fake_bridgestan").c_str(), "{}", 1, 0, &target, &error.text);
  EXPECT_EQ(status == RIFFLE_OK, target != nullptr);
  EXPECT_EQ(status == RIFFLE_OK, error.text == nullptr);
  EXPECT_EQ(target != nullptr, riffle_target_dim(target) > 0);
  riffle_target_free(target);
}

TEST(Stan, ConstantsThatALibraryDoesNotComputeMayBeInItsProgram) {
  for (const unsigned flags : {0U, RIFFLE_KEEPS_CONSTANTS}) {
    riffle_target* target = nullptr;
    riffle_report* report = nullptr;
    ASSERT_EQ(riffle_target_stan(fake("fake_bridgestan").c_str(), R"({"refuse_constants": true})",
                                 1, flags, &target, nullptr),
              RIFFLE_OK);
    ASSERT_EQ(riffle_fit(target, "[run]\nmax_gradients = 20000\n", nullptr, &report, nullptr),
              RIFFLE_OK);
    const std::string_view json = riffle_report_json(report);
    EXPECT_EQ(json.find("\"log_z_up_to_a_constant\": true") == json.npos, flags != 0);
    riffle_report_free(report);
    riffle_target_free(target);
  }
}

}  // namespace
