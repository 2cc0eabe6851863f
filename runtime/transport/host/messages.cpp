// The host backend's stand-in for NCCL: messages through the ranks' group, in one process, on one host or between hosts. All
// of them go to all ranks by way of rank 0: simple, and not for speed, of which the host backend says nothing.
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "device/host/queue.hpp"
#include "transport/exchanges.hpp"

namespace chunkflow {
namespace {

class MessageTransport : public ExchangeTransport {
 public:
  explicit MessageTransport(Group& group) : ExchangeTransport(group), group_(group) {}

 protected:
  void exchange(Stream& stream, bool gather, std::size_t bytes, std::byte* source, std::byte* target) override {
    callOnHost(stream, [this, gather, bytes, source, target] { pass(gather, bytes, source, target); });
  }

 private:
  /// @throws RunError when the run has failed, which ends the wait for the others too.
  void pass(bool gather, std::size_t bytes, const std::byte* source, std::byte* target) {
    const std::size_t brought = gather ? bytes : bytes * static_cast<std::size_t>(groupSize());
    const std::vector<std::vector<std::byte>> all = group_.gatherMessages({source, source + brought});
    const std::size_t own = gather ? 0 : bytes * static_cast<std::size_t>(rank());
    for (int peer = 0; peer < groupSize(); ++peer) {
      const std::vector<std::byte>& from = all.at(static_cast<std::size_t>(peer));
      if (peer == rank()) continue;
      if (from.size() != brought) {
        throw RunError("rank " + std::to_string(peer) + " exchanges " + std::to_string(from.size()) + " bytes and rank " +
                       std::to_string(rank()) + " " + std::to_string(brought) + "; this is a fault of the generated " +
                       "program, report it");
      }
      std::memcpy(target + static_cast<std::size_t>(peer) * bytes, from.data() + own, bytes);
    }
  }

  Group& group_;
};

}  // namespace

std::unique_ptr<Transport> ncclTransport(Device&, Group& group) {
  if (group.place().ranks < group.place().groupSize) {
    throw UserError("nccl cannot exchange with mirrored peers; use staged-sm or staged-copy");
  }
  return std::make_unique<MessageTransport>(group);
}

std::string ncclVersion() { return ""; }

}  // namespace chunkflow
