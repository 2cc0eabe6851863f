#include "ranks/lobby.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace chunkflow {
namespace {

/// How long the whole handshake of a connection may take.
constexpr double HANDSHAKE_S = 5;
/// How long to leave the listening socket alone when the process has no descriptor for what comes in.
constexpr int FULL_MS = 50;

}  // namespace

Lobby::Lobby(Socket listening, std::string secret, std::string job, std::size_t mostVisitors)
    : listening_(std::move(listening)),
      secret_(std::move(secret)),
      job_(std::move(job)),
      mostVisitors_(std::max<std::size_t>(mostVisitors, 1)) {}

std::optional<Arrival> Lobby::next(Deadline deadline) {
  constexpr int LOOK_MS = 200;
  while (true) {
    std::vector<pollfd> entries{{listening_.descriptor(), POLLIN, 0}};
    for (const Visitor& visitor : visitors_) entries.push_back({visitor.connection.descriptor(), POLLIN, 0});
    poll(entries.data(), entries.size(), millisecondsUntil(deadline, LOOK_MS));
    const Deadline now = std::chrono::steady_clock::now();
    std::optional<Arrival> arrival;
    for (std::size_t i = 0; i < visitors_.size() && !arrival; ++i) {
      Visitor& visitor = visitors_[i];
      if (entries[i + 1].revents != 0) arrival = hear(visitor);
      if (now >= visitor.until) turnAway(visitor, Refusal::NotARank);
    }
    std::erase_if(visitors_, [](const Visitor& visitor) { return visitor.leaves; });
    if (arrival) return arrival;
    if (now >= deadline) return std::nullopt;
    if (entries[0].revents != 0) letIn();
  }
}

void Lobby::letIn() {
  // Bounded, so that a flood leaves time for those who are in.
  for (std::size_t i = 0; i < mostVisitors_; ++i) {
    Socket socket = acceptNow(listening_);
    if (!socket) {
      const bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      if (full && visitors_.empty()) poll(nullptr, 0, FULL_MS);
      if (full) dropOne();
      return;
    }
    if (visitors_.size() >= mostVisitors_) dropOne();
    std::string address = peerAddress(socket.descriptor());
    visitors_.push_back({Connection(std::move(socket)), Reception(secret_, job_, freshNonce()), std::move(address),
                         deadlineIn(HANDSHAKE_S)});
    visitors_.back().connection.limitFrames(LONGEST_GREETING_BYTES);
  }
}

void Lobby::dropOne() {
  if (visitors_.empty()) return;
  std::map<std::string, int> countOf;
  for (const Visitor& visitor : visitors_) ++countOf[visitor.address];
  // max_element takes the first of equals: the oldest.
  visitors_.erase(std::max_element(visitors_.begin(), visitors_.end(), [&](const Visitor& a, const Visitor& b) {
    return countOf[a.address] < countOf[b.address];
  }));
}

std::optional<Arrival> Lobby::hear(Visitor& visitor) {
  const bool open = visitor.connection.receiveSome();
  while (const std::optional<Frame> frame = visitor.connection.take()) {
    const Frame answer = visitor.reception.take(*frame);
    // An answer is a few bytes, for which a fresh connection has room: nobody is waited for.
    const bool sent = visitor.connection.send(answer, Deadline());
    const Reception::State state = visitor.reception.state();
    if (!sent || state == Reception::State::Refused) {
      turnAway(visitor, visitor.reception.refusal());
      return std::nullopt;
    }
    if (state != Reception::State::Known) continue;
    const FrameKeys keys = visitor.reception.keys();
    visitor.connection.secure(keys.fromZero, keys.toZero);
    visitor.leaves = true;
    return Arrival{std::move(visitor.connection), visitor.reception.greeting()};
  }
  if (!open || visitor.connection.damaged()) turnAway(visitor, Refusal::NotARank);
  return std::nullopt;
}

void Lobby::turnAway(Visitor& visitor, Refusal why) {
  visitor.leaves = true;
  lastTurnedAway_[why] = visitor.address;
}

std::string Lobby::turnedAway() const {
  // Others are no rank's: a scanner, a health check, another job's ranks that look for theirs.
  for (const auto& [why, text] :
       {std::pair{Refusal::WrongSecret, " does not know the secret; set the same CHUNKFLOW_SECRET on all ranks"},
        std::pair{Refusal::OtherVersion,
                  " speaks another version of the rendezvous; build the program of all ranks from the same sources"}}) {
    const auto last = lastTurnedAway_.find(why);
    if (last != lastTurnedAway_.end()) return "what came from " + last->second + text;
  }
  return "";
}

}  // namespace chunkflow
