#include "ranks/secret.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "ranks/sockets.hpp"

namespace chunkflow {
namespace {

constexpr std::size_t SHORTEST_SECRET = 16, LONGEST_SECRET = 4096;

void fillRandom(std::span<std::byte> bytes) {
  ssize_t count = 0;
  do {
    count = getrandom(bytes.data(), bytes.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(bytes.size())) return;
  throw RunError(std::string("could not get random bytes from the system (") + std::strerror(errno) + ")");
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string readSecret(const std::string& path) {
  const std::string what = "CHUNKFLOW_SECRET_FILE is " + path;
  // Not blocking: a pipe is refused below instead of being waited for.
  const Socket file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts{};
  if (!file || fstat(file.descriptor(), &facts) != 0) {
    throw UserError(what + ", which cannot be read (" + std::strerror(errno) + ")");
  }
  if (!S_ISREG(facts.st_mode)) throw UserError(what + ", which is not a regular file");
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(facts.st_mode & 07777));
    throw UserError(what + ", which is open to others (mode " + mode + "); chmod 600 " + path);
  }
  std::string text(LONGEST_SECRET + 2, '\0');
  const ssize_t count = read(file.descriptor(), text.data(), text.size());
  if (count < 0) throw UserError(what + ", which cannot be read (" + std::strerror(errno) + ")");
  text.resize(static_cast<std::size_t>(count));
  return trimmed(text);
}

}  // namespace

Nonce freshNonce() {
  Nonce nonce;
  fillRandom(nonce);
  return nonce;
}

std::string freshSecret() {
  std::array<std::byte, SHORTEST_SECRET> bytes;
  fillRandom(bytes);
  std::string text;
  for (const std::byte byte : bytes) {
    constexpr char DIGITS[] = "0123456789abcdef";
    text += DIGITS[std::to_integer<int>(byte >> 4)];
    text += DIGITS[std::to_integer<int>(byte & std::byte{15})];
  }
  return text;
}

std::string secretOfJob() {
  const char* text = std::getenv("CHUNKFLOW_SECRET");
  const char* file = std::getenv("CHUNKFLOW_SECRET_FILE");
  const bool hasText = text != nullptr && *text != '\0', hasFile = file != nullptr && *file != '\0';
  if (hasText && hasFile) throw UserError("CHUNKFLOW_SECRET and CHUNKFLOW_SECRET_FILE are both set; unset one of them");
  if (!hasText && !hasFile) return "";
  const std::string secret = hasText ? trimmed(text) : readSecret(file);
  if (secret.size() >= SHORTEST_SECRET && secret.size() <= LONGEST_SECRET) return secret;
  throw UserError(std::string(hasText ? "CHUNKFLOW_SECRET" : "the secret in CHUNKFLOW_SECRET_FILE") + " has " +
                  std::to_string(secret.size()) + " characters; expected " + std::to_string(SHORTEST_SECRET) + " to " +
                  std::to_string(LONGEST_SECRET) + ", such as `openssl rand -hex 16` prints");
}

std::string secretIsMissing(const std::string& address) {
  return "CHUNKFLOW_SECRET is not set, and rank 0 would listen at " + address +
         ", where strangers can connect; set it to the same on all ranks: export CHUNKFLOW_SECRET=$(openssl rand -hex 16)";
}

}  // namespace chunkflow
