// Checks of rank 0's door: ranks meet on the loopback interface while strangers connect, stall, send what they like, claim ranks
// and replay what they have recorded.
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <thread>

#include "checks/check.hpp"
#include "checks/ranks.hpp"
#include "ranks/group_rendezvous.hpp"
#include "ranks/handshake.hpp"
#include "ranks/lobby.hpp"

namespace chunkflow {
namespace {

const std::string SECRET = "0123456789abcdef0123456789abcdef", OTHER = "fedcba9876543210fedcba9876543210";
constexpr const char* HERE = "127.0.0.1";

Membership member(int rank, int worldSize, int port, const std::string& secret) {
  Membership membership;
  membership.rank = rank;
  membership.worldSize = worldSize;
  membership.host = membership.listenAt = HERE;
  membership.ports = {port};
  membership.secret = secret;
  membership.job = "checks";
  return membership;
}

GroupOptions optionsFor(int ranks, double timeLimitS) {
  GroupOptions options;
  options.ranks = options.groupSize = ranks;
  options.timeLimitS = timeLimitS;
  options.fingerprint = "0123abcd";
  return options;
}

/// A thread that meets, and its word: "met", or what it ends with.
class Meeter {
 public:
  Meeter(Membership membership, GroupOptions options)
      : thread_([this, membership = std::move(membership), options = std::move(options)] {
          word_ = wordOf([&] { return "met " + std::to_string(meet(membership, options).size()); });
        }) {}
  const std::string& word() {
    thread_.join();
    return word_;
  }

 private:
  std::string word_;
  std::thread thread_;
};

/// A stranger's connection, once somebody listens.
Socket strangerAt(int port) {
  std::string reason;
  const Deadline deadline = deadlineIn(5);
  while (std::chrono::steady_clock::now() < deadline) {
    Socket socket = connectOnce(HERE, port, "", deadline, reason);
    if (socket) return socket;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return Socket();
}

void sendRaw(const Socket& socket, const std::string& bytes) {
  static_cast<void>(send(socket.descriptor(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

std::string rawHello(int rank) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::abort();
  Connection from{Socket(ends[0])};
  const Socket to(ends[1]);
  const Introduction introduction(OTHER, {PROTOCOL_VERSION, 2, rank, "0123abcd", "elsewhere", "checks", ""}, freshNonce());
  from.send(introduction.hello(), deadlineIn(1));
  char bytes[4096];
  const ssize_t count = recv(to.descriptor(), bytes, sizeof bytes, 0);
  return {bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

/// Goes through a handshake with a secret. @returns whether rank 0 took it for a rank.
bool claims(int port, int rank, const std::string& secret) {
  Connection connection(strangerAt(port));
  Introduction introduction(secret, {PROTOCOL_VERSION, 2, rank, "0123abcd", "elsewhere", "checks", ""}, freshNonce());
  std::optional<Frame> next = introduction.hello();
  while (next && connection.send(*next, deadlineIn(5))) {
    const std::optional<Frame> answer = connection.receive(deadlineIn(5));
    next = answer ? introduction.take(*answer) : std::nullopt;
  }
  return introduction.state() == Introduction::State::Known;
}

using Mischief = std::function<void(int port, std::vector<Socket>& held)>;

/// Rank 0 listens, strangers do what they do and hold on to their connections, and then rank 1 comes.
void checkMeeting(const std::string& name, const Mischief& mischief) {
  const int port = freePort();
  Meeter zero(member(0, 2, port, SECRET), optionsFor(2, 20));
  std::vector<Socket> held;
  held.push_back(strangerAt(port));
  mischief(port, held);
  Meeter one(member(1, 2, port, SECRET), optionsFor(2, 20));
  const std::string atOne = one.word(), atZero = zero.word();
  check("strangers: " + name, atOne == "met 1" && atZero == "met 2");
  if (atOne != "met 1" || atZero != "met 2") std::printf("     said: %s\n     said: %s\n", atZero.c_str(), atOne.c_str());
  std::string reason;
  check("strangers: nobody listens behind the meeting, " + name, !connectOnce(HERE, port, "", deadlineIn(1), reason));
}

void checkStrangers() {
  constexpr int MANY = 300;
  checkMeeting("one stalls", [](int, std::vector<Socket>&) {});
  checkMeeting("one connects and goes", [](int port, std::vector<Socket>&) { strangerAt(port); });
  checkMeeting("one sends what is no frame", [](int port, std::vector<Socket>& held) {
    held.push_back(strangerAt(port));
    sendRaw(held.back(), "GET / HTTP/1.1\r\n\r\n");
    held.push_back(strangerAt(port));
    sendRaw(held.back(), std::string(100000, 'x'));
  });
  checkMeeting("one sends the beginning of a greeting", [](int port, std::vector<Socket>& held) {
    const std::string hello = rawHello(1);
    for (const std::size_t length : {std::size_t{1}, std::size_t{23}, std::size_t{24}, std::size_t{60}, hello.size() - 1}) {
      held.push_back(strangerAt(port));
      sendRaw(held.back(), hello.substr(0, length));
    }
  });
  checkMeeting("one greets as rank 1 and stalls", [](int port, std::vector<Socket>& held) {
    held.push_back(strangerAt(port));
    sendRaw(held.back(), rawHello(1));
  });
  checkMeeting("one claims rank 1 first, with a wrong secret", [](int port, std::vector<Socket>&) {
    check("strangers: a wrong secret, without effect", !claims(port, 1, OTHER));
    check("strangers: no secret, without effect", !claims(port, 1, ""));
    check("strangers: a wrong secret for rank 0, without effect", !claims(port, 0, OTHER));
    check("strangers: a wrong secret for no rank, without effect", !claims(port, 77, OTHER));
  });
  checkMeeting("one opens hundreds of connections", [](int port, std::vector<Socket>& held) {
    for (int i = 0; i < MANY; ++i) held.push_back(strangerAt(port));
    for (int i = 0; i < MANY; i += 2) sendRaw(held[static_cast<std::size_t>(i)], rawHello(1).substr(0, 40));
  });
}

/// A stranger in the middle records a whole meeting, and says the same again to rank 0 of the next one.
void checkReplay() {
  const int front = freePort(), back = freePort();
  Meeter zero(member(0, 2, back, SECRET), optionsFor(2, 20));
  Socket toZero = strangerAt(back);
  const Socket listening = listenOn(HERE, front);
  Meeter one(member(1, 2, front, SECRET), optionsFor(2, 20));
  Socket toOne;
  while (!toOne) toOne = acceptNow(listening);
  std::string said;
  const auto pass = [](const Socket& from, const Socket& to) {
    char bytes[4096];
    const ssize_t count = recv(from.descriptor(), bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) sendRaw(to, std::string(bytes, static_cast<std::size_t>(count)));
    return count > 0 ? std::string(bytes, static_cast<std::size_t>(count)) : std::string();
  };
  // Two frames to rank 0: Hello and Proof. Whatever comes in a second belongs to them.
  const Deadline deadline = deadlineIn(1);
  while (std::chrono::steady_clock::now() < deadline) {
    said += pass(toOne, toZero);
    pass(toZero, toOne);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  check("replay: the first meeting was passed on", one.word() == "met 1" && zero.word() == "met 2" && !said.empty());
  checkMeeting("one replays a recorded meeting", [&](int port, std::vector<Socket>& held) {
    held.push_back(strangerAt(port));
    sendRaw(held.back(), said);
  });
}

void checkWrongSecret() {
  const int port = freePort();
  Meeter zero(member(0, 2, port, SECRET), optionsFor(2, 1)), one(member(1, 2, port, OTHER), optionsFor(2, 1));
  const std::string at = std::string(HERE) + ":" + std::to_string(port);
  const std::string atZero = zero.word(), atOne = one.word();
  check("secrets that differ: rank 0", atZero == "RunError: rank 1 did not come within 1 s to rank 0 at " + at +
                                                     "; what came from 127.0.0.1 does not know the secret; set the same "
                                                     "CHUNKFLOW_SECRET on all ranks");
  check("secrets that differ: rank 1", atOne == "UserError: rank 1 could not reach rank 0 at " + at +
                                                    " within 1 s (whoever answers there does not accept this rank's secret); "
                                                    "set the same CHUNKFLOW_SECRET on all ranks");
  if (failedChecks > 0) std::printf("     said: %s\n     said: %s\n", atZero.c_str(), atOne.c_str());
}

/// A rank's way through the lobby is not taken from it by another address's flood.
void checkBounds() {
  const int port = freePort();
  Lobby lobby(listenOn(HERE, port), SECRET, "checks", 4);
  std::vector<Socket> held;
  std::string reason;
  held.push_back(connectOnce(HERE, port, "127.0.0.2", deadlineIn(1), reason));
  for (int i = 0; i < 20; ++i) held.push_back(connectOnce(HERE, port, "", deadlineIn(1), reason));
  lobby.next(deadlineIn(1));
  check("lobby: keeps to its bound", lobby.visitors() == 4);
  char byte = 0;
  check("lobby: drops of the address that has the most",
        recv(held[0].descriptor(), &byte, 1, MSG_DONTWAIT) < 0 && recv(held[1].descriptor(), &byte, 1, MSG_DONTWAIT) <= 0);
  check("lobby: the oldest of them first, which sees it",
        recv(held[1].descriptor(), &byte, 1, 0) == 0 && recv(held.back().descriptor(), &byte, 1, MSG_DONTWAIT) < 0);
  lobby.next(deadlineIn(5.5));
  check("lobby: nobody stays longer than a handshake takes", lobby.visitors() == 0);
}

}  // namespace
}  // namespace chunkflow

int main() {
  using namespace chunkflow;
  checkStrangers();
  checkReplay();
  checkWrongSecret();
  checkBounds();
  std::printf(failedChecks == 0 ? "all checks hold\n" : "%d checks failed\n", failedChecks);
  return failedChecks == 0 ? 0 : 1;
}
