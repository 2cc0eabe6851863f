#pragma once
// Transports as results and messages name them.
#include <string>

#include "program/program.hpp"

namespace chunkflow {

/// "none", "nccl", "staged-sm:2" or "staged-copy".
inline std::string carrierText(Carrier carrier) {
  const std::string name = nameOf(carrier.by);
  return carrier.ctas == 0 ? name : name + ":" + std::to_string(carrier.ctas);
}

}  // namespace chunkflow
