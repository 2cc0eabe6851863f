#pragma once
// Where rank 0 receives whoever connects, all at once: a stranger who stalls, floods or lies delays no rank. Only connections
// that have proved the job's secret leave it.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ranks/handshake.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// A connection whose other end knows the job's secret; its frames are authenticated from here on.
struct Arrival {
  Connection connection;
  Greeting greeting;
};

class Lobby {
 public:
  /// @param mostVisitors connections that may be in the handshake at a time. One more drops the oldest of the address that
  /// has the most of them.
  Lobby(Socket listening, std::string secret, std::string job, std::size_t mostVisitors);

  /// The next rank; nothing when the deadline passes without one.
  std::optional<Arrival> next(Deadline deadline);
  int port() const { return portOf(listening_); }
  /// Connections in the handshake.
  std::size_t visitors() const { return visitors_.size(); }
  /// What was turned away and looks like a rank's mistake, as a sentence; "" where nothing was.
  std::string turnedAway() const;

 private:
  struct Visitor {
    Connection connection;
    Reception reception;
    std::string address;
    Deadline until;
    bool leaves = false;
  };

  void letIn();
  void dropOne();
  /// @returns the visitor's arrival when this was its last frame.
  std::optional<Arrival> hear(Visitor& visitor);
  void turnAway(Visitor& visitor, Refusal why);

  Socket listening_;
  const std::string secret_, job_;
  const std::size_t mostVisitors_;
  std::vector<Visitor> visitors_;  // the oldest first
  std::map<Refusal, std::string> lastTurnedAway_;  // address
};

}  // namespace chunkflow
