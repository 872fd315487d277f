#include <fmt/format.h>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "cli/commands.h"
#include "cli/say.h"
#include "io/output.h"
#include "riffle/error.h"
#include "riffle/version.h"
#include "targets/formula/formula.h"

namespace riffle {
namespace {

constexpr int software_error = 70;

/// Text of one line: what a file or an argument smuggles in must not break lines or steer the
/// terminal.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

int run(int argc, char** argv) {
  CommandLine line({"riffle", "Riffle: variational inference with normalizing flows.",
                    std::string(version()),
                    "`riffle help COMMAND` says more of one. `riffle fit tutorial` is a good "
                    "start."});
  for (const auto add :
       {&add_fit, &add_sample, &add_logdensity, &add_check, &add_diagnose, &add_summary,
        &add_compare, &add_plot, &add_batch, &add_merge, &add_sbc, &add_list, &add_bench}) {
    add(line);
  }
  return line.run(argc, argv);
}

}  // namespace
}  // namespace riffle

int main(int argc, char** argv) {
  riffle::open_standard_streams();
  riffle::keep_standard_output();
  // A file that hits its size limit is then an error of the write, which is reported.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int code = riffle::run(argc, argv);
    if (std::fflush(riffle::standard_output()) == 0 && std::ferror(riffle::standard_output()) == 0)
      return code;
    const riffle::Error error(riffle::ErrorKind::io, "cannot write to standard output");
    riffle::complain("riffle: {}\n", error.what());
    return code != 0 ? code : riffle::exit_code(error.kind());
  } catch (const riffle::FormulaError& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    if (isatty(STDERR_FILENO) != 0) riffle::complain("{}\n", error.excerpt());
    return riffle::exit_code(error.kind());
  } catch (const riffle::Error& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    return riffle::exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    riffle::complain("riffle: out of memory; try a smaller run.batch, flow or dimension\n");
    return riffle::software_error;
  } catch (const std::exception& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    return riffle::software_error;
  }
}
