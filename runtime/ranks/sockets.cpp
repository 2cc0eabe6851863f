#include "ranks/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace chunkflow {
namespace {

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

/// Marks every frame, so that another program's port is told from ours.
constexpr std::uint32_t FRAME_MARK = 0x314b4643;  // "CFK1"

struct FrameHeader {
  std::uint32_t mark, kind, tag, unused;
  std::uint64_t bytes;
};

Addresses resolve(const char* host, int port, int flags, std::string& reason) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host, std::to_string(port).c_str(), &wanted, &found);
  if (error != 0) reason = gai_strerror(error);
  return Addresses(error == 0 ? found : nullptr, &freeaddrinfo);
}

/// @returns whether the descriptor became ready before the deadline.
bool waitFor(int descriptor, short events, Deadline deadline) {
  while (true) {
    pollfd entry{descriptor, events, 0};
    const int ready = poll(&entry, 1, millisecondsUntil(deadline, 1000));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
}

void makeNonBlocking(int descriptor) { fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

std::string textOf(const sockaddr* address, socklen_t length) {
  char text[NI_MAXHOST] = {};
  return getnameinfo(address, length, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0 ? text : "";
}

/// Gives a socket an address of this host, of the family that it has. @returns false, with errno, when there is none.
bool bindTo(const Socket& socket, int family, const std::string& from) {
  std::string reason;
  const Addresses addresses = resolve(from.c_str(), 0, AI_NUMERICHOST, reason);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    if (address->ai_family == family) return bind(socket.descriptor(), address->ai_addr, address->ai_addrlen) == 0;
  }
  errno = EADDRNOTAVAIL;
  return false;
}

Socket listenAt(const addrinfo& address) {
  Socket socket(::socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol));
  if (!socket) return socket;
  const int on = 1, off = 0;
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) setsockopt(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (bind(socket.descriptor(), address.ai_addr, address.ai_addrlen) != 0 ||
      listen(socket.descriptor(), SOMAXCONN) != 0) {
    const int error = errno;
    socket.close();
    errno = error;
    return socket;
  }
  makeNonBlocking(socket.descriptor());
  return socket;
}

}  // namespace

int millisecondsUntil(Deadline deadline, int atMostMs) {
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(rest, 0, atMostMs));
}

bool isLoopback(const std::string& host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

std::vector<std::string> addressesOf(const std::string& host) {
  std::string reason;
  const Addresses addresses = resolve(host.c_str(), 0, 0, reason);
  std::vector<std::string> texts;
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    texts.push_back(textOf(address->ai_addr, address->ai_addrlen));
  }
  return texts;
}

Deadline deadlineIn(double seconds) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(seconds));
}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    std::swap(descriptor_, other.descriptor_);
  }
  return *this;
}

void Socket::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Socket listenOn(const std::string& host, int port) {
  std::string reason;
  const Addresses addresses = resolve(host.empty() ? nullptr : host.c_str(), port, AI_PASSIVE, reason);
  // The IPv6 wildcard takes IPv4 connections too, so it is tried before the IPv4 one.
  for (const bool ipv6 : {true, false}) {
    for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
      if ((address->ai_family == AF_INET6) != ipv6) continue;
      Socket socket = listenAt(*address);
      if (socket || errno == EADDRINUSE) return socket;
    }
  }
  if (!addresses) errno = EADDRNOTAVAIL;
  return Socket();
}

int portOf(const Socket& listening) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getsockname(listening.descriptor(), reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return address.ss_family == AF_INET6 ? ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port)
                                       : ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

Socket acceptNow(const Socket& listening) {
  while (true) {
    Socket socket(accept4(listening.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    // Of a connection that was given up while it waited; the next one may be there.
    if (socket || (errno != EINTR && errno != ECONNABORTED)) return socket;
  }
}

std::string peerAddress(int descriptor) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "";
  const std::string text = textOf(reinterpret_cast<const sockaddr*>(&address), length);
  constexpr std::string_view MAPPED = "::ffff:";  // IPv4 through an IPv6 socket
  return text.starts_with(MAPPED) ? text.substr(MAPPED.size()) : text;
}

Socket connectOnce(const std::string& host, int port, const std::string& from, Deadline deadline, std::string& reason) {
  const Addresses addresses = resolve(host.c_str(), port, 0, reason);
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol));
    if (!socket || (!from.empty() && !bindTo(socket, address->ai_family, from))) {
      reason = std::strerror(errno);
      continue;
    }
    makeNonBlocking(socket.descriptor());
    int error = connect(socket.descriptor(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      socklen_t length = sizeof error;
      if (!waitFor(socket.descriptor(), POLLOUT, deadline)) {
        error = ETIMEDOUT;
      } else if (getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
        error = errno;
      }
    }
    if (error == 0) return socket;
    reason = std::strerror(error);
  }
  return Socket();
}

Digest Connection::Coded::next(std::span<const std::byte> head, std::span<const std::byte> bytes) {
  return HmacSha256(keyed).add(frames++).add(head).add(bytes).code();
}

void Connection::secure(const Digest& sendingKey, const Digest& receivingKey) {
  sending_.emplace(HmacSha256(sendingKey));
  receiving_.emplace(HmacSha256(receivingKey));
}

Connection::Connection(Socket socket) : socket_(std::move(socket)) {
  const int on = 1;
  setsockopt(socket_.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  makeNonBlocking(socket_.descriptor());
}

bool Connection::send(const Frame& frame, Deadline deadline, const std::function<bool()>& giveUp) {
  if (broken_ || !socket_) return false;
  constexpr int ASK_MS = 50;
  const FrameHeader header{FRAME_MARK, frame.kind, frame.tag, 0, frame.bytes.size()};
  const auto* head = reinterpret_cast<const std::byte*>(&header);
  std::vector<std::byte> all(head, head + sizeof header);
  all.insert(all.end(), frame.bytes.begin(), frame.bytes.end());
  if (sending_) {
    const Digest code = sending_->next(std::span(head, sizeof header), frame.bytes);
    all.insert(all.end(), code.begin(), code.end());
  }
  std::size_t sent = 0;
  while (sent < all.size()) {
    const ssize_t count = ::send(socket_.descriptor(), all.data() + sent, all.size() - sent, MSG_NOSIGNAL);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    const bool full = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (!full || std::chrono::steady_clock::now() >= deadline || (giveUp && giveUp())) {
      // Half a frame may be out, and nothing sensible can follow it.
      broken_ = true;
      shutdown(socket_.descriptor(), SHUT_WR);
      return false;
    }
    pollfd entry{socket_.descriptor(), POLLOUT, 0};
    poll(&entry, 1, millisecondsUntil(deadline, ASK_MS));
  }
  return true;
}

bool Connection::receiveSome() {
  constexpr std::size_t AT_ONCE = std::size_t{1} << 16;
  // Bounded, so that one busy connection does not keep its reader from the others; what is left is there at the next
  // call. Nor is much more taken in than the longest frame, which a stranger's connection has short.
  const std::size_t mostHeld = sizeof(FrameHeader) + longestFrame_ + sizeof(Digest);
  for (int piece = 0; piece < 64 && arrived_.size() - taken_ <= mostHeld; ++piece) {
    const std::size_t before = arrived_.size();
    arrived_.resize(before + AT_ONCE);
    const ssize_t count = recv(socket_.descriptor(), arrived_.data() + before, AT_ONCE, 0);
    const int error = errno;
    arrived_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count > 0 || (count < 0 && error == EINTR)) continue;
    return count < 0 && (error == EAGAIN || error == EWOULDBLOCK);
  }
  return true;
}

std::optional<Frame> Connection::take() {
  FrameHeader header;
  const auto rest = std::span(arrived_).subspan(taken_);
  if (damaged_ || rest.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, rest.data(), sizeof header);
  if (header.mark != FRAME_MARK || header.bytes > longestFrame_) {
    damaged_ = true;
    return std::nullopt;
  }
  const std::size_t framed = sizeof header + header.bytes, size = framed + codeBytes(receiving_);
  if (rest.size() < size) return std::nullopt;
  const auto head = rest.first(sizeof header), bytes = rest.subspan(sizeof header, header.bytes);
  if (receiving_ && !sameCode(receiving_->next(head, bytes), rest.subspan(framed, sizeof(Digest)))) {
    damaged_ = true;
    return std::nullopt;
  }
  Frame frame{header.kind, header.tag, {bytes.begin(), bytes.end()}};
  taken_ += size;
  if (taken_ == arrived_.size()) {
    arrived_.clear();
    taken_ = 0;
  }
  return frame;
}

std::optional<Frame> Connection::receive(Deadline deadline) {
  while (true) {
    const bool open = receiveSome();
    std::optional<Frame> frame = take();
    if (frame || !open || damaged_ || !waitFor(socket_.descriptor(), POLLIN, deadline)) return frame;
  }
}

void Connection::endSending() {
  if (socket_) shutdown(socket_.descriptor(), SHUT_WR);
}

}  // namespace chunkflow
