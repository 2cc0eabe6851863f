#include "ranks/group_processes.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "ranks/group_exchange.hpp"
#include "ranks/group_text.hpp"
#include "ranks/handshake.hpp"
#include "ranks/shared_segment.hpp"

namespace chunkflow {
namespace {

using Contributions = std::vector<std::vector<std::byte>>;

/// What everybody has brought, as one run of bytes: a length and the bytes themselves, in order of rank.
std::vector<std::byte> pack(const Contributions& contributions) {
  std::vector<std::byte> packed;
  for (const std::vector<std::byte>& bytes : contributions) {
    const std::uint64_t length = bytes.size();
    const auto* data = reinterpret_cast<const std::byte*>(&length);
    packed.insert(packed.end(), data, data + sizeof length);
    packed.insert(packed.end(), bytes.begin(), bytes.end());
  }
  return packed;
}

Contributions unpack(const std::vector<std::byte>& packed, std::size_t count) {
  Contributions contributions;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t length = 0;
    if (packed.size() - at < sizeof length) break;
    std::memcpy(&length, packed.data() + at, sizeof length);
    at += sizeof length;
    if (packed.size() - at < length) break;
    contributions.emplace_back(packed.begin() + static_cast<std::ptrdiff_t>(at),
                               packed.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
  }
  if (contributions.size() != count) throw RunError("rank 0 sent a message that is cut short");
  return contributions;
}

/// The other end of a connection. Its frames are put in by the watcher and taken out by the rank's own calls.
struct Peer {
  int rank;
  Connection connection;
  std::mutex sending;
  std::array<std::deque<Frame>, LANES> frames;  // Bring at rank 0, Result elsewhere
  bool left = false;         // said goodbye
  bool gone = false;         // its connection has ended
};

class ProcessGroup : public ExchangeGroup {
 public:
  ProcessGroup(const Place& place, std::vector<Connection> connections, double timeLimitS)
      : ExchangeGroup(place), timeLimitS_(timeLimitS), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw RunError(std::string("could not create an event descriptor (") + std::strerror(errno) + ")");
    for (std::size_t i = 0; i < connections.size(); ++i) {
      if (!connections[i]) continue;
      auto peer = std::make_unique<Peer>();
      peer->rank = place.rank == 0 ? static_cast<int>(i) : 0;
      peer->connection = std::move(connections[i]);
      peers_.push_back(std::move(peer));
    }
    watcher_ = std::thread([this] { watch(); });
  }

  ~ProcessGroup() override {
    // The watcher may be about to pass a failure on; nobody may hear the goodbye before the reason for it.
    const std::string message = failure();
    if (!message.empty()) tell(message, nullptr);
    for (const auto& peer : peers_) send(*peer, {static_cast<std::uint32_t>(Say::Bye), 0, {}});
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    const std::uint64_t one = 1;
    while (write(wake_.descriptor(), &one, sizeof one) < 0 && errno == EINTR) {
    }
    watcher_.join();
    for (const auto& peer : peers_) peer->connection.endSending();
  }

  std::unique_ptr<SharedMemory> shared(std::size_t bytes) override;

  /// Collective; the first call.
  void learnHosts() {
    std::vector<std::string> identities;
    for (const auto& bytes : gather(toBytes(hostIdentity()))) identities.push_back(toText(bytes));
    setHosts(hostsOf(identities));
  }

  void fail(const std::string& message) override {
    {
      const std::lock_guard lock(mutex_);
      if (!failure_.empty()) return;
      failure_ = message;
    }
    changed_.notify_all();
    tell(message, nullptr);
  }

  std::string failure() const override {
    const std::lock_guard lock(mutex_);
    return failure_;
  }

 protected:
  std::vector<std::vector<std::byte>> exchange(Meeting meeting, std::vector<std::byte> bytes) override {
    throwIfFailed();
    return place().rank == 0 ? collect(meeting, std::move(bytes)) : bring(meeting, std::move(bytes));
  }

 private:
  Contributions collect(Meeting meeting, std::vector<std::byte> bytes) {
    const Deadline deadline = deadlineIn(timeLimitS_);
    Contributions contributions(peers_.size() + 1);
    contributions[0] = std::move(bytes);
    for (const auto& peer : peers_) {
      Frame frame = next(*peer, meeting, deadline, "rank " + std::to_string(peer->rank));
      if (frame.tag != static_cast<std::uint32_t>(meeting)) {
        fail(differentCalls(peer->rank, static_cast<Meeting>(frame.tag), meeting));
        throwIfFailed();
      }
      contributions[static_cast<std::size_t>(peer->rank)] = std::move(frame.bytes);
    }
    const Frame result{static_cast<std::uint32_t>(Say::Result), static_cast<std::uint32_t>(meeting),
                       pack(contributions)};
    for (const auto& peer : peers_) send(*peer, result);
    throwIfFailed();
    return contributions;
  }

  Contributions bring(Meeting meeting, std::vector<std::byte> bytes) {
    Peer& zero = *peers_.front();
    send(zero, {static_cast<std::uint32_t>(Say::Bring), static_cast<std::uint32_t>(meeting), std::move(bytes)});
    const Frame frame = next(zero, meeting, deadlineIn(timeLimitS_), "the others");
    return unpack(frame.bytes, static_cast<std::size_t>(place().ranks));
  }

  /// The next frame of a peer. @throws RunError, on all ranks, when it does not come.
  Frame next(Peer& peer, Meeting meeting, Deadline deadline, const std::string& who) {
    std::unique_lock lock(mutex_);
    std::deque<Frame>& frames = peer.frames[laneOf(meeting)];
    const bool inTime =
        changed_.wait_until(lock, deadline, [&] { return !frames.empty() || peer.left || !failure_.empty(); });
    if (failure_.empty() && !frames.empty()) {
      Frame frame = std::move(frames.front());
      frames.pop_front();
      return frame;
    }
    lock.unlock();
    fail(inTime ? endedEarly(peer.rank) : waitedTooLong(place().rank, timeLimitS_, meeting, who));
    throw RunError(failure());
  }

  void send(Peer& peer, const Frame& frame) {
    const std::lock_guard lock(peer.sending);
    // What cannot be sent needs no report: the peer's connection then ends, and the watcher says so.
    peer.connection.send(frame, deadlineIn(timeLimitS_), [this] { return !failure().empty(); });
  }

  /// Passes a failure on to everybody but the one it came from.
  void tell(const std::string& message, const Peer* except) {
    for (const auto& peer : peers_) {
      if (peer.get() != except) send(*peer, {static_cast<std::uint32_t>(Say::Fail), 0, toBytes(message)});
    }
  }

  void throwIfFailed() const {
    const std::string message = failure();
    if (!message.empty()) throw RunError(message);
  }

  void watch() {
    constexpr int LOOK_MS = 200;
    while (true) {
      std::vector<pollfd> entries{{wake_.descriptor(), POLLIN, 0}};
      std::vector<Peer*> watched;
      for (const auto& peer : peers_) {
        if (peer->gone) continue;
        entries.push_back({peer->connection.descriptor(), POLLIN, 0});
        watched.push_back(peer.get());
      }
      poll(entries.data(), entries.size(), LOOK_MS);
      {
        const std::lock_guard lock(mutex_);
        if (ending_) return;
      }
      for (std::size_t i = 0; i < watched.size(); ++i) {
        if (entries[i + 1].revents != 0) hear(*watched[i]);
      }
    }
  }

  void hear(Peer& peer) {
    const bool open = peer.connection.receiveSome();
    while (std::optional<Frame> frame = peer.connection.take()) heard(peer, std::move(*frame));
    if (open && !peer.connection.damaged()) return;
    peer.gone = true;
    bool left = false;
    {
      const std::lock_guard lock(mutex_);
      left = peer.left;
    }
    const std::string who = "rank " + std::to_string(peer.rank);
    if (peer.connection.damaged()) {
      fail("what came from " + who + " is not what it sent; something between the hosts alters or injects packets");
    } else if (!left) {
      fail(who + " ended unexpectedly");
    }
  }

  void heard(Peer& peer, Frame frame) {
    std::string message;
    {
      const std::lock_guard lock(mutex_);
      switch (static_cast<Say>(frame.kind)) {
        case Say::Bring:
        case Say::Result:
          peer.frames[laneOf(static_cast<Meeting>(frame.tag))].push_back(std::move(frame));
          break;
        case Say::Bye:
          peer.left = true;
          break;
        case Say::Fail:
          message = toText(frame.bytes);
          if (failure_.empty()) failure_ = message;
          break;
        default:
          message = "rank " + std::to_string(peer.rank) + " sent a message that is not understood";
          if (failure_.empty()) failure_ = message;
      }
    }
    changed_.notify_all();
    if (!message.empty()) tell(message, &peer);
  }

  const double timeLimitS_;
  Socket wake_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string failure_;
  bool ending_ = false;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::thread watcher_;
};

std::unique_ptr<SharedMemory> ProcessGroup::shared(std::size_t bytes) {
  if (place().hosts.several()) throw RunError("ranks on several hosts share no memory: " + place().hosts.text());
  const Contributions sizes = gather(toBytes(std::to_string(bytes)));
  for (std::size_t rank = 1; rank < sizes.size(); ++rank) {
    if (sizes[rank] == sizes[0]) continue;
    throw RunError(differentSizes(static_cast<int>(rank), toText(sizes[rank]), toText(sizes[0])));
  }
  const std::size_t atLeastOne = std::max<std::size_t>(bytes, 1);
  try {
    std::unique_ptr<SharedSegment> segment = place().rank == 0 ? SharedSegment::create(atLeastOne) : nullptr;
    const std::vector<std::byte> name = broadcast(segment ? toBytes(segment->name()) : std::vector<std::byte>(), 0);
    if (!segment) segment = SharedSegment::open(toText(name), atLeastOne);
    // Every rank takes an even share, in order of rank, as those who use it lay their areas out: pages then lie near
    // the rank that writes them.
    const auto share = [&](int rank) { return atLeastOne / place().ranks * rank; };
    const bool last = place().rank == place().ranks - 1;
    segment->reserve(share(place().rank), last ? atLeastOne : share(place().rank + 1));
    barrier();
    segment->unlink();
    return segment;
  } catch (const RunError& error) {
    fail(error.what());
    throw;
  }
}

}  // namespace

std::unique_ptr<Group> connectedGroup(const Place& place, std::vector<Connection> connections, double timeLimitS) {
  auto group = std::make_unique<ProcessGroup>(place, std::move(connections), timeLimitS);
  group->learnHosts();
  return group;
}

}  // namespace chunkflow
