#pragma once

#include "cli/command_line.h"

namespace riffle {

// One file for each: cli/NAME.cpp.
void add_fit(CommandLine& line);
void add_sample(CommandLine& line);
void add_logdensity(CommandLine& line);
void add_check(CommandLine& line);
void add_diagnose(CommandLine& line);
void add_summary(CommandLine& line);
void add_compare(CommandLine& line);
void add_batch(CommandLine& line);
void add_merge(CommandLine& line);
void add_sbc(CommandLine& line);
void add_plot(CommandLine& line);
void add_list(CommandLine& line);
void add_bench(CommandLine& line);

}  // namespace riffle
