#include "sampling/hamiltonian.h"

namespace riffle {

template class BasicTransitions<HamiltonianRules>;

}  // namespace riffle
