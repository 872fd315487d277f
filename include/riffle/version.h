#ifndef RIFFLE_VERSION_H
#define RIFFLE_VERSION_H

/* The version of these headers, for the preprocessor; C and C++. */
#define RIFFLE_VERSION_MAJOR 0
#define RIFFLE_VERSION_MINOR 1
#define RIFFLE_VERSION_PATCH 0
#define RIFFLE_VERSION "0.1.0"

#ifdef __cplusplus
#include <string_view>

namespace riffle {

/// The version of the library that is linked, such as "0.1.0".
std::string_view version();

}  // namespace riffle
#endif

#endif
