#pragma once
// How two processes make sure that they belong to one job, before either believes anything that the other says. Both sides
// of the handshake as state machines over frames: no socket, no clock, no randomness of their own.
//
//   rank                                      rank 0
//   Hello      nonce, greeting          -->
//                                       <--   Challenge  nonce
//   Proof      HMAC(secret, "rank", T)  -->
//                                       <--   Known      HMAC(secret, "zero", T)
//
// T is the hash of the protocol's version, the Hello and the Challenge: rank, world size, program and settings, job, and
// both nonces. So a recorded proof fits no other connection, a rank's proof is none of rank 0, and whoever passes frames on
// between two ranks can change nothing in them. The rank proves itself first, so that a stranger who connects gets
// nothing to try secrets against. Every frame behind Known carries a code under keys that follow from secret and T.
//
// Without a secret (all ranks on the loopback interface) the same is done with an empty one.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.hpp"
#include "ranks/secret.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {

/// What the frames between processes mean. `tag` is the Meeting of Bring and Result, the Refusal of Refuse, and of Reject
/// whether it is the user's mistake (1) or not (0).
enum class Say : std::uint32_t {
  Hello = 1, Challenge, Proof, Known, Refuse, Welcome, Reject, Bring, Result, Fail, Bye
};

/// Why rank 0 has nothing to do with a connection.
enum class Refusal : std::uint32_t { None, NotARank, OtherVersion, OtherJob, WrongSecret };

constexpr int PROTOCOL_VERSION = 2;
/// A greeting is a few lines; anything longer is no greeting of ours.
constexpr std::size_t LONGEST_GREETING_BYTES = std::size_t{64} << 10;

/// What a rank says of itself: one line each, the version first so that every version can read it.
struct Greeting {
  int version = PROTOCOL_VERSION;
  int worldSize = 0;
  int rank = 0;
  std::string fingerprint, host, job, complaint;
};

/// What goes into a line of its own must not end it.
std::string oneLine(std::string text);

/// Of a connection: one key for each direction.
struct FrameKeys {
  Digest toZero, fromZero;
};

/// Rank 0's side of one connection.
class Reception {
 public:
  enum class State { AwaitsHello, AwaitsProof, Known, Refused };

  /// @param job as `Greeting::job`; another job's ranks are told to look elsewhere.
  Reception(std::string secret, std::string job, const Nonce& nonce)
      : secret_(std::move(secret)), job_(std::move(job)), nonce_(nonce) {}

  /// Takes a frame. @returns the answer to it; the last one in Known or Refused.
  Frame take(const Frame& frame);
  State state() const { return state_; }
  Refusal refusal() const { return refusal_; }
  /// Not to be believed before Known.
  const Greeting& greeting() const { return greeting_; }
  /// In Known.
  FrameKeys keys() const;

 private:
  Frame hello(const Frame& frame);
  Frame proof(const Frame& frame);
  Frame refuse(Refusal why);

  std::string secret_, job_;
  Nonce nonce_;
  State state_ = State::AwaitsHello;
  Refusal refusal_ = Refusal::None;
  Greeting greeting_;
  Digest transcript_{};
};

/// The side of a rank that connects to rank 0.
class Introduction {
 public:
  enum class State { AwaitsChallenge, AwaitsProof, Known, Refused, Distrusted };

  Introduction(std::string secret, const Greeting& greeting, const Nonce& nonce);

  /// The first frame.
  const Frame& hello() const { return hello_; }
  /// Takes a frame. @returns the answer to it, if it has one.
  std::optional<Frame> take(const Frame& frame);
  /// Distrusted: who answers is not rank 0 of this job.
  State state() const { return state_; }
  /// In Refused.
  Refusal refusal() const { return refusal_; }
  /// In Known.
  FrameKeys keys() const;

 private:
  std::string secret_;
  Frame hello_;
  State state_ = State::AwaitsChallenge;
  Refusal refusal_ = Refusal::None;
  Digest transcript_{};
};

}  // namespace chunkflow
