#include "ranks/group_rendezvous.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <thread>

#include "base/error.hpp"
#include "ranks/group_text.hpp"
#include "ranks/hosts.hpp"
#include "ranks/lobby.hpp"

namespace chunkflow {
namespace {

/// How long a rank that knows of a mistake still waits for the others, to tell them.
constexpr double TELLING_S = 2;
/// How long whoever is at rank 0's port may take to answer.
constexpr double ANSWER_S = 5;
/// Connections in the handshake at a time, beside one for each rank.
constexpr std::size_t SPARE_VISITORS = 64;

Greeting greetingOf(const Membership& membership, const GroupOptions& options) {
  return {PROTOCOL_VERSION, membership.worldSize, membership.rank,      options.fingerprint,
          hostName(),       membership.job,       membership.complaint};
}

/// Why a greeting does not go with rank 0; "" when it does.
std::string problemOf(const Greeting& greeting, const Membership& zero, const GroupOptions& options,
                      const std::vector<std::string>& hostOfRank) {
  const std::string who = "rank " + std::to_string(greeting.rank);
  if (!greeting.complaint.empty()) return greeting.complaint;
  if (greeting.worldSize != zero.worldSize) {
    return zero.worldSizeVariable + " is " + std::to_string(greeting.worldSize) + " at " + who + " and " +
           std::to_string(zero.worldSize) + " at rank 0; start all ranks with the same";
  }
  if (greeting.fingerprint != oneLine(options.fingerprint)) {
    return who + " has the program and settings " + greeting.fingerprint + " and rank 0 has " + options.fingerprint +
           "; start the same program with the same options on all ranks";
  }
  const auto rank = static_cast<std::size_t>(greeting.rank);
  if (greeting.rank <= 0 || rank >= hostOfRank.size() || !hostOfRank[rank].empty()) {
    const std::string taken = greeting.rank == 0 ? hostName() : rank < hostOfRank.size() ? hostOfRank[rank] : "";
    return "two processes say that they are " + who + " (on " + greeting.host + " and on " + taken +
           "); every rank needs a number of its own from 0 to " + std::to_string(zero.worldSize - 1);
  }
  return "";
}

std::string portsOf(const Membership& membership) {
  std::string text = std::to_string(membership.ports.front());
  if (membership.ports.size() > 1) text += " to " + std::to_string(membership.ports.back());
  return text;
}

Socket listenAtFirstFree(const Membership& membership) {
  int error = 0;
  for (const int port : membership.ports) {
    Socket socket = listenOn(membership.listenAt, port);
    if (socket) return socket;
    error = errno;
  }
  if (!membership.complaint.empty()) throw UserError(membership.complaint);
  throw UserError("rank 0 could not listen on port " + portsOf(membership) + " (" + std::strerror(error) +
                  "); set MASTER_PORT to a free port on all ranks");
}

void sendTo(std::vector<Connection>& connections, Say say, std::uint32_t tag, const std::string& text) {
  for (Connection& connection : connections) {
    if (!connection) continue;
    connection.send({static_cast<std::uint32_t>(say), tag, toBytes(text)}, deadlineIn(TELLING_S));
    if (say == Say::Reject) connection.endSending();
  }
}

std::string missingRanks(const std::vector<std::string>& hostOfRank) {
  std::string missing;
  int count = 0;
  for (std::size_t rank = 1; rank < hostOfRank.size(); ++rank) {
    if (!hostOfRank[rank].empty()) continue;
    missing += (count++ == 0 ? "" : ", ") + std::to_string(rank);
  }
  return (count == 1 ? "rank " : "ranks ") + missing;
}

std::string inSeconds(double seconds) {
  std::ostringstream text;
  text << seconds << " s";
  return text.str();
}

/// A rank that has given its connection up, and comes again, is not there twice. @returns whether it was so.
bool forgetEnded(int rank, std::vector<Connection>& connections, std::vector<std::string>& hostOfRank) {
  if (rank <= 0 || static_cast<std::size_t>(rank) >= connections.size()) return false;
  Connection& former = connections[static_cast<std::size_t>(rank)];
  if (!former || former.receiveSome()) return false;
  former.close();
  hostOfRank[static_cast<std::size_t>(rank)].clear();
  return true;
}

/// What rank 0 says when some do not come.
std::string absence(const Membership& membership, const GroupOptions& options, const Lobby& lobby,
                    const std::vector<std::string>& hostOfRank) {
  const std::string turnedAway = lobby.turnedAway();
  return missingRanks(hostOfRank) + " did not come within " + inSeconds(options.timeLimitS) + " to rank 0 at " +
         membership.host + ":" + std::to_string(lobby.port()) + "; " +
         (turnedAway.empty() ? "start all " + std::to_string(membership.worldSize) + " ranks, or raise --time-limit"
                             : turnedAway);
}

std::vector<Connection> meetAsZero(const Membership& membership, const GroupOptions& options) {
  std::vector<Connection> connections(static_cast<std::size_t>(membership.worldSize));
  Lobby lobby(listenAtFirstFree(membership), membership.secret, membership.job, SPARE_VISITORS + connections.size());
  std::string problem = membership.complaint;
  Deadline deadline = deadlineIn(problem.empty() ? options.timeLimitS : std::min(options.timeLimitS, TELLING_S));
  std::vector<std::string> hostOfRank(connections.size());
  std::vector<Connection> refused;
  for (std::size_t come = 1; come < connections.size(); ++come) {
    std::optional<Arrival> arrival = lobby.next(deadline);
    if (!arrival) break;
    const Greeting& greeting = arrival->greeting;
    if (forgetEnded(greeting.rank, connections, hostOfRank)) --come;
    const std::string trouble = problemOf(greeting, membership, options, hostOfRank);
    if (trouble.empty()) {
      hostOfRank[static_cast<std::size_t>(greeting.rank)] = greeting.host;
      connections[static_cast<std::size_t>(greeting.rank)] = std::move(arrival->connection);
      continue;
    }
    refused.push_back(std::move(arrival->connection));
    if (problem.empty()) {
      problem = trouble;
      deadline = std::min(deadline, deadlineIn(TELLING_S));
    }
  }
  const bool mistake = !problem.empty();
  if (!mistake && std::count(hostOfRank.begin() + 1, hostOfRank.end(), "") > 0) {
    problem = absence(membership, options, lobby, hostOfRank);
  }
  if (problem.empty()) {
    sendTo(connections, Say::Welcome, 0, "");
    return connections;
  }
  for (Connection& connection : refused) connections.push_back(std::move(connection));
  sendTo(connections, Say::Reject, mistake ? 1 : 0, problem);
  if (mistake) throw UserError(problem);
  throw RunError(problem);
}

/// Why no connection to rank 0 came about so far: the most telling of what was seen at its ports.
struct Failure {
  enum class Kind { NoAnswer, OtherProgram, OtherVersion, WrongSecret };
  Kind kind = Kind::NoAnswer;
  std::string text = "no answer";

  void note(Kind next, const std::string& why) {
    if (next < kind) return;
    kind = next;
    text = why;
  }

  void noteState(const Introduction& introduction) {
    if (introduction.state() == Introduction::State::Distrusted) {
      note(Kind::WrongSecret, "whoever answers there does not know this rank's secret");
    } else if (introduction.refusal() == Refusal::WrongSecret) {
      note(Kind::WrongSecret, "whoever answers there does not accept this rank's secret");
    } else if (introduction.refusal() == Refusal::OtherVersion) {
      note(Kind::OtherVersion, "it speaks another version of the rendezvous");
    } else {
      note(Kind::OtherProgram, "another program has that port");
    }
  }

  std::string remedy() const {
    switch (kind) {
      case Kind::WrongSecret:
        return "set the same CHUNKFLOW_SECRET on all ranks";
      case Kind::OtherVersion:
        return "build the program of all ranks from the same sources";
      case Kind::NoAnswer:
      case Kind::OtherProgram:
        break;
    }
    return "check MASTER_ADDR and MASTER_PORT, and that rank 0 was started";
  }
};

/// @returns a connection to rank 0, each of which has proved itself to the other; an empty one when nobody of this job is
/// at that port.
Connection reachZero(const Membership& membership, const GroupOptions& options, int port, Deadline deadline,
                     Failure& failure) {
  std::string reason;
  const Deadline soon = std::min(deadline, deadlineIn(ANSWER_S));
  Socket socket = connectOnce(membership.host, port, membership.connectFrom, soon, reason);
  if (!socket) {
    failure.note(Failure::Kind::NoAnswer, reason);
    return Connection();
  }
  Connection connection(std::move(socket));
  connection.limitFrames(LONGEST_GREETING_BYTES);
  Introduction introduction(membership.secret, greetingOf(membership, options), freshNonce());
  std::optional<Frame> next = introduction.hello();
  while (next && connection.send(*next, soon)) {
    const std::optional<Frame> answer = connection.receive(soon);
    if (!answer) break;
    next = introduction.take(*answer);
  }
  if (introduction.state() != Introduction::State::Known) {
    failure.noteState(introduction);
    return Connection();
  }
  const FrameKeys keys = introduction.keys();
  connection.secure(keys.toZero, keys.fromZero);
  return connection;
}

/// Waits until rank 0 says that all have come.
void awaitWelcome(Connection& connection, const Membership& membership, const GroupOptions& options, Deadline deadline) {
  // Rank 0 gives the others as long as its own time limit, which began at another moment than ours.
  const std::optional<Frame> answer = connection.receive(deadline + std::chrono::seconds(1));
  if (!answer && std::chrono::steady_clock::now() >= deadline) {
    throw RunError("rank " + std::to_string(membership.rank) + " reached rank 0 but not all ranks came within " +
                   inSeconds(options.timeLimitS) + "; start all " + std::to_string(membership.worldSize) +
                   " ranks, or raise --time-limit");
  }
  if (!answer) throw RunError("rank 0 ended before all ranks had come together");
  if (answer->kind == static_cast<std::uint32_t>(Say::Welcome)) return;
  const std::string message = toText(answer->bytes);
  if (answer->tag == 1) throw UserError(message);
  throw RunError(message);
}

std::vector<Connection> meetZero(const Membership& membership, const GroupOptions& options) {
  constexpr auto FIRST_RETRY = std::chrono::milliseconds(50), LAST_RETRY = std::chrono::milliseconds(400);
  const bool complains = !membership.complaint.empty();
  const double limitS = complains ? std::min(options.timeLimitS, TELLING_S) : options.timeLimitS;
  const Deadline deadline = deadlineIn(limitS);
  Failure failure;
  auto retry = FIRST_RETRY;
  try {
    do {
      for (const int port : membership.ports) {
        Connection connection = reachZero(membership, options, port, deadline, failure);
        if (!connection) continue;
        awaitWelcome(connection, membership, options, deadline);
        std::vector<Connection> connections;
        connections.push_back(std::move(connection));
        return connections;
      }
      std::this_thread::sleep_for(retry);
      // Rank 0 may still be starting, which ends soon; where another program answers it may be long.
      if (failure.kind != Failure::Kind::NoAnswer) retry = std::min(2 * retry, LAST_RETRY);
    } while (std::chrono::steady_clock::now() < deadline);
  } catch (const std::runtime_error&) {
    // With a complaint of its own, this rank ends with that line whatever the others say.
    if (!complains) throw;
  }
  if (complains) throw UserError(membership.complaint);
  const std::string why = "rank " + std::to_string(membership.rank) + " could not reach rank 0 at " + membership.host +
                          ":" + portsOf(membership) + " within " + inSeconds(limitS) + " (" + failure.text + "); " +
                          failure.remedy();
  if (failure.kind == Failure::Kind::WrongSecret) throw UserError(why);
  throw RunError(why);
}

}  // namespace

std::vector<Connection> meet(const Membership& membership, const GroupOptions& options) {
  std::vector<Connection> connections =
      membership.rank == 0 ? meetAsZero(membership, options) : meetZero(membership, options);
  constexpr std::size_t LONGEST_FRAME_BYTES = std::size_t{1} << 30;
  for (Connection& connection : connections) connection.limitFrames(LONGEST_FRAME_BYTES);
  return connections;
}

}  // namespace chunkflow
