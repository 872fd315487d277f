#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "riffle/error.h"

namespace riffle::test {

/// The message of the riffle::Error of that kind that the call throws, on one line; anything else
/// fails the test.
template <class Call>
std::string message_of(ErrorKind kind, Call&& call, std::string_view what = {}) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(exit_code(error.kind()), exit_code(kind)) << what << ": " << message;
    EXPECT_FALSE(message.empty()) << what;
    EXPECT_EQ(message.find('\n'), std::string::npos) << what << ": " << message;
    return message;
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": threw another exception: " << error.what();
    return {};
  }
  ADD_FAILURE() << what << ": nothing was thrown";
  return {};
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace riffle::test
