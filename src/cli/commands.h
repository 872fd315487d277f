#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace riffle {

/// A subcommand: its options, and what it does once they are read. `run` returns the exit code.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

// One file for each: cli/NAME.cpp.
Command add_fit(CLI::App& app);
Command add_sample(CLI::App& app);
Command add_logdensity(CLI::App& app);
Command add_check(CLI::App& app);
Command add_diagnose(CLI::App& app);
Command add_summary(CLI::App& app);
Command add_compare(CLI::App& app);
Command add_plot(CLI::App& app);
Command add_list(CLI::App& app);
Command add_bench(CLI::App& app);

}  // namespace riffle
