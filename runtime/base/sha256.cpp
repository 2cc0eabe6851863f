#include "base/sha256.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace chunkflow {
namespace {

/// First 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> ROUND_CONSTANTS{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t wordAt(const std::byte* bytes) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return word;
}

}  // namespace

Sha256& Sha256::add(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t filled = bytes_ % BLOCK_BYTES;
    const std::size_t taken = std::min(bytes.size(), BLOCK_BYTES - filled);
    if (taken == BLOCK_BYTES) {
      takeBlock(bytes.data());
    } else {
      std::memcpy(block_.data() + filled, bytes.data(), taken);
      if (filled + taken == BLOCK_BYTES) takeBlock(block_.data());
    }
    bytes_ += taken;
    bytes = bytes.subspan(taken);
  }
  return *this;
}

Sha256& Sha256::add(std::uint64_t number) {
  std::array<std::byte, sizeof number> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(number >> (8 * i));
  return add(bytes);
}

Digest Sha256::digest() {
  const std::uint64_t bits = bytes_ * 8;
  constexpr std::size_t LENGTH_AT = BLOCK_BYTES - sizeof bits;
  constexpr std::array<std::byte, BLOCK_BYTES> PADDING{std::byte{0x80}};
  const std::size_t filled = bytes_ % BLOCK_BYTES;
  add(std::span(PADDING).first((filled < LENGTH_AT ? LENGTH_AT : LENGTH_AT + BLOCK_BYTES) - filled));
  std::array<std::byte, sizeof bits> length;
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(bits >> (8 * (7 - i)));
  add(length);
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(state_[i / 4] >> (8 * (3 - i % 4)));
  }
  return digest;
}

void Sha256::takeBlock(const std::byte* block) {
  std::array<std::uint32_t, 64> words;
  for (std::size_t i = 0; i < 16; ++i) words[i] = wordAt(block + 4 * i);
  for (std::size_t i = 16; i < words.size(); ++i) {
    const std::uint32_t a = words[i - 15], b = words[i - 2];
    words[i] = words[i - 16] + words[i - 7] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) +
               (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint32_t mixed = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) +
                                ROUND_CONSTANTS[i] + words[i];
    const std::uint32_t majority =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + mixed;
    d = c;
    c = b;
    b = a;
    a = mixed + majority;
  }
  const std::array<std::uint32_t, 8> added{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < added.size(); ++i) state_[i] += added[i];
}

HmacSha256::HmacSha256(std::span<const std::byte> key) {
  constexpr std::size_t BLOCK_BYTES = 64;
  std::array<std::byte, BLOCK_BYTES> inner{}, outer{};
  const Digest shortened = key.size() > BLOCK_BYTES ? Sha256().add(key).digest() : Digest{};
  if (key.size() > BLOCK_BYTES) key = shortened;
  std::copy(key.begin(), key.end(), inner.begin());
  for (std::size_t i = 0; i < BLOCK_BYTES; ++i) {
    outer[i] = inner[i] ^ std::byte{0x5c};
    inner[i] ^= std::byte{0x36};
  }
  inner_.add(inner);
  outer_.add(outer);
}

Digest HmacSha256::code() { return outer_.add(inner_.digest()).digest(); }

bool sameCode(std::span<const std::byte> a, std::span<const std::byte> b) {
  if (a.size() != b.size()) return false;
  std::byte difference{0};
  for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  // Through a volatile, so that the compiler cannot end the loop early.
  const volatile std::byte seen = difference;
  return seen == std::byte{0};
}

}  // namespace chunkflow
