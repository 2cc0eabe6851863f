// A build without NCCL.
#include "base/error.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

std::unique_ptr<Transport> ncclTransport(Device&, Group&) {
  throw UserError("nccl is not part of this build; build for cuda, or choose staged-sm or staged-copy");
}

std::string ncclVersion() { return ""; }

}  // namespace chunkflow
