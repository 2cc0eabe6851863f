#include "device/pinned_memory.hpp"

#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <limits>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"

namespace chunkflow {

namespace {

constexpr int MEMORY_POLICY_BIND = 2;  // MPOL_BIND of <numaif.h>, which not every host has
constexpr std::uint64_t UNLIMITED = std::numeric_limits<std::uint64_t>::max();

std::string nodeFolder(int node) { return "/sys/devices/system/node/node" + std::to_string(node); }

bool severalNodes() { return std::filesystem::exists(nodeFolder(1)); }

/// The processors of a node that this process may use; all that it may use where that is unknown or none.
cpu_set_t processorsOf(int numaNode) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  if (numaNode < 0 || !severalNodes()) return allowed;
  cpu_set_t near;
  CPU_ZERO(&near);
  std::ifstream list(nodeFolder(numaNode) + "/cpulist");
  for (std::string range; std::getline(list, range, ',');) {
    std::istringstream text(range);
    int first = 0;
    if (!(text >> first)) break;
    int last = first;
    if (text.get() == '-') text >> last;
    for (int cpu = first; cpu <= last && cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &near);
    }
  }
  return CPU_COUNT(&near) > 0 ? near : allowed;
}

/// The number behind a name in a file of "name number" lines, such as /proc/meminfo.
std::uint64_t numberIn(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream text(line);
    std::string key;
    std::uint64_t number = 0;
    if (text >> key >> number && key == name) return number;
  }
  return 0;
}

}  // namespace

HostMemory::HostMemory(std::size_t bytes, int numaNode) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) {
    throw RunError("could not get " + std::to_string(bytes) + " bytes of host memory (" + std::strerror(errno) + ")");
  }
  data_ = static_cast<std::byte*>(data);
  // Both are wishes: a host without huge pages, or a container that forbids placement, is slower and not wrong.
  madvise(data, bytes, MADV_HUGEPAGE);
  if (numaNode >= 0 && severalNodes()) {
    std::array<unsigned long, 16> mask{};
    constexpr std::size_t WORD_BITS = 8 * sizeof(unsigned long);
    const auto node = static_cast<std::size_t>(numaNode);
    if (node < mask.size() * WORD_BITS) {
      mask[node / WORD_BITS] |= 1ul << (node % WORD_BITS);
      syscall(SYS_mbind, data, bytes, MEMORY_POLICY_BIND, mask.data(), mask.size() * WORD_BITS, 0u);
    }
  }
}

HostMemory HostMemory::shared(std::size_t bytes, int descriptor) {
  if (bytes == 0) return HostMemory(nullptr, 0);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) {
    throw RunError("could not map " + std::to_string(bytes) + " bytes of shared host memory (" + std::strerror(errno) + ")");
  }
  madvise(data, bytes, MADV_HUGEPAGE);
  return HostMemory(static_cast<std::byte*>(data), bytes);
}

HostMemory::~HostMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

PinnedMemory::PinnedMemory(Device& device, std::size_t bytes) : memory_(bytes, device.info().numaNode) {
  std::memset(memory_.data(), 0, bytes);
  lock_ = device.lock(memory_.data(), bytes);
}

void inParallel(int numaNode, int sharers, std::size_t count, const std::function<void(std::size_t)>& work) {
  const cpu_set_t processors = processorsOf(numaNode);
  const auto share = static_cast<std::size_t>(std::max(1, CPU_COUNT(&processors) / std::max(1, sharers)));
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto loop = [&] {
    sched_setaffinity(0, sizeof processors, &processors);
    try {
      for (std::size_t i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < std::min(share, count); ++i) threads.emplace_back(loop);
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

std::uint64_t availableHostBytes() {
  const std::uint64_t host = numberIn("/proc/meminfo", "MemAvailable:") * 1024;
  std::ifstream group("/sys/fs/cgroup/memory.max");
  std::uint64_t limit = UNLIMITED;
  // The file says "max" where there is no limit, which is no number.
  if (!(group >> limit)) return host;
  const std::uint64_t used =
      numberIn("/sys/fs/cgroup/memory.stat", "anon") + numberIn("/sys/fs/cgroup/memory.stat", "shmem");
  return std::min(host, limit > used ? limit - used : 0);
}

}  // namespace chunkflow
