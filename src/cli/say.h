#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

namespace riffle {

/// Writes to standard output. What cannot be written must not end a run whose results are still to
/// come: it is noted in the stream alone (std::ferror), for `main` to tell of in the end.
void write_out(std::string_view text);
/// Writes to standard error; what cannot be written there is lost, and changes nothing.
void write_error(std::string_view text);

/// Formats to standard output, but for what cannot be written.
template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  write_out(fmt::format(text, std::forward<Args>(args)...));
}

/// The same to standard error.
template <class... Args>
void complain(fmt::format_string<Args...> text, Args&&... args) {
  write_error(fmt::format(text, std::forward<Args>(args)...));
}

/// Gives standard input, output and error, where they are closed, to nothing: or the next file that
/// is opened takes their place, and is read from or written to. Writing to an output that was
/// closed fails, as it should.
void open_standard_streams();

}  // namespace riffle
