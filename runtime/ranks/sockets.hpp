#pragma once
// TCP between the processes of a run: connections that carry frames. A frame has a kind, a tag and bytes.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.hpp"

namespace chunkflow {

using Deadline = std::chrono::steady_clock::time_point;

/// Now plus so many seconds.
Deadline deadlineIn(double seconds);

/// A file descriptor that is closed when its owner goes.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { close(); }
  Socket(Socket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  Socket& operator=(Socket&& other) noexcept;
  int descriptor() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void close();

 private:
  int descriptor_ = -1;
};

/// At most `atMostMs`, and at least 0, until the deadline; rounded up so that a short rest is not polled in a busy loop.
int millisecondsUntil(Deadline deadline, int atMostMs);

/// Whether a host, as it is written, is this one through its loopback interface.
bool isLoopback(const std::string& host);
/// Addresses that a host's name stands for, as text; none where nobody knows it.
std::vector<std::string> addressesOf(const std::string& host);

/// Listens on a TCP port at one address or host; "" stands for all interfaces, IPv6 and IPv4. Does not block.
/// Port 0 takes a free one. @returns an empty socket, with errno, when the port cannot be had.
Socket listenOn(const std::string& host, int port);
/// The port that a listening socket has.
int portOf(const Socket& listening);
/// A connection that has come in; an empty socket, with errno, when there is none.
Socket acceptNow(const Socket& listening);
/// The other end's address; "" when it is gone.
std::string peerAddress(int descriptor);
/// One attempt at each address of `host`. @param from an address of this host to connect from; "": whichever.
/// @returns an empty socket when nobody answers there; `reason` then says why.
Socket connectOnce(const std::string& host, int port, const std::string& from, Deadline deadline, std::string& reason);

struct Frame {
  std::uint32_t kind = 0;
  std::uint32_t tag = 0;
  std::vector<std::byte> bytes;
};

/// One end of a connection. One thread may receive while another sends; several senders need a lock of their own.
class Connection {
 public:
  Connection() = default;
  explicit Connection(Socket socket);
  int descriptor() const { return socket_.descriptor(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }

  /// Sends a whole frame. @param giveUp is asked now and then whether to stop waiting for the other side.
  /// @returns whether it was sent; a connection that failed once is shut down, so that the other side sees it end.
  bool send(const Frame& frame, Deadline deadline, const std::function<bool()>& giveUp = nullptr);

  /// Takes in what has arrived, without waiting. @returns false when the other side has closed.
  bool receiveSome();
  /// The next whole frame among what has arrived.
  std::optional<Frame> take();
  /// Whether what has arrived is no frame: of other bytes, too long, or with a wrong code.
  bool damaged() const { return damaged_; }
  /// Waits for a whole frame; nothing when the other side closed, broke the rules or let the deadline pass.
  std::optional<Frame> receive(Deadline deadline);
  /// Says that nothing more will be sent; what was sent still arrives.
  void endSending();
  void close() { socket_.close(); }
  /// Frames longer than this are refused, so that a stranger cannot make us allocate.
  void limitFrames(std::size_t bytes) { longestFrame_ = bytes; }
  /// From here on each frame carries an authentication code over its number, header and bytes, under a key for each direction.
  void secure(const Digest& sendingKey, const Digest& receivingKey);

 private:
  /// The frames of one direction under a key.
  struct Coded {
    HmacSha256 keyed;
    std::uint64_t frames = 0;
    Digest next(std::span<const std::byte> head, std::span<const std::byte> bytes);
  };
  std::size_t codeBytes(const std::optional<Coded>& coded) const { return coded ? sizeof(Digest) : 0; }

  Socket socket_;
  std::vector<std::byte> arrived_;
  std::size_t taken_ = 0;
  std::size_t longestFrame_ = std::size_t{1} << 30;
  bool broken_ = false, damaged_ = false;
  std::optional<Coded> sending_, receiving_;
};

}  // namespace chunkflow
