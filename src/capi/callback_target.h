#pragma once

#include <cstddef>
#include <memory>

#include "riffle/c.h"
#include "riffle/target.h"

namespace riffle::capi {

/// Callbacks as a target; one of the two functions is null. Throws Error{usage} for what cannot be.
std::unique_ptr<Target> callback_target(std::size_t dim, riffle_batch_function batch,
                                        riffle_point_function point, void* user,
                                        const riffle_target_options* options);

}  // namespace riffle::capi
