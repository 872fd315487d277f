#include "cli/say.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "io/output.h"

namespace riffle {

void write_out(std::string_view text) {
  if (!text.empty()) std::fwrite(text.data(), 1, text.size(), standard_output());
}

void write_error(std::string_view text) {
  if (!text.empty()) std::fwrite(text.data(), 1, text.size(), stderr);
}

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free is this one. Standard output can be read only, so that nobody
    // takes what is written there for written.
    const int opened = ::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
    if (opened < 0) return;  // there is nothing to put in its place
  }
}

}  // namespace riffle
