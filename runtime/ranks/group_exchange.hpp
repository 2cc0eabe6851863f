#pragma once
// Barrier, broadcast and gather as one primitive, an all-gather: every rank contributes bytes and gets the bytes of all.
// Groups of threads and of processes differ in how that is done.
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "ranks/group.hpp"

namespace chunkflow {

enum class Meeting : std::uint32_t { Barrier = 1, Broadcast = 2, Gather = 3, Messages = 4 };

/// Sequences of calls that do not wait for each other: those of the rank's own thread, and those of its messages.
constexpr std::size_t LANES = 2;
inline std::size_t laneOf(Meeting meeting) { return meeting == Meeting::Messages ? 1 : 0; }

inline const char* meetingName(Meeting meeting) {
  switch (meeting) {
    case Meeting::Barrier:
      return "a barrier";
    case Meeting::Broadcast:
      return "a broadcast";
    case Meeting::Gather:
      return "a gather";
    case Meeting::Messages:
      return "a collective";
  }
  return "a call that this version does not know";
}

// Error messages for ranks that do not arrive, the same for threads and processes.

inline std::string endedEarly(int rank) { return "rank " + std::to_string(rank) + " ended before the others"; }

inline std::string differentCalls(int rank, Meeting meeting, Meeting atZero) {
  return "rank " + std::to_string(rank) + " is at " + meetingName(meeting) + " while rank 0 is at " +
         meetingName(atZero) + "; all ranks must run the same program with the same options";
}

inline std::string waitedTooLong(int rank, double seconds, Meeting meeting, const std::string& missing) {
  const std::string limit = std::to_string(seconds);
  return "rank " + std::to_string(rank) + " waited " + limit.substr(0, limit.find('.') + 2) + " s in " +
         meetingName(meeting) + " for " + missing + "; see what that rank is doing, or raise --time-limit";
}

inline std::string differentSizes(int rank, const std::string& bytes, const std::string& atZero) {
  return "rank " + std::to_string(rank) + " asks for " + bytes + " bytes of shared memory and rank 0 for " + atZero +
         "; all ranks must run the same program with the same options";
}

class ExchangeGroup : public Group {
 public:
  const Place& place() const override { return place_; }

  void barrier() override { exchange(Meeting::Barrier, {}); }

  std::vector<std::byte> broadcast(std::vector<std::byte> bytes, int root) override {
    if (place_.rank != root) bytes.clear();
    return std::move(exchange(Meeting::Broadcast, std::move(bytes)).at(static_cast<std::size_t>(root)));
  }

  std::vector<std::vector<std::byte>> gather(std::vector<std::byte> bytes) override {
    return exchange(Meeting::Gather, std::move(bytes));
  }

  std::vector<std::vector<std::byte>> gatherMessages(std::vector<std::byte> bytes) override {
    return exchange(Meeting::Messages, std::move(bytes));
  }

 protected:
  explicit ExchangeGroup(const Place& place) : place_(place) {}
  void setHosts(Hosts hosts) { place_.hosts = std::move(hosts); }

  /// Called by one thread of a rank for each lane. @returns what each rank has brought, in order of rank. @throws RunError when the run must end.
  virtual std::vector<std::vector<std::byte>> exchange(Meeting meeting, std::vector<std::byte> bytes) = 0;

 private:
  Place place_;
};

}  // namespace chunkflow
