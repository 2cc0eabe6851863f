#include "ranks/shared_segment.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"

namespace chunkflow {
namespace {

[[noreturn]] void refuse(const std::string& what, std::size_t bytes, int error) {
  throw RunError("could not " + what + " " + std::to_string(bytes) + " bytes of shared memory in /dev/shm (" +
                 std::strerror(error) + "); make room there, or start the container with a larger --shm-size");
}

std::string randomName() {
  std::uint64_t random[2] = {};
  if (getrandom(random, sizeof random, 0) != sizeof random) {
    throw RunError(std::string("could not get random bytes from the system (") + std::strerror(errno) + ")");
  }
  char name[64];
  std::snprintf(name, sizeof name, "/chunkflow-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
  return name;
}

}  // namespace

SharedSegment::SharedSegment(std::string name, int descriptor, std::size_t bytes, bool created)
    : name_(std::move(name)), descriptor_(descriptor), bytes_(bytes), linked_(created) {}

std::unique_ptr<SharedSegment> SharedSegment::create(std::size_t bytes) {
  const std::string name = randomName();
  const int descriptor = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) refuse("create", bytes, errno);
  std::unique_ptr<SharedSegment> segment(new SharedSegment(name, descriptor, bytes, true));
  if (ftruncate(descriptor, static_cast<off_t>(bytes)) != 0) refuse("create", bytes, errno);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) refuse("map", bytes, errno);
  segment->data_ = static_cast<std::byte*>(data);
  return segment;
}

std::unique_ptr<SharedSegment> SharedSegment::open(const std::string& name, std::size_t bytes) {
  const int descriptor = shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0600);
  if (descriptor < 0) refuse("open", bytes, errno);
  std::unique_ptr<SharedSegment> segment(new SharedSegment(name, descriptor, bytes, false));
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) refuse("map", bytes, errno);
  segment->data_ = static_cast<std::byte*>(data);
  return segment;
}

SharedSegment::~SharedSegment() {
  unlink();
  if (data_ != nullptr) munmap(data_, bytes_);
  close(descriptor_);
}

void SharedSegment::reserve(std::size_t from, std::size_t to) const {
  if (from >= to) return;
  int error = 0;
  do {
    error = posix_fallocate(descriptor_, static_cast<off_t>(from), static_cast<off_t>(to - from));
  } while (error == EINTR);
  if (error != 0) refuse("reserve", bytes_, error);
}

void SharedSegment::unlink() {
  if (linked_) shm_unlink(name_.c_str());
  linked_ = false;
}

}  // namespace chunkflow
