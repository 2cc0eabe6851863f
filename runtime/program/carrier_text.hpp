#pragma once
// Names of transports, as results and messages have them.
#include <string>

#include "program/program.hpp"

namespace chunkflow {

/// "none", "nccl", "staged-sm:2" or "staged-copy".
inline std::string carrierText(Carrier carrier) {
  switch (carrier.by) {
    case Carrier::By::Nobody: return "none";
    case Carrier::By::Nccl: return "nccl";
    case Carrier::By::Kernel: return "staged-sm:" + std::to_string(carrier.ctas);
    case Carrier::By::CopyEngines: return "staged-copy";
  }
  return "";
}

}  // namespace chunkflow
