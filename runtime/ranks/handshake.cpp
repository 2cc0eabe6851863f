#include "ranks/handshake.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

#include "ranks/group_text.hpp"

namespace chunkflow {
namespace {

std::vector<std::byte> digestBytes(const Digest& digest) { return {digest.begin(), digest.end()}; }

Frame frameOf(Say say, std::vector<std::byte> bytes, std::uint32_t tag = 0) {
  return {static_cast<std::uint32_t>(say), tag, std::move(bytes)};
}

bool is(const Frame& frame, Say say) { return frame.kind == static_cast<std::uint32_t>(say); }

std::string greetingText(const Greeting& greeting) {
  std::ostringstream text;
  text << greeting.version << '\n' << greeting.worldSize << '\n' << greeting.rank << '\n';
  for (const std::string& line : {greeting.fingerprint, greeting.host, greeting.job, greeting.complaint}) {
    text << oneLine(line) << '\n';
  }
  return text.str();
}

bool readNumber(std::istream& lines, int& number) {
  std::string line;
  if (!std::getline(lines, line)) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  return error == std::errc() && end == line.data() + line.size();
}

/// Lines of a Hello, behind its nonce; of another version's only the version.
std::optional<Greeting> readGreeting(const std::vector<std::byte>& bytes) {
  if (bytes.size() < sizeof(Nonce) || bytes.size() > LONGEST_GREETING_BYTES) return std::nullopt;
  std::istringstream lines(toText(bytes).substr(sizeof(Nonce)));
  Greeting greeting;
  if (!readNumber(lines, greeting.version)) return std::nullopt;
  if (greeting.version != PROTOCOL_VERSION) return greeting;
  if (!readNumber(lines, greeting.worldSize) || !readNumber(lines, greeting.rank)) return std::nullopt;
  for (std::string* text : {&greeting.fingerprint, &greeting.host, &greeting.job, &greeting.complaint}) {
    if (!std::getline(lines, *text) || lines.eof()) return std::nullopt;
  }
  return lines.peek() == std::istringstream::traits_type::eof() ? std::optional(greeting) : std::nullopt;
}

Digest transcriptOf(const std::vector<std::byte>& hello, const std::vector<std::byte>& challenge) {
  Sha256 hash;
  hash.add("chunkflow rendezvous").add(std::uint64_t{PROTOCOL_VERSION});
  hash.add(std::uint64_t{hello.size()}).add(hello);
  return hash.add(std::uint64_t{challenge.size()}).add(challenge).digest();
}

/// Each use has a purpose of its own, so that no code can stand for another.
Digest codeFor(const std::string& secret, const char* purpose, const Digest& transcript) {
  return HmacSha256(secret).add(std::string_view(purpose)).add(transcript).code();
}

Digest proofOfRank(const std::string& secret, const Digest& transcript) { return codeFor(secret, "rank", transcript); }
Digest proofOfZero(const std::string& secret, const Digest& transcript) { return codeFor(secret, "zero", transcript); }

FrameKeys keysOf(const std::string& secret, const Digest& transcript) {
  return {codeFor(secret, "frames to zero", transcript), codeFor(secret, "frames from zero", transcript)};
}

}  // namespace

std::string oneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

Frame Reception::take(const Frame& frame) {
  switch (state_) {
    case State::AwaitsHello:
      return hello(frame);
    case State::AwaitsProof:
      return proof(frame);
    case State::Known:
    case State::Refused:
      break;
  }
  return refuse(Refusal::NotARank);
}

Frame Reception::hello(const Frame& frame) {
  const std::optional<Greeting> greeting = is(frame, Say::Hello) ? readGreeting(frame.bytes) : std::nullopt;
  if (!greeting) return refuse(Refusal::NotARank);
  greeting_ = *greeting;
  if (greeting_.version != PROTOCOL_VERSION) return refuse(Refusal::OtherVersion);
  if (greeting_.job != oneLine(job_)) return refuse(Refusal::OtherJob);
  state_ = State::AwaitsProof;
  Frame challenge = frameOf(Say::Challenge, digestBytes(nonce_));
  transcript_ = transcriptOf(frame.bytes, challenge.bytes);
  return challenge;
}

Frame Reception::proof(const Frame& frame) {
  if (!is(frame, Say::Proof)) return refuse(Refusal::NotARank);
  if (!sameCode(frame.bytes, proofOfRank(secret_, transcript_))) return refuse(Refusal::WrongSecret);
  state_ = State::Known;
  return frameOf(Say::Known, digestBytes(proofOfZero(secret_, transcript_)));
}

Frame Reception::refuse(Refusal why) {
  state_ = State::Refused;
  refusal_ = why;
  return frameOf(Say::Refuse, {}, static_cast<std::uint32_t>(why));
}

FrameKeys Reception::keys() const { return keysOf(secret_, transcript_); }

Introduction::Introduction(std::string secret, const Greeting& greeting, const Nonce& nonce)
    : secret_(std::move(secret)), hello_(frameOf(Say::Hello, digestBytes(nonce))) {
  const std::vector<std::byte> text = toBytes(greetingText(greeting));
  hello_.bytes.insert(hello_.bytes.end(), text.begin(), text.end());
}

std::optional<Frame> Introduction::take(const Frame& frame) {
  const State before = state_;
  state_ = State::Distrusted;
  if (before != State::AwaitsChallenge && before != State::AwaitsProof) return std::nullopt;
  if (is(frame, Say::Refuse)) {
    state_ = State::Refused;
    refusal_ = static_cast<Refusal>(frame.tag);
    return std::nullopt;
  }
  if (before == State::AwaitsChallenge) {
    if (!is(frame, Say::Challenge) || frame.bytes.size() != sizeof(Nonce)) return std::nullopt;
    transcript_ = transcriptOf(hello_.bytes, frame.bytes);
    state_ = State::AwaitsProof;
    return frameOf(Say::Proof, digestBytes(proofOfRank(secret_, transcript_)));
  }
  if (is(frame, Say::Known) && sameCode(frame.bytes, proofOfZero(secret_, transcript_))) state_ = State::Known;
  return std::nullopt;
}

FrameKeys Introduction::keys() const { return keysOf(secret_, transcript_); }

}  // namespace chunkflow
