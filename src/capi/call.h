#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "riffle/c.h"
#include "riffle/error.h"

// What every function of riffle/c.h does around what it does.

namespace riffle::capi {

/// A callback of a target cannot go on: ends the call with RIFFLE_CALLBACK.
class CallbackFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A fit that a callback ended before there was anything to report.
class Cancelled : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A copy for riffle_free_text, in UTF-8 whatever the bytes are; null where there is no memory.
char* new_text(std::string_view text) noexcept;

/// Gives the message, in one line, to the caller; returns the status.
int tell(char** error, riffle_status status, std::string_view message) noexcept;

/// Calls f; what it throws becomes a code and a message.
template <class F>
int guarded(char** error, F&& f) {
  if (error != nullptr) *error = nullptr;
  try {
    f();
    return RIFFLE_OK;
  } catch (const Error& e) {
    return tell(error, static_cast<riffle_status>(exit_code(e.kind())), e.what());
  } catch (const CallbackFailure& e) {
    return tell(error, RIFFLE_CALLBACK, e.what());
  } catch (const Cancelled& e) {
    return tell(error, RIFFLE_CANCELLED, e.what());
  } catch (const std::bad_alloc&) {
    return tell(error, RIFFLE_NO_MEMORY, "there is not enough memory");
  } catch (const std::length_error&) {
    return tell(error, RIFFLE_NO_MEMORY, "there is not enough memory");
  } catch (const std::exception& e) {
    return tell(error, RIFFLE_INTERNAL, e.what());
  } catch (...) {
    return tell(error, RIFFLE_INTERNAL, "an unknown exception");
  }
}

[[noreturn]] void refuse(const std::string& message);

/// Throws Error{usage} where a pointer that is needed is null.
template <class T>
T& needed(T* pointer, const char* what) {
  if (pointer == nullptr) refuse(std::string(what) + " is null");
  return *pointer;
}

/// The same of a place for a result, which is emptied: nothing is left there on failure.
template <class T>
T*& emptied(T** out, const char* what) {
  needed(out, what) = nullptr;
  return *out;
}

/// Throws Error{usage} for null and for what is not UTF-8.
std::string_view text(const char* given, const char* what);
/// The same, but null is "".
std::string_view text_or_none(const char* given, const char* what);

/// Throws Error{usage} where `data` is null though there are numbers, or there are too many.
void check_numbers(const void* data, std::size_t n, std::size_t dim, const char* what);

/// The options that are given, over `all`, which holds the defaults of this version: a caller of an
/// older one, whose size was `least`, has fewer, one of a newer one more, which are not known here.
template <class Options>
Options options_over(Options all, const Options* given, std::size_t least, const char* what) {
  if (given == nullptr) return all;
  if (given->size < least) {
    refuse(std::string(what) + "->size is " + std::to_string(given->size) + ", not its sizeof, " +
           std::to_string(all.size));
  }
  std::memcpy(&all, given, std::min(given->size, sizeof(Options)));
  return all;
}

}  // namespace riffle::capi
