#include "ranks/group_rendezvous.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>
#include <thread>

#include "base/error.hpp"
#include "ranks/group_text.hpp"

namespace chunkflow {
namespace {

constexpr int PROTOCOL_VERSION = 1;
/// A greeting is a few lines; anything longer is no greeting of ours.
constexpr std::size_t LONGEST_GREETING_BYTES = std::size_t{64} << 10;
/// How long a rank that knows of a mistake still waits for the others, to tell them.
constexpr double TELLING_S = 2;
/// How long one that has connected may take to say who it is.
constexpr double GREETING_S = 2;

/// What a rank says of itself: one line each, the version first so that every version can read it.
struct Greeting {
  int version = PROTOCOL_VERSION;
  int worldSize = 0;
  int rank = 0;
  std::string fingerprint, host, job, complaint;
};

/// What goes into a line of its own must not end it.
std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Frame greet(const Membership& membership, const GroupOptions& options) {
  std::ostringstream text;
  text << PROTOCOL_VERSION << '\n'
       << membership.worldSize << '\n'
       << membership.rank << '\n'
       << oneLine(options.fingerprint) << '\n'
       << hostName() << '\n'
       << oneLine(membership.job) << '\n'
       << oneLine(membership.complaint) << '\n';
  return {static_cast<std::uint32_t>(Say::Hello), 0, toBytes(text.str())};
}

bool readNumber(std::istream& lines, int& number) {
  std::string line;
  if (!std::getline(lines, line)) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() && end == line.data() + line.size();
}

std::optional<Greeting> readGreeting(const std::optional<Frame>& frame) {
  if (!frame || frame->kind != static_cast<std::uint32_t>(Say::Hello)) return std::nullopt;
  std::istringstream lines(toText(frame->bytes));
  Greeting greeting;
  if (!readNumber(lines, greeting.version)) return std::nullopt;
  if (greeting.version != PROTOCOL_VERSION) return greeting;
  if (!readNumber(lines, greeting.worldSize) || !readNumber(lines, greeting.rank)) return std::nullopt;
  for (std::string* text : {&greeting.fingerprint, &greeting.host, &greeting.job, &greeting.complaint}) {
    if (!std::getline(lines, *text)) return std::nullopt;
  }
  return greeting;
}

/// Why a greeting does not go with rank 0; "" when it does.
std::string problemOf(const Greeting& greeting, const Membership& zero, const GroupOptions& options,
                      const std::vector<std::string>& hostOfRank) {
  const std::string who = "rank " + std::to_string(greeting.rank);
  if (greeting.version != PROTOCOL_VERSION) {
    return "a rank speaks version " + std::to_string(greeting.version) + " of the rendezvous and rank 0 version " +
           std::to_string(PROTOCOL_VERSION) + "; build the program of all ranks from the same sources";
  }
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
    Socket socket = listenOn(membership.host, port);
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

std::vector<Connection> meetAsZero(const Membership& membership, const GroupOptions& options) {
  const Socket listening = listenAtFirstFree(membership);
  std::string problem = membership.complaint;
  Deadline deadline = deadlineIn(problem.empty() ? options.timeLimitS : std::min(options.timeLimitS, TELLING_S));
  std::vector<Connection> connections(static_cast<std::size_t>(membership.worldSize));
  std::vector<std::string> hostOfRank(connections.size());
  std::vector<Connection> refused;
  for (std::size_t come = 1; come < connections.size();) {
    Socket socket = acceptUntil(listening, deadline);
    if (!socket) break;
    Connection connection(std::move(socket));
    connection.limitFrames(LONGEST_GREETING_BYTES);
    const std::optional<Greeting> greeting = readGreeting(connection.receive(deadlineIn(GREETING_S)));
    if (!greeting) continue;
    if (greeting->version == PROTOCOL_VERSION && greeting->job != oneLine(membership.job)) {
      connection.send({static_cast<std::uint32_t>(Say::OtherJob), 0, {}}, deadlineIn(GREETING_S));
      continue;
    }
    connection.send({static_cast<std::uint32_t>(Say::Known), 0, {}}, deadlineIn(GREETING_S));
    ++come;
    const std::string trouble = problemOf(*greeting, membership, options, hostOfRank);
    if (trouble.empty()) {
      hostOfRank[static_cast<std::size_t>(greeting->rank)] = greeting->host;
      connections[static_cast<std::size_t>(greeting->rank)] = std::move(connection);
      continue;
    }
    refused.push_back(std::move(connection));
    if (problem.empty()) {
      problem = trouble;
      deadline = std::min(deadline, deadlineIn(TELLING_S));
    }
  }
  const bool mistake = !problem.empty();
  if (!mistake && std::count(hostOfRank.begin() + 1, hostOfRank.end(), "") > 0) {
    problem = missingRanks(hostOfRank) + " did not come within " + inSeconds(options.timeLimitS) + " to rank 0 at " +
              membership.host + ":" + std::to_string(portOf(listening)) + "; start all " +
              std::to_string(membership.worldSize) + " ranks, or raise --time-limit";
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

/// @returns a connection that rank 0 has welcomed; an empty one when nobody of this job is at that port.
Connection meetAtPort(const Membership& membership, const GroupOptions& options, int port, Deadline deadline,
                      std::string& reason) {
  Socket socket = connectOnce(membership.host, port, std::min(deadline, deadlineIn(GREETING_S)), reason);
  if (!socket) return Connection();
  Connection connection(std::move(socket));
  connection.limitFrames(LONGEST_GREETING_BYTES);
  connection.send(greet(membership, options), deadline);
  // Rank 0 listens to one greeting after the other, so its answer may have to wait for a few strangers.
  std::optional<Frame> answer = connection.receive(std::min(deadline, deadlineIn(5 * GREETING_S)));
  if (!answer || answer->kind != static_cast<std::uint32_t>(Say::Known)) {
    reason = "another program has that port";
    return Connection();
  }
  // Rank 0 gives the others as long as its own time limit, which began at another moment than ours.
  answer = connection.receive(deadline + std::chrono::seconds(1));
  if (!answer && std::chrono::steady_clock::now() >= deadline) {
    throw RunError("rank " + std::to_string(membership.rank) + " reached rank 0 but not all ranks came within " +
                   inSeconds(options.timeLimitS) + "; start all " + std::to_string(membership.worldSize) +
                   " ranks, or raise --time-limit");
  }
  if (!answer) throw RunError("rank 0 ended before all ranks had come together");
  if (answer->kind == static_cast<std::uint32_t>(Say::Welcome)) return connection;
  const std::string message = toText(answer->bytes);
  if (answer->tag == 1) throw UserError(message);
  throw RunError(message);
}

std::vector<Connection> meetZero(const Membership& membership, const GroupOptions& options) {
  constexpr auto RETRY = std::chrono::milliseconds(50);
  const bool complains = !membership.complaint.empty();
  const double limitS = complains ? std::min(options.timeLimitS, TELLING_S) : options.timeLimitS;
  const Deadline deadline = deadlineIn(limitS);
  std::string reason = "no answer";
  try {
    do {
      for (const int port : membership.ports) {
        Connection connection = meetAtPort(membership, options, port, deadline, reason);
        if (!connection) continue;
        std::vector<Connection> connections;
        connections.push_back(std::move(connection));
        return connections;
      }
      std::this_thread::sleep_for(RETRY);
    } while (std::chrono::steady_clock::now() < deadline);
  } catch (const std::runtime_error&) {
    // With a complaint of its own, this rank ends with that line whatever the others say.
    if (!complains) throw;
  }
  if (complains) throw UserError(membership.complaint);
  throw RunError("rank " + std::to_string(membership.rank) + " could not reach rank 0 at " + membership.host + ":" +
                 portsOf(membership) + " within " + inSeconds(limitS) + " (" + reason +
                 "); check MASTER_ADDR and MASTER_PORT, and that rank 0 was started");
}

}  // namespace

std::vector<Connection> meet(const Membership& membership, const GroupOptions& options) {
  std::vector<Connection> connections =
      membership.rank == 0 ? meetAsZero(membership, options) : meetZero(membership, options);
  constexpr std::size_t LONGEST_FRAME_BYTES = std::size_t{1} << 30;
  for (Connection& connection : connections) connection.limitFrames(LONGEST_FRAME_BYTES);
  return connections;
}

std::string hostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "unknown host";
}

}  // namespace chunkflow
