#pragma once

// The whole public interface.
#include "riffle/constraints.h"
#include "riffle/diagnostics.h"
#include "riffle/error.h"
#include "riffle/evaluator.h"
#include "riffle/fit.h"
#include "riffle/formula.h"
#include "riffle/gradients.h"
#include "riffle/posterior.h"
#include "riffle/run.h"
#include "riffle/samples.h"
#include "riffle/spec.h"
#include "riffle/target.h"
#include "riffle/targets.h"
#include "riffle/tile.h"
#include "riffle/trained_flow.h"
#include "riffle/version.h"
