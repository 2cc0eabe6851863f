#pragma once
// SHA-256 (FIPS 180-4) and HMAC-SHA256 (RFC 2104). Our own, since generated programs are compiled on clusters with nothing
// but a C++ compiler: OpenSSL's headers are often absent there, and its library differs from node to node. Both are
// checked with their standards' vectors (checks/secret_checks.cpp). Not hardened against a process on the same core.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace chunkflow {

using Digest = std::array<std::byte, 32>;

/// A message's hash, piece by piece.
class Sha256 {
 public:
  Sha256& add(std::span<const std::byte> bytes);
  Sha256& add(std::string_view text) { return add(std::as_bytes(std::span(text))); }
  /// Little-endian, whatever the processor.
  Sha256& add(std::uint64_t number);
  /// Of everything added. The object is used up.
  Digest digest();

 private:
  static constexpr std::size_t BLOCK_BYTES = 64;
  void takeBlock(const std::byte* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, BLOCK_BYTES> block_{};
  std::uint64_t bytes_ = 0;
};

/// A message's authentication code under a key, piece by piece.
class HmacSha256 {
 public:
  explicit HmacSha256(std::span<const std::byte> key);
  explicit HmacSha256(std::string_view key) : HmacSha256(std::as_bytes(std::span(key))) {}
  template <class Piece>
  HmacSha256& add(const Piece& piece) {
    inner_.add(piece);
    return *this;
  }
  /// The object is used up.
  Digest code();

 private:
  Sha256 inner_, outer_;
};

/// Whether two codes are the same, in a time that does not depend on where they differ.
bool sameCode(std::span<const std::byte> a, std::span<const std::byte> b);

}  // namespace chunkflow
