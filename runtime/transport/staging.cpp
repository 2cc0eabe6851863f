#include <atomic>
#include <cstring>
#include <map>
#include <mutex>

#include "transport/staged_exchange.hpp"
#include "transport/transport.hpp"

namespace chunkflow {
namespace {

constexpr std::size_t PAGE_BYTES = 4096;
constexpr std::size_t FLAG_STRIDE_BYTES = 64;
constexpr std::size_t FLAGS_PER_RANK = 2048;
static_assert(FIRST_STAGED_SM_FLAG + STAGED_SM_FLAGS <= FLAGS_PER_RANK);
/// Offset that releases all flags: beyond any count of a run, and below 2^31, so that it compares as ahead in signed difference.
constexpr std::uint32_t FAR_AHEAD = std::uint32_t{1} << 30;

std::size_t wholeHostPages(std::size_t bytes) { return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES; }

/// A lock on memory that the ranks of a process share: taken by whoever comes first, given up by whoever leaves last.
std::shared_ptr<PageLock> lockOnce(Device& device, std::byte* data, std::size_t bytes) {
  static std::mutex mutex;
  static std::map<std::byte*, std::weak_ptr<PageLock>> locks;
  const std::lock_guard guard(mutex);
  std::weak_ptr<PageLock>& known = locks[data];
  std::shared_ptr<PageLock> lock = known.lock();
  if (!lock) {
    lock = device.lock(data, bytes);
    known = lock;
  }
  std::erase_if(locks, [](const auto& entry) { return entry.second.expired(); });
  return lock;
}

}  // namespace

struct Staging::Impl {
  Impl(Group& group, std::size_t bytesPerRank)
      : ranks(group.place().ranks),
        bytesPerRank(bytesPerRank),
        halfBytes(wholeHostPages(bytesPerRank)),
        headBytes(PAGE_BYTES + static_cast<std::size_t>(ranks) * FLAGS_PER_RANK * FLAG_STRIDE_BYTES),
        memory(group.shared(headBytes + static_cast<std::size_t>(ranks) * 2 * halfBytes)) {}

  std::byte* area(int rank) const {
    return memory->data() + headBytes + static_cast<std::size_t>(rank) * 2 * halfBytes;
  }
  std::byte* flags(int rank) const {
    return memory->data() + PAGE_BYTES + static_cast<std::size_t>(rank) * FLAGS_PER_RANK * FLAG_STRIDE_BYTES;
  }
  std::uint32_t* abortWord() const { return reinterpret_cast<std::uint32_t*>(memory->data()); }

  int ranks;
  std::size_t bytesPerRank, halfBytes;
  /// The abort word has a page to itself: it is read by all and written once.
  std::size_t headBytes;
  std::unique_ptr<SharedMemory> memory;
  std::shared_ptr<PageLock> lock;  // behind the memory, so that it goes first
};

Staging::Staging(Device& device, Group& group, std::size_t bytesPerRank)
    : impl_(std::make_unique<Impl>(group, bytesPerRank)) {
  const int rank = group.place().rank;
  // Pages come to lie near the CPU that touches them first, and page-locking must find them there.
  std::memset(impl_->area(rank), 0, 2 * impl_->halfBytes);
  std::memset(impl_->flags(rank), 0, FLAGS_PER_RANK * FLAG_STRIDE_BYTES);
  group.barrier();
  impl_->lock = lockOnce(device, impl_->memory->data(), impl_->memory->bytes());
  // Barrier: no rank signals another that may still be clearing or page-locking its flags.
  group.barrier();
}

Staging::~Staging() = default;

std::byte* Staging::outgoing(int rank, std::uint32_t collective) const {
  return impl_->area(rank) + (collective & 1) * impl_->halfBytes;
}

std::size_t Staging::bytesPerRank() const { return impl_->bytesPerRank; }

std::uint32_t* Staging::flag(int rank, int index) const {
  return reinterpret_cast<std::uint32_t*>(impl_->flags(rank) + static_cast<std::size_t>(index) * FLAG_STRIDE_BYTES);
}

std::uint32_t* Staging::abortWord() const { return impl_->abortWord(); }

std::size_t Staging::pinnedBytes() const { return impl_->memory->bytes(); }

void Staging::release() {
  // Only the first caller moves the flags: moved twice they would be half the 32-bit range ahead and compare as behind.
  if (std::atomic_ref(*impl_->abortWord()).exchange(1) != 0) return;
  for (int rank = 0; rank < impl_->ranks; ++rank) {
    for (int index = 0; index < static_cast<int>(FLAGS_PER_RANK); ++index) {
      std::atomic_ref(*flag(rank, index)).fetch_add(FAR_AHEAD);
    }
  }
}

}  // namespace chunkflow
